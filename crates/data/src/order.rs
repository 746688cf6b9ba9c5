//! The one score order: score, then a seeded hash of the item, non-finite last.
//!
//! Every ranking in the house goes through here, so that a model's score ties never fall by
//! catalogue order (which is popularity in disguise in most logs and flatters metrics), and
//! a NaN never wins.

use std::cmp::Ordering;

use xxhash_rust::xxh3::xxh3_64_with_seed;

/// The name of this rule, recorded in every report.
pub const TIE_RULE: &str = "score descending, then xxh3(item, seed); non-finite last";

/// Place of `item` among equal scores.
#[inline]
pub fn tie(item: u32, seed: u64) -> u64 {
    xxh3_64_with_seed(&item.to_le_bytes(), seed)
}

/// Compares two scored items: `Less` comes first in the ranking.
#[inline]
pub fn descending(a: (u32, f32), b: (u32, f32), seed: u64) -> Ordering {
    let key = |score: f32| if score.is_finite() { score } else { f32::NEG_INFINITY };
    // `total_cmp` puts -0.0 under 0.0; adding 0.0 makes them one score.
    (key(b.1) + 0.0)
        .total_cmp(&(key(a.1) + 0.0))
        .then_with(|| {
            if a.0 == b.0 { Ordering::Equal } else { tie(a.0, seed).cmp(&tie(b.0, seed)) }
        })
        .then(a.0.cmp(&b.0))
}

/// Keeps the `k` first items of `scored` in score order, sorted. Non-finite scores are dropped.
pub fn top_k(scored: &mut Vec<(u32, f32)>, k: usize, seed: u64) {
    scored.retain(|(_, score)| score.is_finite());
    if k == 0 {
        scored.clear();
        return;
    }
    if scored.len() > k {
        scored.select_nth_unstable_by(k - 1, |a, b| descending(*a, *b, seed));
        scored.truncate(k);
    }
    scored.sort_unstable_by(|a, b| descending(*a, *b, seed));
}
