//! EASE: a linear model between items whose weights have a closed form.
//!
//! Steck: Embarrassingly shallow autoencoders for sparse data (WWW 2019), equation 8 and
//! algorithm 1. X is users × items, 1 where a user took an item (values and repeats do not
//! count):
//!
//! ```text
//! P = (XᵀX + λ I)⁻¹,   B_ij = -P_ij / P_jj,   B_ii = 0
//! score(j) = Σ_h B_hj      over the distinct items h of the history
//! ```
//!
//! Hard to beat by any linear model on dense logs. The matrix is dense: time grows with the
//! cube and memory with the square of the items (8 bytes a pair while training, 4 after: 0.8 GB
//! and 0.4 GB for 10,000 items), so `items_max` bounds them: the items that most users took are
//! kept, the others are never recommended by it, and [`Ease::kept`] beside
//! [`Ease::items_seen`] says so. Not for catalogues of which these are a small part.

mod taken;
mod inverse;
#[cfg(test)]
mod tests;

use std::path::Path;

use data::{History, Progress, Sequences, order};
use serde::{Deserialize, Serialize};

use crate::best::Best;
use crate::config::{EaseConfig, at_least_one, check_range};
use crate::dense::add;
use crate::retriever::{Candidate, Query, Reason, Retriever};
use crate::tensors::{TensorsIn, TensorsOut};
use crate::{Error, Result};
use taken::Taken;

const NAME: &str = "ease";
/// Beyond this a training takes more than a day and 20 GB: another model is wanted.
const ITEMS_MAX: u32 = 50_000;

/// The weights between the kept items.
#[derive(Debug, Clone, PartialEq)]
pub struct Ease {
    /// Catalogue indices of the kept items, rising.
    items: Vec<u32>,
    /// `[kept, kept]`, row: item of the history, column: scored item.
    weights: Vec<f32>,
    facts: Facts,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Facts {
    config: EaseConfig,
    /// Size of the catalogue.
    items: u32,
    /// Items with an event.
    items_seen: u32,
}

impl Ease {
    /// Learns from `train`, on all threads. `seed` only decides which of equally popular items
    /// are kept where not all are.
    ///
    /// # Errors
    /// Where a setting is out of range, where there is not the memory for the matrix, or on
    /// request ([`Progress::check`]; not within one of the three steps of the inverse).
    pub fn fit(
        train: &Sequences,
        config: &EaseConfig,
        seed: u64,
        progress: &Progress<'_>,
    ) -> Result<Ease> {
        checked(config)?;
        let taken = Taken::of(train, config.items_max, seed);
        let kept = taken.items.len();
        let what = format!("{kept} of {} items kept", taken.items_seen);
        progress.step(&what, 0, None)?;
        let mut gram = matrix(kept)?;
        taken.count_together(&mut gram, progress)?;
        gram.iter_mut().step_by(kept + 1).for_each(|value| *value += config.l2 as f32);
        let mut weights = matrix(kept)?;
        inverse::weights(&mut gram, &mut weights, kept, progress)?;
        let facts = Facts {
            config: config.clone(),
            items: train.item_count(),
            items_seen: taken.items_seen,
        };
        Ok(Ease { items: taken.items, weights, facts })
    }

    /// Size of the catalogue it was fitted on.
    pub fn item_count(&self) -> u32 {
        self.facts.items
    }

    /// Catalogue indices of the items it knows, rising.
    pub fn kept(&self) -> &[u32] {
        &self.items
    }

    /// How many items had an event in training: more than were kept where `items_max` was
    /// reached.
    pub fn items_seen(&self) -> u32 {
        self.facts.items_seen
    }

    /// The weights B, `[kept, kept]`; rows and columns are those of [`Ease::kept`].
    pub fn weights(&self) -> &[f32] {
        &self.weights
    }

    /// Positions of the distinct kept items of the latest part of a history, rising.
    fn positions(&self, history: History<'_>) -> Vec<usize> {
        let latest = history.last(self.facts.config.history_max as usize);
        let mut positions: Vec<usize> = latest
            .items
            .iter()
            .filter_map(|item| self.items.binary_search(item).ok())
            .collect();
        positions.sort_unstable();
        positions.dedup();
        positions
    }

    fn row(&self, position: usize) -> &[f32] {
        &self.weights[position * self.items.len()..][..self.items.len()]
    }

    /// The bytes of its file.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        let kept = self.items.len();
        TensorsOut::default()
            .u32("items", &self.items)
            .f32("weights", &[kept, kept], &self.weights)
            .into_bytes(NAME, &self.facts)
    }

    /// Reads a file of [`Ease::to_bytes`]; `place` is for messages.
    ///
    /// # Errors
    /// Where the bytes are not such a file, or state what cannot be.
    pub fn from_bytes(bytes: &[u8], place: &Path) -> Result<Ease> {
        let (file, facts): (_, Facts) = TensorsIn::open(NAME, bytes, place)?;
        checked(&facts.config).map_err(|why| file.damaged(why.to_string()))?;
        let items = file.u32("items", u64::from(facts.items))?;
        let kept = items.len();
        if !items.is_sorted_by(|a, b| a < b) {
            return Err(file.damaged("its items are not sorted"));
        }
        let fits = facts.items_seen <= facts.items
            && kept == facts.items_seen.min(facts.config.items_max) as usize;
        if !fits {
            return Err(file.damaged(format!(
                "it keeps {kept} of {} items seen, of {} in the catalogue",
                facts.items_seen, facts.items
            )));
        }
        let weights = file.f32("weights", &[kept, kept])?;
        if weights.iter().step_by(kept + 1).any(|own| *own != 0.0) {
            return Err(file.damaged("an item has a weight of its own"));
        }
        Ok(Ease { items, weights, facts })
    }
}

fn checked(config: &EaseConfig) -> Result<()> {
    check_range("models.ease.l2", config.l2, 1e-3..=1e9, "0.001 to 1e9")?;
    let (most, wanted) = (f64::from(ITEMS_MAX), format!("1 to {ITEMS_MAX}"));
    check_range("models.ease.items_max", f64::from(config.items_max), 1.0..=most, &wanted)?;
    at_least_one("ease", "history_max", config.history_max)
}

/// Zeros, or a refusal where the memory is not there.
fn matrix(side: usize) -> Result<Vec<f32>> {
    let mut values = Vec::new();
    values.try_reserve_exact(side * side).map_err(|_| {
        Error::Refused(format!(
            "ease: {side} items need {:.1} GiB of memory, which is not there; lower \
             models.ease.items_max",
            (side * side * 8) as f64 / f64::from(1 << 30)
        ))
    })?;
    values.resize(side * side, 0.0);
    Ok(values)
}

impl Retriever for Ease {
    fn name(&self) -> &str {
        NAME
    }

    fn retrieve(&self, query: &Query<'_>) -> Vec<Candidate> {
        let positions = self.positions(query.history);
        if positions.is_empty() {
            return Vec::new();
        }
        let mut scores = vec![0.0; self.items.len()];
        for position in positions {
            add(&mut scores, self.row(position));
        }
        let mut best = Best::new(query.k, query.seed);
        for (item, score) in self.items.iter().zip(&scores) {
            if best.wants(*score) && query.filter.admits(*item) {
                best.push(*item, *score);
            }
        }
        best.candidates()
    }

    /// The item of the history with the largest weight to `item`.
    fn reason(&self, query: &Query<'_>, item: u32) -> Reason {
        let Ok(to) = self.items.binary_search(&item) else {
            return Reason::Taste;
        };
        self.positions(query.history)
            .into_iter()
            .map(|from| (self.items[from], self.row(from)[to]))
            .filter(|(_, weight)| *weight > 0.0)
            .min_by(|a, b| order::descending(*a, *b, query.seed))
            .map_or(Reason::Taste, |(item, _)| Reason::Because { item })
    }
}
