//! Mean binary cross-entropy, chunk by chunk; sums in `f64`, added in the order of the chunks.

use rayon::prelude::*;

use super::lanes::{self, simd};

const CHUNK: usize = 4 * 1024;

/// As [`crate::kernel::reference::binary_loss::forward`].
pub(crate) fn forward(
    logits: &[f32],
    labels: &[f32],
    weights: Option<&[f32]>,
    dlogits: &mut [f32],
) -> f32 {
    let total: f64 = match weights {
        Some(weights) => weights.iter().map(|weight| f64::from(*weight)).sum(),
        None => logits.len() as f64,
    };
    let total = if total > 0.0 { total } else { 1.0 };
    let each = (1.0 / total) as f32;
    let chunks = dlogits.par_chunks_mut(CHUNK).enumerate();
    let losses: Vec<f64> = chunks
        .map(|(chunk, dlogits)| {
            let range = chunk * CHUNK..chunk * CHUNK + dlogits.len();
            let (logits, labels) = (&logits[range.clone()], &labels[range.clone()]);
            let weights = weights.map(|weights| &weights[range]);
            simd(
                #[inline(always)]
                || {
                    for (at, to) in dlogits.iter_mut().enumerate() {
                        *to = each * (lanes::sigmoid(logits[at]) - labels[at]);
                    }
                    if let Some(weights) = weights {
                        dlogits.iter_mut().zip(weights).for_each(|(to, weight)| *to *= *weight);
                    }
                    let loss = |at: usize| {
                        let weight = weights.map_or(1.0, |weights| weights[at]);
                        // A logit of a million must not swallow the logarithm.
                        let behind = logits[at].max(0.0) - logits[at] * labels[at];
                        f64::from(weight * (behind + lanes::softplus(-logits[at].abs())))
                    };
                    (0..logits.len()).map(loss).sum::<f64>()
                },
            )
        })
        .collect();
    (losses.iter().sum::<f64>() / total) as f32
}
