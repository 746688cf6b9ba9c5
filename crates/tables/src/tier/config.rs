//! What a table over a slow tier is, and what its memory goes to.

use super::Tier;
use super::budget::MemoryBudget;
use super::cache::Policy;
use super::loading::{Batch, CHUNK, Engine};
use crate::{Init, Optimiser, TableConfig};

/// Ids of a part, at most and at least.
const PART_IDS: [usize; 2] = [64, 8192];

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
    /// All the memory that it may take, in bytes: slots, tags, pads, plans, buffers of the tier. What a
    /// system keeps of files, and a file of all rows while it is written or read, comes on top.
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
    /// A table of one feature, rows 0..rows of what `table` is, whose batches may have any number of
    /// ids: [`super::TieredTable::rows`] and [`super::TieredTable::update_rows`] cut them into parts,
    /// which are as large as a quarter of the memory has room for.
    pub fn in_parts(
        tier: &dyn Tier,
        table: &TableConfig,
        rows: u64,
        memory: MemoryBudget,
    ) -> TieredConfig {
        let [least, most] = PART_IDS;
        let feature = TieredFeature { name: table.name.clone(), rows, init: table.init };
        let mut config = TieredConfig {
            name: table.name.clone(),
            width: table.width,
            optimiser: table.optimiser,
            features: vec![feature],
            memory_bytes: memory.bytes(),
            batch_ids: most,
            pad_rows: most,
            policy: Policy::Lru,
        };
        while config.batch_ids > least && config.fixed_bytes(tier) > config.memory_bytes / 4 {
            config.batch_ids /= 2;
            config.pad_rows = config.batch_ids;
        }
        config
    }

    /// Bytes of a row and its state.
    pub fn record_bytes(&self) -> usize {
        (self.width + self.optimiser.state_width(self.width)) * 4
    }

    /// Rows of all features.
    pub fn rows(&self) -> u64 {
        self.features.iter().fold(0, |rows, feature| rows.saturating_add(feature.rows))
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

    /// What an update takes meanwhile: who touches which row, where bags of one id begin, and which
    /// rows of pads are elsewhere.
    pub(super) fn transient_bytes(&self) -> usize {
        28 * self.batch_ids + 64 * self.pad_rows + CHUNK * 16
    }
}
