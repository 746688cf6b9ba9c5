//! Intervals by resampling users with replacement (Efron and Tibshirani, "An Introduction to
//! the Bootstrap", 1993, chapters 13 and 14: percentile intervals). Users, not events, are
//! drawn: a user's events are not independent. All columns of a table see the same draws, so
//! that differences between models are paired.

use std::collections::HashMap;

use data::Progress;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::Result;

/// Above this many users, users are first put into this many random blocks, and blocks are
/// drawn: the same variance, and work that no longer grows with the users.
const BLOCKS: usize = 10_000;
/// Replicates that share one pass over the table.
const BATCH: usize = 8;

/// A number with its 95 % interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// Over the users as they are.
    pub value: f64,
    /// 2.5th percentile of the replicates.
    pub low: f64,
    /// 97.5th percentile.
    pub high: f64,
}

/// Ratios of sums over users: each column has a numerator and shares a denominator. A mean is a
/// ratio whose denominator is 1 for each user.
#[derive(Debug, Clone)]
pub struct Ratios {
    users: usize,
    denominators: Vec<Vec<f64>>,
    columns: Vec<(usize, Vec<f64>)>,
}

/// A denominator of [`Ratios`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Denominator(usize);

/// A column of [`Ratios`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column(usize);

impl Ratios {
    /// Of this many users.
    pub fn new(users: usize) -> Ratios {
        Ratios { users, denominators: Vec::new(), columns: Vec::new() }
    }

    /// Adds a denominator, one number a user.
    ///
    /// # Panics
    /// Where there is not one number a user.
    pub fn denominator(&mut self, values: Vec<f64>) -> Denominator {
        assert_eq!(values.len(), self.users, "one number a user");
        self.denominators.push(values);
        Denominator(self.denominators.len() - 1)
    }

    /// Adds a column, one numerator a user.
    ///
    /// # Panics
    /// Where there is not one number a user.
    pub fn column(&mut self, over: Denominator, values: Vec<f64>) -> Column {
        assert_eq!(values.len(), self.users, "one number a user");
        self.columns.push((over.0, values));
        Column(self.columns.len() - 1)
    }

    /// Draws `replicates` samples of the users. The same seed gives the same numbers on any
    /// number of threads.
    ///
    /// # Errors
    /// Where the user asked to stop.
    pub fn resample(
        &self,
        replicates: usize,
        seed: u64,
        progress: &Progress<'_>,
    ) -> Result<Resampled> {
        let table = Table::of(self, seed);
        let batches = replicates.div_ceil(BATCH);
        let done = std::sync::atomic::AtomicU64::new(0);
        let drawn = (0..batches)
            .into_par_iter()
            .map(|batch| {
                let from = batch * BATCH;
                let sums = table.draw(from..replicates.min(from + BATCH), seed);
                let done = done.fetch_add(1, std::sync::atomic::Ordering::Relaxed) + 1;
                progress.step("bootstrap", done, Some(batches as u64))?;
                Ok(sums)
            })
            .collect::<data::Result<Vec<Vec<Vec<f64>>>>>()?;
        let mut resampled = Resampled {
            values: (0..self.columns.len()).map(|at| self.value(at)).collect(),
            replicates: vec![Vec::with_capacity(replicates); self.columns.len()],
        };
        for sums in drawn.iter().flatten() {
            let (numerators, denominators) = sums.split_at(self.columns.len());
            for (at, numerator) in numerators.iter().enumerate() {
                let ratio = numerator / denominators[self.columns[at].0];
                resampled.replicates[at].push(ratio);
            }
        }
        Ok(resampled)
    }

    fn value(&self, at: usize) -> Option<f64> {
        let (over, values) = &self.columns[at];
        let denominator: f64 = self.denominators[*over].iter().sum();
        (denominator > 0.0).then(|| values.iter().sum::<f64>() / denominator)
    }
}

/// The ratios row by row (numerators, then denominators), users already in blocks. Equal rows are
/// kept once: most people of a log of actions did nothing.
struct Table {
    width: usize,
    /// Which of the kept rows each row is.
    kept: Vec<u32>,
    /// The kept rows.
    values: Vec<f64>,
}

impl Table {
    fn of(ratios: &Ratios, seed: u64) -> Table {
        let rows = ratios.users.min(BLOCKS);
        let all = ratios.columns.iter().map(|(_, values)| values).chain(&ratios.denominators);
        let width = ratios.columns.len() + ratios.denominators.len();
        let mut block: Vec<u32> = (0..ratios.users).map(|user| (user % rows) as u32).collect();
        if ratios.users > rows {
            let mut rng = rng(seed, u64::MAX);
            for last in (1..block.len()).rev() {
                block.swap(last, below(&mut rng, last + 1));
            }
        }
        let mut values = vec![0.0; rows * width];
        for (column, numbers) in all.enumerate() {
            for (block, number) in block.iter().zip(numbers) {
                values[*block as usize * width + column] += number;
            }
        }
        let (kept, values) = distinct(&values, rows, width);
        Table { width, kept, values }
    }

    /// Sums of each column over one sample of the rows, for each of these replicates.
    fn draw(&self, replicates: std::ops::Range<usize>, seed: u64) -> Vec<Vec<f64>> {
        let rows = self.kept.len();
        let counts: Vec<Vec<u32>> = replicates
            .map(|replicate| {
                let mut rng = rng(seed, replicate as u64);
                let mut counts = vec![0u32; rows];
                for _ in 0..rows {
                    counts[self.kept[below(&mut rng, rows)] as usize] += 1;
                }
                counts
            })
            .collect();
        let mut sums = vec![vec![0.0; self.width]; counts.len()];
        for (at, row) in self.values.chunks_exact(self.width.max(1)).enumerate() {
            for (sums, counts) in sums.iter_mut().zip(&counts) {
                if counts[at] > 0 {
                    let weight = f64::from(counts[at]);
                    sums.iter_mut().zip(row).for_each(|(sum, value)| *sum += weight * value);
                }
            }
        }
        sums
    }
}

/// Which of the distinct rows each row is, and these.
fn distinct(values: &[f64], rows: usize, width: usize) -> (Vec<u32>, Vec<f64>) {
    let bits = |row: usize| -> Vec<u64> {
        values[row * width..(row + 1) * width].iter().map(|value| value.to_bits()).collect()
    };
    let mut number: HashMap<Vec<u64>, u32> = HashMap::new();
    let mut kept = Vec::with_capacity(rows);
    let mut own = Vec::new();
    for row in 0..rows {
        let next = number.len() as u32;
        let at = *number.entry(bits(row)).or_insert(next);
        if at == next {
            own.extend_from_slice(&values[row * width..(row + 1) * width]);
        }
        kept.push(at);
    }
    (kept, own)
}

fn rng(seed: u64, stream: u64) -> ChaCha8Rng {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(stream);
    rng
}

/// A number below `n` (at most 2^32; the bias is below n / 2^64).
fn below(rng: &mut ChaCha8Rng, n: usize) -> usize {
    ((u128::from(rng.next_u64()) * n as u128) >> 64) as usize
}

/// Values of all columns, over the users as they are and over each replicate.
#[derive(Debug, Clone)]
pub struct Resampled {
    values: Vec<Option<f64>>,
    replicates: Vec<Vec<f64>>,
}

impl Resampled {
    /// A column with its interval; `None` where its denominator is 0.
    pub fn interval(&self, column: Column) -> Option<Interval> {
        let value = self.values[column.0]?;
        Some(percentiles(value, self.replicates[column.0].iter().copied()))
    }

    /// A sum of columns, each times a number, paired as in [`Resampled::difference`]; a column whose
    /// denominator is 0 counts as 0.
    pub fn combined(&self, columns: &[(Column, f64)]) -> Interval {
        let value =
            columns.iter().map(|(column, by)| by * self.values[column.0].unwrap_or(0.0));
        let count = self.replicates.first().map_or(0, Vec::len);
        let sums = (0..count).map(|replicate| {
            columns.iter().map(|(column, by)| by * self.replicates[column.0][replicate]).sum()
        });
        percentiles(value.sum(), sums)
    }

    /// `a` minus `b`, paired: both see the same users in each replicate.
    pub fn difference(&self, a: Column, b: Column) -> Option<Interval> {
        let value = self.values[a.0]? - self.values[b.0]?;
        let pairs = self.replicates[a.0].iter().zip(&self.replicates[b.0]);
        Some(percentiles(value, pairs.map(|(a, b)| a - b)))
    }
}

/// Percentiles by linear interpolation. A replicate whose denominator came out 0 is no number
/// and is left out.
fn percentiles(value: f64, replicates: impl Iterator<Item = f64>) -> Interval {
    let mut sorted: Vec<f64> = replicates.filter(|ratio| ratio.is_finite()).collect();
    sorted.sort_unstable_by(f64::total_cmp);
    let at = |share: f64| {
        let place = share * (sorted.len().max(1) - 1) as f64;
        let (below, part) = (place.floor() as usize, place.fract());
        match (sorted.get(below), sorted.get(below + 1)) {
            (Some(low), Some(high)) => low + (high - low) * part,
            (Some(only), None) => *only,
            _ => value,
        }
    };
    Interval { value, low: at(0.025), high: at(0.975) }
}
