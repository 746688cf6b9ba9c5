//! Embedding rows by id: look up, update.
//!
//! Ids come in as a [`data::KeyedJagged`], one feature a table; [`Table::pooled`] sums or averages the rows of
//! each bag, [`Table::update`] takes the gradients of these bags back: duplicates are summed before
//! one step of the [`Optimiser`]. A table has rows 0..n ([`Table::dense`]) or a row for each 64-bit
//! key that it has met ([`Table::keyed`]): collisionless, in an [`Index`] that grows by pieces.
//! Rows lie in a [`Slab`] of chunks, so that growth copies nothing; optimiser state travels
//! with the row. Nothing here knows what a model makes of its rows.

mod error;
mod mix;
mod prefetch;
mod memory;
mod dtype;
mod init;
mod bucket;
mod segment;
mod index;
mod lookup;
mod bags;
mod optimiser;
mod table;
mod admission;
mod usage;
mod gather;
mod pooling;
mod update;
pub mod quantised;
mod rows;
mod slab;
pub mod ship;
pub mod trace;
mod view;
mod tier;

pub use admission::Admission;
pub use bags::Bags;
pub use dtype::Dtype;
pub use error::{Error, Result};
pub use index::Index;
pub use init::Init;
pub use optimiser::{Adam, Optimiser};
pub use pooling::Pooling;
pub use slab::Slab;
pub use table::{Table, TableConfig};
pub use tier::{
    Counters, Disk, DiskTier, Faults, MemoryBudget, Policy, RemoteTier, Tier, TieredConfig,
    TieredFeature, TieredTable, WAYS,
};
#[cfg(feature = "redis")]
pub use tier::{Redis, RedisTier};
pub use usage::Eviction;
pub use view::{Combine, Feature, FeatureTables, Salts, ViewConfig, ViewKind};
