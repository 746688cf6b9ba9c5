//! Distributions over the catalogue, whole and without a set of items.

use rand::Rng;

use super::alias::Alias;
use crate::logq::LOG_Q_MIN;
use crate::stream::{below, fraction};
use crate::{Error, Result};

/// Probability mass outside a set under which nothing is drawn from it: rounding's.
const MASS_MIN: f64 = 1e-9;

/// The log of a probability, not below [`LOG_Q_MIN`].
pub(super) fn log(q: f64) -> f32 {
    q.ln().max(LOG_Q_MIN) as f32
}

/// What single draws come from.
#[derive(Debug, Clone)]
pub(super) enum Distribution {
    Uniform { items: usize },
    Weighted(Box<Weighted>),
}

/// Probabilities by item.
#[derive(Debug, Clone)]
pub(super) struct Weighted {
    alias: Alias,
    q: Vec<f64>,
    log_q: Vec<f32>,
    /// Probability of all items before each, and 1 at the end.
    before: Vec<f64>,
}

impl Distribution {
    /// By `weights`, which are not negative and sum to more than 0.
    pub(super) fn weighted(weights: &[f64]) -> Distribution {
        let total: f64 = weights.iter().sum();
        let q: Vec<f64> = weights.iter().map(|weight| weight / total).collect();
        let mut before = vec![0.0];
        let mut sum = 0.0;
        before.extend(q.iter().map(|q| {
            sum += q;
            sum
        }));
        let log_q = q.iter().map(|q| log(*q)).collect();
        Distribution::Weighted(Box::new(Weighted { alias: Alias::new(&q), q, log_q, before }))
    }

    /// The log-probability of `item`.
    #[inline]
    pub(super) fn log_q(&self, item: u32) -> f32 {
        match self {
            Distribution::Uniform { items } => log(1.0 / *items as f64),
            Distribution::Weighted(weighted) => weighted.log_q[item as usize],
        }
    }

    /// Fills `items` with independent draws.
    pub(super) fn fill(&self, rng: &mut impl Rng, items: &mut [u32], log_q: &mut [f32]) {
        match self {
            Distribution::Uniform { items: n } => {
                items.fill_with(|| below(rng, *n).0 as u32);
                log_q.fill(log(1.0 / *n as f64));
            }
            Distribution::Weighted(weighted) => {
                for (item, log_q) in items.iter_mut().zip(log_q) {
                    *item = weighted.alias.draw(rng);
                    *log_q = weighted.log_q[*item as usize];
                }
            }
        }
    }

    /// This distribution given that the item is none of `seen` (ascending, each once).
    ///
    /// # Errors
    /// Where nothing is left, or `seen` has an item beyond the catalogue.
    pub(super) fn without<'a>(&'a self, seen: &'a [u32], user: u32) -> Result<Unseen<'a>> {
        let items = match self {
            Distribution::Uniform { items } => *items,
            Distribution::Weighted(weighted) => weighted.q.len(),
        };
        if let Some(last) = seen.last().filter(|last| **last as usize >= items) {
            return Err(Error::Refused(format!(
                "user {user} has interacted with item {last}, beyond the catalogue of {items}"
            )));
        }
        let nothing = || {
            Error::Refused(format!(
                "user {user} has interacted with everything that could be drawn ({} of {items} \
                 items); set negatives.unseen = false",
                seen.len()
            ))
        };
        match self {
            Distribution::Uniform { .. } => {
                let left = items - seen.len();
                if left == 0 { Err(nothing()) } else { Ok(Unseen::Uniform { seen, left }) }
            }
            Distribution::Weighted(weighted) => {
                let mut excluded = vec![0.0];
                let mut sum = 0.0;
                excluded.extend(seen.iter().map(|item| {
                    sum += weighted.q[*item as usize];
                    sum
                }));
                let left = weighted.before[items] - sum;
                let reached =
                    |(item, excluded): (&u32, &f64)| weighted.before[*item as usize] - excluded;
                let reached = seen.iter().zip(&excluded).map(reached).collect();
                if left < MASS_MIN {
                    return Err(nothing());
                }
                Ok(Unseen::Weighted { weighted, seen, excluded, reached, left })
            }
        }
    }
}

/// A distribution without a set of items. Draws are exact, without trying until one fits: heavy
/// users, who have seen most of what is popular, cost no more than others.
#[derive(Debug)]
pub(super) enum Unseen<'a> {
    Uniform {
        seen: &'a [u32],
        left: usize,
    },
    Weighted {
        weighted: &'a Weighted,
        seen: &'a [u32],
        /// Mass of the first k seen items, for k = 0 to all of them.
        excluded: Vec<f64>,
        /// Mass that is not excluded before each seen item.
        reached: Vec<f64>,
        /// Mass that is not excluded.
        left: f64,
    },
}

impl Unseen<'_> {
    /// Fills `items` with independent draws.
    pub(super) fn fill(&self, rng: &mut impl Rng, items: &mut [u32], log_q: &mut [f32]) {
        match self {
            Unseen::Uniform { seen, left } => {
                items.fill_with(|| nth_unseen(seen, below(rng, *left).0));
                log_q.fill(log(1.0 / *left as f64));
            }
            Unseen::Weighted { weighted, left, .. } => {
                for (item, log_q) in items.iter_mut().zip(log_q) {
                    // Rounding may name an item of no probability, about once in 10^15.
                    *item = loop {
                        if let Some(item) = self.place(fraction(rng) * left) {
                            break item;
                        }
                    };
                    *log_q = log(weighted.q[*item as usize] / left);
                }
            }
        }
    }

    /// The probability of `item`, which is not excluded.
    pub(super) fn q(&self, item: u32) -> f64 {
        match self {
            Unseen::Uniform { left, .. } => 1.0 / *left as f64,
            Unseen::Weighted { weighted, left, .. } => weighted.q[item as usize] / left,
        }
    }

    /// Mass of the items that are left.
    #[cfg(test)]
    pub(super) fn left(&self) -> f64 {
        match self {
            Unseen::Uniform { left, .. } => *left as f64,
            Unseen::Weighted { left, .. } => *left,
        }
    }

    /// The item at `mass` of what is not excluded.
    fn place(&self, mass: f64) -> Option<u32> {
        let Unseen::Weighted { weighted, seen, excluded, reached, .. } = self else {
            return None;
        };
        // Between seen items gap - 1 and gap; where reached ties, the gap between is empty.
        let gap = reached.partition_point(|reached| *reached <= mass);
        let from = if gap == 0 { 0 } else { seen[gap - 1] as usize + 1 };
        let to = seen.get(gap).map_or(weighted.q.len(), |item| *item as usize);
        let mass = mass + excluded[gap];
        let ends = &weighted.before[from + 1..=to];
        let item = from + ends.partition_point(|end| *end <= mass);
        (item < to && weighted.q[item] > 0.0).then_some(item as u32)
    }
}

/// The `n`th (from 0) of the numbers that are not in `seen`.
#[inline]
fn nth_unseen(seen: &[u32], n: usize) -> u32 {
    // Before seen item k lie seen[k] - k others.
    let (mut low, mut high) = (0, seen.len());
    while low < high {
        let middle = low + (high - low) / 2;
        if seen[middle] as usize - middle <= n {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    (n + low) as u32
}

#[cfg(test)]
mod tests;
