//! The whole catalogue ranked for many histories, exactly.

use data::order::top_k;
use models::SasRec;
use rayon::prelude::*;
use tensor::{Workspace, scores};

use crate::Result;

/// Scores held at a time.
const SCORES: usize = 4 << 20;

/// The `k` best items of each history, best first, without those of `seen`, which lists sorted
/// items a history. Ties fall by the seeded hash of [`data::order`].
///
/// # Errors
/// Where an item of a history has no row in `items [n, dim]`.
pub fn rank(
    model: &SasRec,
    workspace: &mut Workspace,
    items: &[f32],
    histories: &[&[u32]],
    seen: &[&[u32]],
    k: usize,
    seed: u64,
) -> Result<Vec<Vec<u32>>> {
    let dim = model.config().dim as usize;
    let count = items.len() / dim;
    let states = model.encode(workspace, items, histories)?; // [histories, dim]
    let block = (SCORES / count.max(1)).clamp(1, 1024);
    let mut all = vec![0.0; block * count];
    let mut ranked = Vec::with_capacity(histories.len());
    for (states, seen) in states.chunks(block * dim).zip(seen.chunks(block)) {
        let all = &mut all[..seen.len() * count];
        scores(workspace.device, &workspace.meter, dim, states, items, all)?;
        ranked.par_extend(all.par_chunks_mut(count.max(1)).zip(seen).map(|(scores, seen)| {
            for item in *seen {
                scores[*item as usize] = f32::NEG_INFINITY;
            }
            best(scores, k, seed)
        }));
    }
    Ok(ranked)
}

/// The k best of a row of scores. Most items are told apart by one comparison with the k-th of
/// a sample, so that few are sorted.
fn best(scores: &[f32], k: usize, seed: u64) -> Vec<u32> {
    let mut sample: Vec<f32> = scores.iter().copied().step_by(16).collect();
    let mut found: Vec<(u32, f32)> = Vec::new();
    let floor = if sample.len() > k && k > 0 {
        sample.select_nth_unstable_by(k - 1, |a, b| b.total_cmp(a));
        sample[k - 1]
    } else {
        f32::NEG_INFINITY
    };
    let kept = scores.iter().enumerate().filter(|(_, score)| **score >= floor);
    found.extend(kept.map(|(item, score)| (item as u32, *score)));
    top_k(&mut found, k, seed);
    found.into_iter().map(|(item, _)| item).collect()
}
