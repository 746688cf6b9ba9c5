//! Score order: score descending, then the caller's key, then the index.
//!
//! The same order as the house's rankings; this crate knows no seeds, so the key of a tie is an
//! argument.

use std::cmp::Ordering;

/// Key of an index among equal scores: the smaller one comes first.
pub type Tie<'a> = &'a (dyn Fn(u32) -> u64 + Sync);

/// `Less` comes first. Both scores are finite.
#[inline]
pub(super) fn descending(a: (u32, f32), b: (u32, f32), tie: Tie<'_>) -> Ordering {
    // `total_cmp` puts -0.0 under 0.0; adding 0.0 makes them one score.
    (b.1 + 0.0)
        .total_cmp(&(a.1 + 0.0))
        .then_with(|| if a.0 == b.0 { Ordering::Equal } else { tie(a.0).cmp(&tie(b.0)) })
        .then(a.0.cmp(&b.0))
}

/// Keeps the `k` first in score order, in no order of their own. `k` is at least 1.
pub(super) fn keep(scored: &mut Vec<(u32, f32)>, k: usize, tie: Tie<'_>) {
    if scored.len() > k {
        scored.select_nth_unstable_by(k - 1, |a, b| descending(*a, *b, tie));
        scored.truncate(k);
    }
}

/// Puts them in score order.
pub(super) fn sort(scored: &mut [(u32, f32)], tie: Tie<'_>) {
    scored.sort_unstable_by(|a, b| descending(*a, *b, tie));
}
