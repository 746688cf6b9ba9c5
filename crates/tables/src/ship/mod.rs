//! Rows on their way from a trainer to servers.
//!
//! A trainer tells its [`Tracker`] which ids it touches. It publishes a [`Snapshot`] of all rows once, and
//! small ordered [`Delta`]s after it ([`Publisher`]); a server reads both ([`Follower`]) into [`Served`]
//! tables, which are changed while they are read. Rows are upserts: what counts is that the order of
//! deltas is kept, that none is missing, and that they build on the same snapshot. The dense part of a model
//! travels whole, as bytes that nobody here looks into.
//!
//! A folder of one snapshot: `snapshot/` (a sealed folder) and `000001.delta`, `000002.delta`, … beside it.

mod error;
mod format;
mod varint;
mod order;
mod delta;
mod layout;
mod snapshot;
mod rows_file;
mod table_file;
mod tracker;
mod pending;
mod places;
mod store;
mod served;
mod publisher;
mod follower;

pub use delta::{Delta, TableDelta};
pub use error::{Error, Result};
pub use follower::Follower;
pub use format::Format;
pub use layout::{DELTA_FIXED_BYTES, DELTA_VERSION, decode, delta_name, encode};
pub use publisher::{Published, Publisher};
pub use served::{Applied, Served, ServedTable};
pub use snapshot::{Contents, SNAPSHOT, SNAPSHOT_VERSION, Snapshot, SnapshotTable};
pub use table_file::read_matrix;
pub use tracker::{Taken, Touches, Tracker};
