//! How often an item is seen, as a probability: the q that sampled softmax corrects with.
//!
//! [`Exact`] counts (catalogues that fit memory, data that does not drift), [`Streaming`] follows
//! drift in fixed memory (Yi et al. 2019), [`CountMin`] counts in fixed memory. All three can be
//! saved and loaded with serde.

mod exact;
mod streaming;
mod count_min;

pub use count_min::CountMin;
pub use exact::Exact;
pub use streaming::{Streaming, StreamingConfig};

/// The bucket of `item` under hash number `hash`.
fn bucket(item: u32, hash: usize, buckets: usize) -> usize {
    // The high half of a 64 x 64 bit product is uniform over the buckets.
    let place = data::order::tie(item, hash as u64);
    ((u128::from(place) * buckets as u128) >> 64) as usize
}
