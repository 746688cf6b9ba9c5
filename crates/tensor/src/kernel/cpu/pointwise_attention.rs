//! Attention with SiLU weights and biases over rows of events, tile by tile.
//!
//! As in [`super::attention`] a row is one piece of work and its scores are computed again on the
//! way back. The biases of a tile are looked up once for several heads, and so are their
//! gradients added up: each row has its own sums, joined in the order of rows.

mod row;
mod forward;
mod backward;

pub(crate) use backward::backward;
pub(crate) use forward::forward;

/// Queries of a tile.
const QUERIES: usize = 32;
/// Keys of a block: its scores fit the first-level cache with the values they weigh.
const KEYS: usize = 64;
/// Heads that share the biases of a tile. More would want more memory, as keys and values of all
/// of them lie ready.
const HEADS: usize = 4;
