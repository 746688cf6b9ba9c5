//! What a cache of some size would miss, from the ids that are asked for: an LRU of n rows hits an id
//! where fewer than n others were asked for since it last was (Mattson et al. 1970), so one pass over a
//! trace tells the miss ratio for every size at once.
//!
//! A cache is asked for each id of a batch once: give [`StackDistances`] what is left without duplicates.
//! [`allocate`] shares memory over several tables by their curves.

mod recency;
mod distances;
mod curve;
pub mod allocate;

pub use curve::MissCurve;
pub use distances::StackDistances;
