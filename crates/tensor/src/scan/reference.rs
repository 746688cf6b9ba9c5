//! The plain versions: score everything, sort everything.

use super::index::Filter;
use super::order::{Tie, sort};
use super::product::dot;

/// [`top_k`](super::top_k) by a full sort.
pub fn top_k(scores: &[f32], k: usize, tie: Tie<'_>) -> Vec<(u32, f32)> {
    let mut scored: Vec<(u32, f32)> =
        (0u32..).zip(scores.iter().copied()).filter(|(_, score)| score.is_finite()).collect();
    sort(&mut scored, tie);
    scored.truncate(k);
    scored
}

/// [`ItemIndex::search`](super::ItemIndex::search) by scoring every row of `values`,
/// `[rows, width]`, against every one of `queries`, `[batch, width]`.
///
/// # Panics
/// Where `width` is 0.
pub fn search(
    values: &[f32],
    width: usize,
    queries: &[f32],
    k: usize,
    filter: Option<Filter<'_>>,
    tie: Tie<'_>,
) -> Vec<Vec<(u32, f32)>> {
    let best = |(number, query): (usize, &[f32])| {
        let scores: Vec<f32> = (0u32..)
            .zip(values.chunks_exact(width))
            .map(|(row, values)| match filter {
                Some(allows) if !allows(number, row) => f32::NEG_INFINITY,
                _ => dot(values, query),
            })
            .collect();
        top_k(&scores, k, tie)
    };
    queries.chunks_exact(width).enumerate().map(best).collect()
}
