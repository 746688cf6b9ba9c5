//! Estimates with intervals over users: a user's rows are not independent.

use std::collections::BTreeMap;

use data::Progress;

use super::logged::Logged;
use super::method::Method;
use crate::bootstrap::{Column, Ratios, Resampled};
use crate::{Error, Interval, Result};

/// The value by a method with its 95 % interval (percentiles of a bootstrap over users).
///
/// # Errors
/// Where there is no row, no estimate that the method needs, or the user asked to stop.
pub fn value(
    logged: &Logged,
    method: Method,
    replicates: usize,
    seed: u64,
    progress: &Progress<'_>,
) -> Result<Interval> {
    Ok(values(logged, &[method], replicates, seed, progress)?[0])
}

/// [`value`] by several methods, all over the same draws, which is quicker than one by one.
///
/// # Errors
/// As [`value`].
pub fn values(
    logged: &Logged,
    methods: &[Method],
    replicates: usize,
    seed: u64,
    progress: &Progress<'_>,
) -> Result<Vec<Interval>> {
    let mut table = Table::new(logged)?;
    let columns = methods
        .iter()
        .map(|method| table.add(logged, *method))
        .collect::<Result<Vec<Columns>>>()?;
    let resampled = table.ratios.resample(replicates, seed, progress)?;
    Ok(columns.iter().map(|columns| columns.of(&resampled)).collect())
}

/// Mean reward of the logging policy, with its interval.
///
/// # Errors
/// As [`value`].
pub fn logged(
    logged: &Logged,
    replicates: usize,
    seed: u64,
    progress: &Progress<'_>,
) -> Result<Interval> {
    let mut table = Table::new(logged)?;
    let mut sums = vec![0.0; table.users];
    for (reward, user) in logged.rewards.iter().zip(&table.user_of_row) {
        sums[*user] += reward;
    }
    let column = table.ratios.column(table.rows, sums);
    let resampled = table.ratios.resample(replicates, seed, progress)?;
    Ok(resampled.combined(&[(column, 1.0)]))
}

/// One policy's value minus another's on the same rows, paired: only rows on which they differ
/// count. Both logs hold the same actions, each with its own target.
///
/// # Errors
/// As [`value`], and where the logs are not of the same actions.
pub fn difference(
    a: &Logged,
    b: &Logged,
    method: Method,
    replicates: usize,
    seed: u64,
    progress: &Progress<'_>,
) -> Result<Interval> {
    if a.actions != b.actions || a.users != b.users || a.offsets != b.offsets {
        return Err(Error::input("paired difference", "the two logs hold other actions"));
    }
    let mut table = Table::new(a)?;
    let (first, second) = (table.add(a, method)?, table.add(b, method)?);
    let resampled = table.ratios.resample(replicates, seed, progress)?;
    Ok(first.minus(&second, &resampled))
}

/// Sums by user.
struct Table {
    ratios: Ratios,
    user_of_row: Vec<usize>,
    users: usize,
    rows: crate::bootstrap::Denominator,
}

/// The columns of one estimate.
#[derive(Clone, Copy)]
struct Columns {
    plain: Option<Column>,
    ratio: Option<Column>,
}

impl Table {
    fn new(logged: &Logged) -> Result<Table> {
        if logged.is_empty() {
            return Err(Error::Refused("there is no logged action to estimate from".into()));
        }
        let mut number: BTreeMap<u32, usize> = BTreeMap::new();
        let user_of_row: Vec<usize> = logged
            .users
            .iter()
            .map(|user| {
                let next = number.len();
                *number.entry(*user).or_insert(next)
            })
            .collect();
        let users = number.len();
        let mut ratios = Ratios::new(users);
        let mut counts = vec![0.0; users];
        user_of_row.iter().for_each(|user| counts[*user] += 1.0);
        let rows = ratios.denominator(counts);
        Ok(Table { ratios, user_of_row, users, rows })
    }

    fn add(&mut self, logged: &Logged, method: Method) -> Result<Columns> {
        if method.needs_estimates() && logged.estimates.is_empty() {
            let what = "it needs reward estimates; set them, cross-fitted";
            return Err(Error::input(method.name(), what));
        }
        let mut sums = vec![[0.0f64; 3]; self.users];
        for (row, user) in self.user_of_row.iter().enumerate() {
            let term = method.term(logged, row);
            let sum = &mut sums[*user];
            sum[0] += term.plain;
            sum[1] += term.over;
            sum[2] += term.under;
        }
        let column = |at: usize| sums.iter().map(|sum| sum[at]).collect::<Vec<f64>>();
        let has = |at: usize| sums.iter().any(|sum| sum[at] != 0.0);
        let plain = has(0).then(|| self.ratios.column(self.rows, column(0)));
        let ratio = has(2).then(|| {
            let under = self.ratios.denominator(column(2));
            self.ratios.column(under, column(1))
        });
        Ok(Columns { plain, ratio })
    }
}

impl Columns {
    fn of(self, resampled: &Resampled) -> Interval {
        let columns: Vec<(Column, f64)> = [self.plain, self.ratio]
            .into_iter()
            .flatten()
            .map(|column| (column, 1.0))
            .collect();
        resampled.combined(&columns)
    }

    fn minus(self, other: &Columns, resampled: &Resampled) -> Interval {
        let mine = [self.plain, self.ratio].into_iter().flatten().map(|column| (column, 1.0));
        let theirs =
            [other.plain, other.ratio].into_iter().flatten().map(|column| (column, -1.0));
        resampled.combined(&mine.chain(theirs).collect::<Vec<_>>())
    }
}
