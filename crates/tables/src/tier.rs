//! Rows that do not fit in memory: a slow [`Tier`] holds all of them, a fast one those in use.
//!
//! Toward 100TB Recommendation Models with Embedding Offloading (Meta, RecSys 2024), and FBGEMM's
//! cache of embedding rows. A record is a row's numbers and its optimiser state.

mod ahead;
mod block;
mod budget;
mod cache;
mod config;
mod disk;
mod loading;
mod parts;
mod places;
mod record;
#[cfg(feature = "redis")]
mod redis;
mod remote;
mod tiered;

pub use budget::MemoryBudget;
pub use cache::{Counters, Policy, WAYS};
pub use config::{TieredConfig, TieredFeature};
pub use disk::{Disk, DiskTier};
#[cfg(feature = "redis")]
pub use redis::{Redis, RedisTier};
pub use remote::{Faults, RemoteTier};
pub use tiered::TieredTable;

use crate::Result;

/// Records of one size by row number, in a place that is slow.
pub trait Tier: Send {
    /// Reads records of `rows`, in any order and without duplicates, into `out`
    /// `[rows, record bytes]`; `known` is false of rows that were never written, whose part of `out`
    /// means nothing.
    ///
    /// # Errors
    /// Where it cannot be read, or is not what was written; the row is named.
    fn read(&mut self, rows: &[u64], out: &mut [u8], known: &mut [bool]) -> Result<()>;

    /// Writes records of `rows`, without duplicates. They need not be durable.
    ///
    /// # Errors
    /// Where it cannot be written: rows of this request may be unreadable then, until they are written
    /// again or the tier is opened as the last flush left it.
    fn write(&mut self, rows: &[u64], records: &[u8]) -> Result<()>;

    /// Makes everything written so far durable, all or nothing, with a note beside it.
    ///
    /// # Errors
    /// Where that fails: opened again the tier is as at the flush before, or as at this one; until then it
    /// may refuse to write.
    fn flush(&mut self, note: &str) -> Result<()>;

    /// The note of the last flush.
    ///
    /// # Errors
    /// Where it cannot be read.
    fn note(&mut self) -> Result<Option<String>>;

    /// Bytes of memory that it takes, with all buffers, where a request has at most so many rows.
    fn bytes(&self, rows: usize) -> usize;
}
