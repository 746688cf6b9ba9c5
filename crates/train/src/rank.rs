//! The whole catalogue ranked for many histories, exactly.

use data::order::top_k;
use models::{Past, SequenceModel};
use rayon::prelude::*;
use tensor::{Workspace, scores};

use crate::{Error, Result};

/// Scores held at a time.
const SCORES: usize = 4 << 20;

/// The `k` best items of each history, best first, without those of its list in `seen`; fewer
/// where fewer are left. Ties fall by the seeded hash of [`data::order`]; for an empty history
/// all items tie.
///
/// # Errors
/// Where an item of a history or of `seen` has no row in `items [n, dim]`, or there is not one
/// list of seen items a history.
pub fn rank(
    model: &SequenceModel,
    workspace: &mut Workspace,
    items: &[f32],
    histories: &[Past<'_>],
    seen: &[&[u32]],
    k: usize,
    seed: u64,
) -> Result<Vec<Vec<u32>>> {
    let dim = model.dim();
    let count = items.len() / dim;
    if seen.len() != histories.len() {
        let (seen, histories) = (seen.len(), histories.len());
        return Err(Error::Refused(format!(
            "{seen} lists of seen items, {histories} histories"
        )));
    }
    if let Some(item) = seen.iter().copied().flatten().find(|item| **item as usize >= count) {
        return Err(Error::Refused(format!("seen item {item} of {count}")));
    }
    let states = model.encode(workspace, items, histories)?; // [histories, dim]
    if count == 0 {
        return Ok(vec![Vec::new(); histories.len()]);
    }
    let vectors = model.score_vectors(items);
    let block = (SCORES / count).clamp(1, 1024);
    let mut all = vec![0.0; block * count];
    let mut ranked = Vec::with_capacity(histories.len());
    for (states, seen) in states.chunks(block * dim).zip(seen.chunks(block)) {
        let all = &mut all[..seen.len() * count];
        scores(workspace.device, &workspace.meter, dim, states, &vectors, all)?;
        ranked.par_extend(all.par_chunks_mut(count).zip(seen).map(|(scores, seen)| {
            for item in *seen {
                scores[*item as usize] = f32::NEG_INFINITY;
            }
            best(scores, k, seed)
        }));
    }
    Ok(ranked)
}

/// The `k` items of the largest of `scores`, best first; none whose score is not finite. Most
/// are told apart by one comparison with the k-th best of a sample, so that few are sorted.
pub(crate) fn best(scores: &[f32], k: usize, seed: u64) -> Vec<u32> {
    let finite = scores.iter().copied().step_by(16).filter(|score| score.is_finite());
    let mut sample: Vec<f32> = finite.collect();
    let floor = if sample.len() > k && k > 0 {
        sample.select_nth_unstable_by(k - 1, |a, b| b.total_cmp(a));
        sample[k - 1]
    } else {
        f32::NEG_INFINITY
    };
    let kept = scores.iter().enumerate().filter(|(_, score)| **score >= floor);
    let mut found: Vec<(u32, f32)> = kept.map(|(item, score)| (item as u32, *score)).collect();
    top_k(&mut found, k, seed);
    found.into_iter().map(|(item, _)| item).collect()
}
