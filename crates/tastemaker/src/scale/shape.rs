//! The large one: what it is made of and what it is trained on.

use anyhow::Result;
use data::Sequences;
use models::HstuConfig;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::Serialize;
use train::sample::{Layout, Negatives};
use train::{Schedule, SequenceConfig};

use crate::hint;

/// Seed of weights, histories and negatives.
pub(crate) const SEED: u64 = 1;
/// A tenth of the usual: Adam's first steps move every weight by the whole rate, all at once, and
/// in so few steps there is no room for a warm-up.
const RATE: f64 = 1e-4;

/// An HSTU and one batch. Queries, keys and values of all heads are together as wide as the model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) struct Shape {
    pub(crate) layers: u32,
    pub(crate) width: u32,
    pub(crate) heads: u32,
    /// Histories of the batch.
    pub(crate) rows: u32,
    /// Inputs of each.
    pub(crate) events: u32,
    /// Catalogue.
    pub(crate) items: u32,
    /// Negatives a row.
    pub(crate) negatives: u32,
    pub(crate) recompute: bool,
}

impl Shape {
    /// 24 layers of 1,280.
    pub(crate) const LARGE: Shape = Shape {
        layers: 24,
        width: 1280,
        heads: 8,
        rows: 2,
        events: 512,
        items: 10_000,
        negatives: 128,
        recompute: false,
    };
    /// A moment's work.
    pub(crate) const QUICK: Shape = Shape {
        layers: 2,
        width: 64,
        heads: 2,
        rows: 2,
        events: 64,
        items: 500,
        negatives: 32,
        recompute: false,
    };

    /// Columns of a head.
    pub(crate) fn head_width(&self) -> u32 {
        self.width / self.heads.max(1)
    }

    /// Settings of its training.
    ///
    /// # Errors
    /// Where no model is of this shape.
    pub(crate) fn settings(&self) -> Result<SequenceConfig> {
        if self.heads == 0 || !self.width.is_multiple_of(self.heads) {
            return Err(hint::error(
                format!("{} columns in {} heads", self.width, self.heads),
                "--heads divides --width",
            ));
        }
        let config = SequenceConfig {
            model: HstuConfig {
                dim: self.width,
                blocks: self.layers,
                heads: self.heads,
                query_width: self.head_width(),
                value_width: self.head_width(),
                length_max: self.events,
                score_length: self.events,
                dropout: 0.0,
                recompute: self.recompute,
                ..HstuConfig::default()
            }
            .into(),
            negatives: Negatives::Uniform {
                count: self.negatives as usize,
                layout: Layout::PerRow,
                unseen: false,
            },
            schedule: Schedule { peak: RATE, ..Schedule::default() },
            batch_tokens: self.rows * (self.events + 1),
            ..SequenceConfig::hstu()
        };
        config.check()?;
        Ok(config)
    }

    /// Made-up histories, one event more than inputs: items and gaps by chance.
    pub(crate) fn histories(&self) -> Result<Sequences> {
        let mut random = ChaCha8Rng::seed_from_u64(SEED);
        let mut events = Vec::new();
        for user in 0..self.rows {
            let mut time_ms = 1_700_000_000_000;
            for _ in 0..=self.events {
                time_ms += 1000 * random.random_range(1..100_000_i64);
                events.push((user, random.random_range(0..self.items), time_ms, 1.0));
            }
        }
        Ok(Sequences::from_events(self.rows as usize, self.items, &events)?)
    }

    /// `24 layers x 1,280, 8 heads; 2 rows of 512 events`
    pub(crate) fn in_words(&self) -> String {
        let grouped = |number: u32| data::grouped(u64::from(number));
        format!(
            "HSTU, {} layers x {}, {} heads; {} rows of {} events, {} items, {} negatives a row{}",
            self.layers,
            grouped(self.width),
            self.heads,
            self.rows,
            grouped(self.events),
            grouped(self.items),
            self.negatives,
            if self.recompute { "; blocks are computed again on the way back" } else { "" }
        )
    }
}
