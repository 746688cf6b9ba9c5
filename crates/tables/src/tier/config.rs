//! What a table over a slow tier is, and what its memory goes to.

use super::Tier;
use super::cache::Policy;
use super::loading::{Batch, CHUNK, Engine};
use crate::{Init, Optimiser};

/// A feature of a table.
#[derive(Debug, Clone, PartialEq)]
pub struct TieredFeature {
    /// Its name.
    pub name: String,
    /// Its rows, 0..rows.
    pub rows: u64,
    /// What they are before they learn.
    pub init: Init,
}

/// What a table over a slow tier is.
#[derive(Debug, Clone, PartialEq)]
pub struct TieredConfig {
    /// Its name, for errors.
    pub name: String,
    /// Numbers of a row, in f32.
    pub width: usize,
    /// How rows learn.
    pub optimiser: Optimiser,
    /// Features that share the cache.
    pub features: Vec<TieredFeature>,
    /// All the memory that it may take, in bytes: slots, tags, pads, plans, buffers of the tier.
    pub memory_bytes: usize,
    /// Most ids of a batch, of all features together.
    pub batch_ids: usize,
    /// Rows of a batch that may find no way into the cache: `batch_ids` always suffices, an eighth of
    /// it does where a cache holds a few batches.
    pub pad_rows: usize,
    /// Who leaves the cache.
    pub policy: Policy,
}

impl TieredConfig {
    /// Bytes of a row and its state.
    pub fn record_bytes(&self) -> usize {
        (self.width + self.optimiser.state_width(self.width)) * 4
    }

    /// Rows of all features.
    pub fn rows(&self) -> u64 {
        self.features.iter().map(|feature| feature.rows).sum()
    }

    /// What it takes beside the slots of the cache.
    pub(super) fn fixed_bytes(&self, tier: &dyn Tier) -> usize {
        let (ids, pad, record) = (self.batch_ids, self.pad_rows, self.record_bytes());
        let counts = if self.policy == Policy::Lfu { self.rows() as usize * 4 } else { 0 };
        Engine::bytes_for(ids, pad, self.width, record)
            + tier.bytes(CHUNK)
            + 2 * Batch::bytes_for(ids, pad)
            + 2 * pad * record
            + counts
            + self.transient_bytes()
    }

    /// What an update takes meanwhile: who touches which row.
    pub(super) fn transient_bytes(&self) -> usize {
        24 * self.batch_ids + CHUNK * 16
    }
}
