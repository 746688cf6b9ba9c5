//! Accuracy of one ranking at a cut-off k.
//!
//! Every function takes the hit flags of a ranking ([`hits`]), the number of relevant items and
//! k, and gives a number in [0, 1], or `None` where there is nothing relevant or k is 0. A list
//! shorter than k is a list whose missing places are misses.

mod hit_rate;
mod recall;
mod precision;
mod ndcg;
mod mrr;
mod map;

pub use hit_rate::hit_rate;
pub use map::average_precision;
pub use mrr::reciprocal_rank;
pub use ndcg::ndcg;
pub use precision::precision;
pub use recall::recall;

/// Whether each place of `ranked` (item indices, best first) holds one of `relevant`. An item
/// that is listed again is no second hit. Quick where `relevant` is sorted.
pub fn hits(ranked: &[u32], relevant: &[u32]) -> Vec<bool> {
    let sorted = relevant.is_sorted();
    let is_relevant = |item: &u32| {
        if sorted { relevant.binary_search(item).is_ok() } else { relevant.contains(item) }
    };
    ranked
        .iter()
        .enumerate()
        .map(|(place, item)| is_relevant(item) && !ranked[..place].contains(item))
        .collect()
}

/// The first k flags; `None` where there is nothing to measure.
fn cut(hits: &[bool], relevant: usize, k: usize) -> Option<&[bool]> {
    (relevant > 0 && k > 0).then(|| &hits[..k.min(hits.len())])
}

/// Number of hits.
fn count(flags: &[bool]) -> f64 {
    flags.iter().filter(|hit| **hit).count() as f64
}
