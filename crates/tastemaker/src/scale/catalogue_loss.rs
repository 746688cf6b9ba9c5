//! The loss of what came next among the whole catalogue: nothing is sampled, so that it can be
//! compared over sizes.

use anyhow::Result;
use models::Past;
use rayon::prelude::*;
use tensor::{Device, Workspace, scores};
use train::Trained;

use crate::experiment::Ground;

/// Histories whose scores are held at a time.
const BLOCK: usize = 256;

/// Mean over users and over what was new to each: −log softmax over all items of scores /
/// `temperature`.
///
/// # Errors
/// As the model's.
pub(crate) fn catalogue_loss(
    trained: &Trained,
    temperature: f32,
    ground: &Ground,
) -> Result<f64> {
    let mut workspace = Workspace::new(Device::Cpu);
    let items = trained.items.values();
    let (dim, count) = (trained.items.width(), trained.items.rows());
    let past = |at: &usize| {
        let history = ground.train.user(ground.cases.user(*at));
        let now_ms = ground.cases.asked_ms(*at);
        Past { items: history.items, times_ms: history.times_ms, now_ms }
    };
    let histories: Vec<Past<'_>> = ground.warm.iter().map(past).collect();
    let states = trained.model.encode(&mut workspace, items, &histories)?; // [users, dim]
    let vectors = trained.model.score_vectors(items);
    let mut all = vec![0.0; BLOCK.min(histories.len()) * count];
    let mut losses = Vec::with_capacity(histories.len());
    for (states, at) in states.chunks(BLOCK * dim).zip(ground.warm.chunks(BLOCK)) {
        let all = &mut all[..at.len() * count];
        scores(workspace.device, &workspace.meter, dim, states, &vectors, all)?;
        losses.par_extend(
            all.par_chunks(count)
                .zip(at)
                .map(|(scores, at)| surprise(scores, temperature, ground.cases.relevant(*at))),
        );
    }
    // Added up in order: the same number whatever the number of threads.
    Ok(losses.iter().sum::<f64>() / losses.len().max(1) as f64)
}

/// Mean −log softmax(scores / temperature) of `items`.
fn surprise(scores: &[f32], temperature: f32, items: &[u32]) -> f64 {
    let of = |score: f32| f64::from(score) / f64::from(temperature);
    let most = scores.iter().copied().map(of).fold(f64::NEG_INFINITY, f64::max);
    let sum: f64 = scores.iter().map(|score| (of(*score) - most).exp()).sum();
    let each = items.iter().map(|item| most + sum.ln() - of(scores[*item as usize]));
    each.sum::<f64>() / items.len().max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_softmax_by_hand() {
        // Over 0.5: 0, 2 and 0 → shares 1, e², 1.
        let all = (2.0 + 2.0_f64.exp()).ln();
        let scores = [0.0, 1.0, 0.0];
        assert!((surprise(&scores, 0.5, &[1]) - (all - 2.0)).abs() < 1e-12);
        assert!((surprise(&scores, 0.5, &[0, 1]) - (all - 1.0)).abs() < 1e-12);
        let even = surprise(&[300.0; 4], 0.05, &[2]);
        assert!((even - 4.0_f64.ln()).abs() < 1e-9, "{even}");
    }
}
