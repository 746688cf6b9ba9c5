//! Factors of users and items by implicit alternating least squares.
//!
//! Hu, Koren, Volinsky: Collaborative filtering for implicit feedback datasets (ICDM 2008).
//! With p = 1 where a user took an item and 0 elsewhere, and confidence c = 1 + alpha × r:
//!
//! ```text
//! minimise  Σ_u Σ_i c_ui (p_ui - x_u · y_i)² + λ (Σ_u |x_u|² + Σ_i |y_i|²)
//! ```
//!
//! r is the sum of the values of the user's events with the item (an event without a value has
//! 1); sums below zero count as zero. The unseen cells, all of them, have c = 1. The library
//! `implicit` takes a matrix of c itself: give it 1 + alpha × r and its own alpha of 1 to get
//! the same model. Half-steps: `conjugate` (a few steps, quick) or `exact` (Cholesky).
//!
//! Only the items' factors are kept. A history is folded in: its user's row is solved exactly,
//! as in a half-step with the Cholesky solver, so a user who was never trained on is served like
//! any other. Good where taste is broad and stable; it knows neither order nor recency.

mod confidence;
mod table;
mod exact;
mod conjugate;
mod loss;
mod training;
#[cfg(test)]
mod tests;

use std::cell::RefCell;
use std::path::Path;

use data::{History, Progress, Sequences};
use serde::{Deserialize, Serialize};

pub use training::AlsTraining;

use crate::Result;
use crate::best::Best;
use crate::config::{AlsConfig, at_least_one, check_range};
use crate::dense::score_rows;
use crate::retriever::{Candidate, Query, Reason, Retriever};
use crate::tensors::{TensorsIn, TensorsOut};
use confidence::sum_by_item;
use exact::Exact;
use table::Table;

const NAME: &str = "als";
/// Longest vectors: the Gram matrix is square in them.
const FACTORS_MAX: u32 = 2048;

/// The factors of all items.
#[derive(Debug, Clone, PartialEq)]
pub struct Als {
    /// `[items, factors]`
    factors: Vec<f32>,
    /// Sum of outer products of all rows, padded as in [`Table`].
    gram: Vec<f32>,
    config: AlsConfig,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Facts {
    config: AlsConfig,
    /// Size of the catalogue.
    items: u32,
}

impl Als {
    /// Learns from `train`. The same seed gives the same model, with any number of threads.
    ///
    /// # Errors
    /// Where a setting is out of range, where values and `alpha` are too large for the
    /// arithmetic, or on request ([`Progress::check`]).
    pub fn fit(
        train: &Sequences,
        config: &AlsConfig,
        seed: u64,
        progress: &Progress<'_>,
    ) -> Result<Als> {
        let mut training = AlsTraining::new(train, config, seed, progress)?;
        for iteration in 0..config.iterations {
            progress.step(
                "als iteration",
                u64::from(iteration),
                Some(u64::from(config.iterations)),
            )?;
            training.iterate(progress)?;
        }
        Ok(training.finish())
    }

    fn of_items(items: &Table, config: &AlsConfig) -> Als {
        Als { factors: items.unpadded(), gram: items.gram(), config: config.clone() }
    }

    /// Size of the catalogue it was fitted on.
    pub fn item_count(&self) -> u32 {
        (self.factors.len() / self.config.factors as usize) as u32
    }

    /// Factors of all items, `[items, factors]`.
    pub fn item_factors(&self) -> &[f32] {
        &self.factors
    }

    /// Length of a vector.
    pub fn factors(&self) -> usize {
        self.config.factors as usize
    }

    /// The row of a user with this history, solved exactly with the items held: `factors`
    /// floats. None where the history holds no item that was there in training, or only items
    /// without a single training event, or where values are too large for the arithmetic.
    pub fn user_vector(&self, history: History<'_>) -> Option<Vec<f32>> {
        let mut pairs = self.pairs(history);
        pairs.retain(|(item, _)| self.row(*item).iter().any(|value| *value != 0.0));
        let (solved, vector) = self.solve(&pairs);
        (solved && !pairs.is_empty() && vector.iter().all(|value| value.is_finite()))
            .then_some(vector)
    }

    fn row(&self, item: u32) -> &[f32] {
        let factors = self.factors();
        &self.factors[item as usize * factors..][..factors]
    }

    /// The known items of a history with their confidence, by rising item.
    fn pairs(&self, history: History<'_>) -> Vec<(u32, f32)> {
        let mut pairs = Vec::with_capacity(history.len());
        sum_by_item(history.items, history.values, self.config.alpha, &mut pairs);
        let items = self.item_count();
        pairs.retain(|(item, confidence)| *item < items && confidence.is_finite());
        pairs
    }

    /// Solves the row of these pairs.
    fn solve(&self, pairs: &[(u32, f32)]) -> (bool, Vec<f32>) {
        thread_local! {
            static KEPT: RefCell<Exact> = RefCell::default();
        }
        let rows = pairs.iter().map(|(item, confidence)| (self.row(*item), *confidence));
        let mut solution = vec![0.0; Table::width(self.factors())];
        let l2 = self.config.l2 as f32;
        let solved =
            KEPT.with_borrow_mut(|exact| exact.solve(&self.gram, l2, rows, &mut solution));
        solution.truncate(self.factors());
        (solved, solution)
    }

    /// The bytes of its file.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        let shape = [self.item_count() as usize, self.factors()];
        let facts = Facts { config: self.config.clone(), items: self.item_count() };
        TensorsOut::default()
            .f32("item_factors", &shape, &self.factors)
            .into_bytes(NAME, &facts)
    }

    /// Reads a file of [`Als::to_bytes`]; `place` is for messages.
    ///
    /// # Errors
    /// Where the bytes are not such a file, or state what cannot be.
    pub fn from_bytes(bytes: &[u8], place: &Path) -> Result<Als> {
        let (file, facts): (_, Facts) = TensorsIn::open(NAME, bytes, place)?;
        let config = facts.config;
        checked(&config).map_err(|why| file.damaged(why.to_string()))?;
        let factors = config.factors as usize;
        let values = file.f32("item_factors", &[facts.items as usize, factors])?;
        let gram = Table::padded(&values, factors).gram();
        if gram.iter().any(|value| !value.is_finite()) {
            return Err(file.damaged("its factors are too large to compute with"));
        }
        Ok(Als { factors: values, gram, config })
    }
}

fn checked(config: &AlsConfig) -> Result<()> {
    let positive = |name: &str, value: f64| {
        let wanted = "1e-9 to 1e6";
        check_range(&format!("models.als.{name}"), value, 1e-9..=1e6, wanted)
    };
    let factors = f64::from(config.factors);
    let wanted = format!("1 to {FACTORS_MAX}");
    check_range("models.als.factors", factors, 1.0..=f64::from(FACTORS_MAX), &wanted)?;
    at_least_one("als", "iterations", config.iterations)?;
    at_least_one("als", "cg_steps", config.cg_steps)?;
    at_least_one("als", "history_max", config.history_max)?;
    positive("l2", config.l2)?;
    positive("alpha", config.alpha)
}

impl Retriever for Als {
    fn name(&self) -> &str {
        NAME
    }

    fn retrieve(&self, query: &Query<'_>) -> Vec<Candidate> {
        let latest = query.history.last(self.config.history_max as usize);
        let Some(vector) = self.user_vector(latest) else {
            return Vec::new();
        };
        let mut best = Best::new(query.k, query.seed);
        score_rows(&self.factors, &vector, |item, score| {
            if best.wants(score) && query.filter.admits(item as u32) {
                best.push(item as u32, score);
            }
        });
        best.candidates()
    }

    fn reason(&self, _: &Query<'_>, _: u32) -> Reason {
        Reason::Taste
    }
}
