//! The best k: of one row of scores, and of all rows of a catalogue by scalar product.
//!
//! Score order everywhere: score descending, ties by a key that the caller gives (a seeded hash
//! of the index), then by index. A score that is no finite number never wins.
//!
//! [`top_k`] selects from scores that lie in memory. [`ItemIndex`] finds the rows with the
//! largest scalar products without writing the scores anywhere: a first pass over one byte a
//! number bounds every score, and the few rows whose bound reaches the k-th best are scored
//! exactly. [`mod@reference`] has the plain versions that both are held to.

mod order;
mod selection;
mod product;
mod codes;
mod panel;
mod kernel;
mod candidates;
mod pass;
mod index;
pub mod reference;

pub use index::{Filter, ItemIndex};
pub use kernel::Kernel;
pub use order::Tie;
pub use selection::top_k;
