//! The whole catalogue ranked for many histories, exactly.

use data::order::top_k;
use models::{Past, SequenceModel};
use rayon::prelude::*;
use tensor::{Workspace, scores};

use crate::on_disk::{BLOCK, OnDisk};
use crate::touched::Touched;
use crate::{Error, Result};

/// Histories whose scores are held at a time.
const ABREAST: usize = 512;
/// Histories that are encoded at a time: the same ones together wherever their items are.
const HISTORIES: usize = 256;

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
    let mut states = Vec::with_capacity(histories.len() * dim); // [histories, dim]
    for some in histories.chunks(HISTORIES) {
        states.extend(model.encode(workspace, items, some)?);
    }
    let mut ranking = Ranking::begin(states, seen, k, seed);
    for (from, rows) in (0u64..).step_by(BLOCK as usize).zip(items.chunks(BLOCK as usize * dim))
    {
        ranking.add(model, workspace, from, rows)?;
    }
    Ok(ranking.end())
}

/// As [`rank`], to the bit, of items on disk: a block of them at a time is in memory.
pub(crate) fn rank_on_disk(
    model: &SequenceModel,
    workspace: &mut Workspace,
    items: &mut OnDisk,
    histories: &[Past<'_>],
    seen: &[&[u32]],
    k: usize,
    seed: u64,
) -> Result<Vec<Vec<u32>>> {
    let states = encode_on_disk(model, workspace, items, histories)?;
    let mut ranking = Ranking::begin(states, seen, k, seed);
    items.blocks(|from, rows| ranking.add(model, workspace, from, rows))?;
    Ok(ranking.end())
}

/// The best items so far of many histories. Items come in blocks of [`BLOCK`], in order, wherever they
/// are kept, so that the same products are made the same way.
struct Ranking<'a> {
    /// `[histories, dim]`.
    states: Vec<f32>,
    seen: &'a [&'a [u32]],
    k: usize,
    seed: u64,
    /// A list a history, best first.
    best: Vec<Vec<(u32, f32)>>,
    /// Scores of some histories and a block.
    scores: Vec<f32>,
}

impl<'a> Ranking<'a> {
    fn begin(states: Vec<f32>, seen: &'a [&'a [u32]], k: usize, seed: u64) -> Ranking<'a> {
        Ranking {
            states,
            seen,
            k,
            seed,
            best: vec![Vec::new(); seen.len()],
            scores: Vec::new(),
        }
    }

    /// A block of items from number `from` on, `[items, dim]`.
    fn add(
        &mut self,
        model: &SequenceModel,
        workspace: &mut Workspace,
        from: u64,
        rows: &[f32],
    ) -> Result<()> {
        let Ranking { states, seen, k, seed, best, scores: all } = self;
        let (k, seed, dim) = (*k, *seed, model.dim());
        let (from, count) = (from as u32, rows.len() / dim);
        let vectors = model.score_vectors(rows);
        let parts = states.chunks(ABREAST * dim).zip(seen.chunks(ABREAST));
        for ((states, seen), best) in parts.zip(best.chunks_mut(ABREAST)) {
            all.resize(seen.len() * count, 0.0);
            scores(workspace.device, &workspace.meter, dim, states, &vectors, all)?;
            let each = all.par_chunks_mut(count).zip(seen).zip(best);
            each.for_each(|((scores, seen), best)| {
                for item in *seen {
                    let own = item.checked_sub(from).and_then(|at| scores.get_mut(at as usize));
                    own.into_iter().for_each(|score| *score = f32::NEG_INFINITY);
                }
                // Of an earlier block: what is below its k-th comes into no list.
                let floor = best.get(k.wrapping_sub(1)).map(|(_, score)| *score);
                best.extend(best_of(scores, from, floor, k, seed));
                top_k(best, k, seed);
            });
        }
        Ok(())
    }

    fn end(self) -> Vec<Vec<u32>> {
        let items = |list: Vec<(u32, f32)>| list.into_iter().map(|(item, _)| item).collect();
        self.best.into_iter().map(items).collect()
    }
}

/// States of histories whose items are on disk: of some histories at a time they are in memory.
fn encode_on_disk(
    model: &SequenceModel,
    workspace: &mut Workspace,
    items: &mut OnDisk,
    histories: &[Past<'_>],
) -> Result<Vec<f32>> {
    let most = model.config().length_max() as usize;
    let latest = |past: &Past<'_>| past.items.len().saturating_sub(most)..past.items.len();
    let (mut touched, mut values) = (Touched::default(), Vec::new());
    let mut states = Vec::with_capacity(histories.len() * model.dim());
    for some in histories.chunks(HISTORIES) {
        let lists: Vec<&[u32]> = some.iter().map(|past| &past.items[latest(past)]).collect();
        touched.collect(items.rows() as usize, &lists);
        items.look(&touched.rows, &mut values)?;
        let places: Vec<Vec<u32>> = lists.iter().map(|list| touched.places(list)).collect();
        touched.forget();
        let some: Vec<Past<'_>> = (some.iter().zip(&places))
            .map(|(past, items)| Past {
                items,
                times_ms: &past.times_ms[latest(past)],
                ..*past
            })
            .collect();
        states.extend(model.encode(workspace, &values, &some)?);
    }
    Ok(states)
}

/// The `k` items of the largest of `scores`, best first; none whose score is not finite. Most
/// are told apart by one comparison with the k-th best of a sample, so that few are sorted.
pub(crate) fn best(scores: &[f32], k: usize, seed: u64) -> Vec<u32> {
    best_of(scores, 0, None, k, seed).into_iter().map(|(item, _)| item).collect()
}

/// As [`best`], with their scores: of the items from `first` on, none below `floor`.
fn best_of(
    scores: &[f32],
    first: u32,
    floor: Option<f32>,
    k: usize,
    seed: u64,
) -> Vec<(u32, f32)> {
    let finite = scores.iter().copied().step_by(16).filter(|score| score.is_finite());
    let mut sample: Vec<f32> = finite.collect();
    let sampled = if sample.len() > k && k > 0 {
        sample.select_nth_unstable_by(k - 1, |a, b| b.total_cmp(a));
        sample[k - 1]
    } else {
        f32::NEG_INFINITY
    };
    let floor = floor.map_or(sampled, |floor| floor.max(sampled));
    let kept = (first..).zip(scores).filter(|(_, score)| **score >= floor);
    let mut found: Vec<(u32, f32)> = kept.map(|(item, score)| (item, *score)).collect();
    top_k(&mut found, k, seed);
    found
}

#[cfg(test)]
mod tests;
