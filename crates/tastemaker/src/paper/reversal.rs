//! Does another split put models in another order? Two grids over the same data, split in two
//! ways: each pair of arms is compared under both, users paired.
//!
//! A pair is decided under a split when the 95 % interval of its difference excludes 0. The
//! interval is over users, seeds averaged: what seeds differ by is not in it.

use std::collections::BTreeMap;

use anyhow::Result;
use data::Progress;
use evaluate::Interval;
use evaluate::bootstrap::{Column, Ratios, Resampled};
use serde::{Deserialize, Serialize};

use super::Recipe;
use super::cell::Cell;
use super::metric::Metric;
use super::recipe::{Grid, Reversal};
use super::runner::Choice;
use super::summary::{Found, REPLICATES, column, same_data};

/// All comparisons of a paper.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Reversals {
    pub(crate) sets: Vec<ReversalSummary>,
    /// Over all sets, a metric each.
    pub(crate) totals: Vec<Total>,
}

impl Reversals {
    /// Takes over from `older` the sets that were compared there with more models than here.
    pub(crate) fn keep(&mut self, older: Reversals) {
        let models =
            |set: &ReversalSummary| set.metrics.first().map_or(0, |own| own.arms.len());
        for set in older.sets {
            match self.sets.iter_mut().find(|own| own.name == set.name) {
                Some(own) if models(own) < models(&set) => *own = set,
                Some(_) => {}
                None => self.sets.push(set),
            }
        }
        self.totals = totals(&self.sets);
    }
}

/// A metric over all sets.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Total {
    pub(crate) metric: Metric,
    /// Sets in which two arms or more could be compared.
    pub(crate) sets: usize,
    pub(crate) counts: Counts,
}

/// One data set under two splits.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ReversalSummary {
    pub(crate) name: String,
    pub(crate) title: String,
    pub(crate) sides: [Side; 2],
    /// Empty where fewer than two arms are finished on both sides.
    pub(crate) metrics: Vec<OfMetric>,
    /// Arms that are compared once they have a cell there.
    pub(crate) missing: Vec<Missing>,
}

/// One of the two splits.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Side {
    pub(crate) grid: String,
    pub(crate) split: String,
    /// Whether training saw events from after a test event.
    pub(crate) leaky: bool,
    /// 0 where no cell is finished.
    pub(crate) cases: u64,
}

/// An arm without a finished cell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Missing {
    pub(crate) arm: String,
    pub(crate) grid: String,
}

/// The order of arms by one metric.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct OfMetric {
    pub(crate) metric: Metric,
    /// By the first split, the best first.
    pub(crate) arms: Vec<Placed>,
    /// Who wins by each split; several where they are equal.
    pub(crate) best: [Vec<String>; 2],
    pub(crate) counts: Counts,
    /// Tau-b; none where a split has all arms equal.
    pub(crate) kendall_tau: Option<f64>,
    pub(crate) pairs: Vec<Pair>,
}

/// An arm and its places.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Placed {
    pub(crate) arm: String,
    pub(crate) title: String,
    pub(crate) seeds: [usize; 2],
    /// Means over seeds.
    pub(crate) values: [f64; 2],
    /// 1 is the best; equals share a rank.
    pub(crate) ranks: [usize; 2],
}

/// Pairs of arms, counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Counts {
    pub(crate) pairs: usize,
    /// Whose means come in another order.
    pub(crate) reversed: usize,
    /// Whose means are equal under a split.
    pub(crate) tied: usize,
    /// Decided under each split.
    pub(crate) decided: [usize; 2],
    pub(crate) decided_in_both: usize,
    /// Of these, those that are decided the other way round.
    pub(crate) decided_reversed: usize,
}

/// Two arms under both splits.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Pair {
    pub(crate) arms: [String; 2],
    /// The first arm minus the second, under each split.
    pub(crate) differences: [Interval; 2],
    /// Whether the means come in another order, decided or not.
    pub(crate) reversed: bool,
    pub(crate) verdict: Order,
}

/// What two splits say of a pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Order {
    /// Decided under both, the same way.
    Agreeing,
    /// Decided under both, the other way round.
    Reversed,
    /// Not decided under one of them.
    Undecided,
}

/// Compares the splits of `recipe` by the cells that were found in its grids; `None` where it
/// has none to compare.
pub(crate) fn reversals(
    recipe: &Recipe,
    choice: &Choice,
    found: &BTreeMap<&str, Found<'_>>,
) -> Result<Option<Reversals>> {
    let mut sets = Vec::new();
    for reversal in &recipe.reversals {
        let [Some(first), Some(second)] =
            reversal.grids.each_ref().map(|name| recipe.grid(name))
        else {
            continue;
        };
        let chosen = |grid: &Grid, name: &str| {
            grid.arms.iter().any(|own| own.arm == name && choice.takes(grid, own))
        };
        let arms: Vec<(&str, &str)> = first
            .arms
            .iter()
            .map(|own| own.arm.as_str())
            .filter(|name| chosen(first, name) && chosen(second, name))
            .map(|name| Ok((name, recipe.arm(name)?.title.as_str())))
            .collect::<Result<_>>()?;
        if arms.len() > 1 {
            let cells = [first, second].map(|grid| by_arm(found.get(grid.name.as_str())));
            sets.push(compare(reversal, [first, second], &arms, &cells)?);
        }
    }
    let totals = totals(&sets);
    Ok((!sets.is_empty()).then_some(Reversals { sets, totals }))
}

/// Cells of one grid, by arm: those on the same data.
type ByArm<'a> = BTreeMap<&'a str, &'a [Cell]>;

fn by_arm<'a>(found: Option<&'a Found<'a>>) -> ByArm<'a> {
    let found = found.map_or(&[][..], |found| found);
    same_data(found).map(|(own, cells)| (own.arm.as_str(), cells.as_slice())).collect()
}

fn compare(
    reversal: &Reversal,
    grids: [&Grid; 2],
    arms: &[(&str, &str)],
    cells: &[ByArm<'_>; 2],
) -> Result<ReversalSummary> {
    let mut missing = Vec::new();
    for (arm, _) in arms {
        for (grid, cells) in grids.iter().zip(cells) {
            if !cells.contains_key(arm) {
                missing.push(Missing { arm: (*arm).to_owned(), grid: grid.name.clone() });
            }
        }
    }
    let both: Vec<(&str, &str)> = arms
        .iter()
        .filter(|(arm, _)| cells.iter().all(|side| side.contains_key(arm)))
        .copied()
        .collect();
    let side = |at: usize| {
        let any = cells[at].values().next().and_then(|cells| cells.first());
        Side {
            grid: grids[at].name.clone(),
            split: grids[at].split.in_words(),
            leaky: any.is_some_and(|cell| cell.split.leaky),
            cases: any.map_or(0, |cell| cell.users),
        }
    };
    let mut metrics = Vec::new();
    if both.len() > 1 {
        for metric in &reversal.metrics {
            let measured = [
                Measured::of(*metric, &both, &cells[0])?,
                Measured::of(*metric, &both, &cells[1])?,
            ];
            metrics.extend(of_metric(*metric, &both, &measured));
        }
    }
    Ok(ReversalSummary {
        name: reversal.name.clone(),
        title: reversal.title.clone(),
        sides: [side(0), side(1)],
        metrics,
        missing,
    })
}

/// Arms by one metric under one split.
struct Measured {
    columns: Vec<Column>,
    resampled: Resampled,
    seeds: Vec<usize>,
}

impl Measured {
    fn of(metric: Metric, arms: &[(&str, &str)], cells: &ByArm<'_>) -> Result<Measured> {
        let cells: Vec<&[Cell]> =
            arms.iter().filter_map(|(arm, _)| cells.get(arm)).copied().collect();
        let cases = cells.first().map_or(0, |cells| cells[0].outcomes.0.len());
        let mut ratios = Ratios::new(cases);
        let over = ratios.denominator(vec![1.0; cases]);
        let columns =
            cells.iter().filter_map(|cells| column(&mut ratios, over, cells, metric)).collect();
        let resampled = ratios.resample(REPLICATES, 1, &Progress::silent())?;
        Ok(Measured {
            columns,
            resampled,
            seeds: cells.iter().map(|cells| cells.len()).collect(),
        })
    }

    fn value(&self, at: usize) -> Option<f64> {
        Some(self.resampled.interval(*self.columns.get(at)?)?.value)
    }

    fn difference(&self, a: usize, b: usize) -> Option<Interval> {
        self.resampled.difference(*self.columns.get(a)?, *self.columns.get(b)?)
    }
}

fn of_metric(
    metric: Metric,
    arms: &[(&str, &str)],
    measured: &[Measured; 2],
) -> Option<OfMetric> {
    let mut values = Vec::new();
    for at in 0..arms.len() {
        values.push([measured[0].value(at)?, measured[1].value(at)?]);
    }
    let mut pairs = Vec::new();
    for a in 0..arms.len() {
        for b in a + 1..arms.len() {
            let differences = [measured[0].difference(a, b)?, measured[1].difference(a, b)?];
            let names = [arms[a].0.to_owned(), arms[b].0.to_owned()];
            pairs.push(Pair::of(names, differences));
        }
    }
    let rank = |at: usize, side: usize| {
        1 + values.iter().filter(|other| other[side] > values[at][side]).count()
    };
    let mut placed: Vec<Placed> = (0..arms.len())
        .map(|at| Placed {
            arm: arms[at].0.to_owned(),
            title: arms[at].1.to_owned(),
            seeds: [measured[0].seeds[at], measured[1].seeds[at]],
            values: values[at],
            ranks: [rank(at, 0), rank(at, 1)],
        })
        .collect();
    placed.sort_by_key(|arm| arm.ranks);
    let best = [0, 1].map(|side| {
        let first = placed.iter().filter(|arm| arm.ranks[side] == 1);
        first.map(|arm| arm.arm.clone()).collect()
    });
    let (counts, kendall_tau) = (Counts::of(&pairs), kendall_tau(&pairs));
    Some(OfMetric { metric, arms: placed, best, counts, kendall_tau, pairs })
}

/// 1 where it is above 0, -1 where it is below, 0 where it is neither.
fn sign(value: f64) -> i32 {
    i32::from(value > 0.0) - i32::from(value < 0.0)
}

/// The sign of all of an interval, 0 where 0 is in it.
fn decided(difference: &Interval) -> i32 {
    i32::from(difference.low > 0.0) - i32::from(difference.high < 0.0)
}

impl Pair {
    fn of(arms: [String; 2], differences: [Interval; 2]) -> Pair {
        let signs = differences.each_ref().map(|difference| sign(difference.value));
        let [first, second] = differences.each_ref().map(decided);
        let verdict = match first * second {
            1 => Order::Agreeing,
            -1 => Order::Reversed,
            _ => Order::Undecided,
        };
        Pair { arms, differences, reversed: signs[0] * signs[1] < 0, verdict }
    }
}

impl Pair {
    /// With the arm that is better by the second split first.
    pub(crate) fn turned(&self) -> Pair {
        let mut turned = self.clone();
        if self.differences[1].value < 0.0 {
            turned.arms.reverse();
            turned.differences = self.differences.map(|Interval { value, low, high }| {
                Interval { value: -value, low: -high, high: -low }
            });
        }
        turned
    }
}

impl Counts {
    fn of(pairs: &[Pair]) -> Counts {
        let count =
            |wanted: &dyn Fn(&Pair) -> bool| pairs.iter().filter(|pair| wanted(pair)).count();
        let decided = |side: usize| count(&|pair| decided(&pair.differences[side]) != 0);
        let equal = |difference: &Interval| sign(difference.value) == 0;
        Counts {
            pairs: pairs.len(),
            reversed: count(&|pair| pair.reversed),
            tied: count(&|pair| pair.differences.iter().any(equal)),
            decided: [decided(0), decided(1)],
            decided_in_both: count(&|pair| pair.verdict != Order::Undecided),
            decided_reversed: count(&|pair| pair.verdict == Order::Reversed),
        }
    }

    fn plus(self, other: Counts) -> Counts {
        Counts {
            pairs: self.pairs + other.pairs,
            reversed: self.reversed + other.reversed,
            tied: self.tied + other.tied,
            decided: [0, 1].map(|side| self.decided[side] + other.decided[side]),
            decided_in_both: self.decided_in_both + other.decided_in_both,
            decided_reversed: self.decided_reversed + other.decided_reversed,
        }
    }
}

/// Kendall's tau-b of the two orders (Kendall, "The treatment of ties in ranking problems",
/// Biometrika 1945): 1 for the same order, -1 for the opposite one.
fn kendall_tau(pairs: &[Pair]) -> Option<f64> {
    let (mut agreement, mut told_apart) = (0, [0u32; 2]);
    for pair in pairs {
        let signs = pair.differences.each_ref().map(|difference| sign(difference.value));
        agreement += signs[0] * signs[1];
        for (told_apart, sign) in told_apart.iter_mut().zip(signs) {
            *told_apart += sign.unsigned_abs();
        }
    }
    let scale = (f64::from(told_apart[0]) * f64::from(told_apart[1])).sqrt();
    (scale > 0.0).then(|| f64::from(agreement) / scale)
}

fn totals(sets: &[ReversalSummary]) -> Vec<Total> {
    let mut totals: Vec<Total> = Vec::new();
    for own in sets.iter().flat_map(|set| &set.metrics) {
        match totals.iter_mut().find(|total| total.metric == own.metric) {
            Some(total) => {
                total.sets += 1;
                total.counts = total.counts.plus(own.counts);
            }
            None => totals.push(Total { metric: own.metric, sets: 1, counts: own.counts }),
        }
    }
    totals
}

#[cfg(test)]
mod tests;
