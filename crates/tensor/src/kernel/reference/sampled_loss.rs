//! Losses of a positive against negatives: softmax (with each form of logQ) and gBCE.
//!
//! For token `t` with hidden state `h`, score of item `i`: `r_i = scale × h · items[i]`.

use crate::Real;
use crate::op::{Contrast, Negatives, SampledShape};

/// Writes the gradient of the mean loss with respect to `hidden [tokens, width]` and
/// `items [rows, width]` (both overwritten), and gives the loss.
pub fn forward<F: Real>(
    shape: &SampledShape<'_>,
    hidden: &[F],
    items: &[F],
    dhidden: &mut [F],
    ditems: &mut [F],
) -> F {
    let width = shape.width;
    let tokens = shape.positives.len();
    dhidden.fill(F::ZERO);
    ditems.fill(F::ZERO);
    let mut loss = F::ZERO;
    let scale = F::of(f64::from(shape.scale));
    for token in 0..tokens {
        let positive = shape.positives[token];
        let h = token * width;
        let score = |item: u32| {
            let at = item as usize * width;
            scale * (0..width).map(|lane| hidden[h + lane] * items[at + lane]).sum::<F>()
        };
        let (negatives, first) = shape.negatives.of(token);
        let negatives: Vec<(u32, F)> = negatives
            .iter()
            .enumerate()
            .filter(|(_, item)| **item != positive)
            .map(|(at, item)| {
                let log_q = shape.negative_log_q.map_or(0.0, |log_q| log_q[first + at]);
                (*item, F::of(f64::from(log_q)))
            })
            .collect();
        let log_q_positive =
            F::of(f64::from(shape.positive_log_q.map_or(0.0, |log_q| log_q[token])));
        let raw = score(positive);
        let mut dscores: Vec<(u32, F)> = Vec::with_capacity(negatives.len() + 1);
        match shape.contrast {
            Contrast::Softmax => {
                let own = raw - log_q_positive;
                let others: Vec<F> =
                    negatives.iter().map(|(item, log_q)| score(*item) - *log_q).collect();
                let most = others.iter().copied().fold(own, F::max);
                let sum = (own - most).exp()
                    + others.iter().map(|score| (*score - most).exp()).sum::<F>();
                loss += (most - own) + sum.ln();
                dscores.push((positive, (own - most).exp() / sum - F::ONE));
                for ((item, _), score) in negatives.iter().zip(&others) {
                    dscores.push((*item, (*score - most).exp() / sum));
                }
            }
            Contrast::Corrected => {
                if negatives.is_empty() {
                    continue;
                }
                // log Q' = log q - log(1 - q of the positive): negatives never are the positive.
                let rest = (F::ONE - log_q_positive.exp()).max(F::of(1e-10)).ln();
                let others: Vec<F> = negatives
                    .iter()
                    .map(|(item, log_q)| score(*item) - *log_q + rest)
                    .collect();
                // The largest of the negatives alone, so that their sum is at least 1.
                let most = others.iter().copied().fold(F::NEG_INFINITY, F::max);
                let sum = others.iter().map(|score| (*score - most).exp()).sum::<F>();
                let behind = (most - raw) + sum.ln();
                // What is left of the positive's probability, a mean of negatives in the place of
                // its sum; no gradient flows through it.
                let weight = sigmoid(behind - F::of(negatives.len() as f64).ln());
                loss += weight * behind;
                dscores.push((positive, -weight));
                for ((item, _), score) in negatives.iter().zip(&others) {
                    dscores.push((*item, weight * (*score - most).exp() / sum));
                }
            }
            Contrast::Binary { beta } => {
                let beta = F::of(f64::from(beta));
                let share = F::ONE / F::of(negatives.len() as f64 + 1.0);
                loss += share * beta * softplus(-raw);
                dscores.push((positive, -(share * beta * sigmoid(-raw))));
                for (item, _) in &negatives {
                    let score = score(*item);
                    loss += share * softplus(score);
                    dscores.push((*item, share * sigmoid(score)));
                }
            }
        }
        let each = scale / F::of(tokens as f64);
        for (item, dscore) in dscores {
            let at = item as usize * width;
            for lane in 0..width {
                dhidden[h + lane] += each * dscore * items[at + lane];
                ditems[at + lane] += each * dscore * hidden[h + lane];
            }
        }
    }
    if tokens == 0 { F::ZERO } else { loss / F::of(tokens as f64) }
}

fn sigmoid<F: Real>(x: F) -> F {
    F::ONE / (F::ONE + (-x).exp())
}

/// log(1 + e^x), stable.
fn softplus<F: Real>(x: F) -> F {
    x.max(F::ZERO) + (F::ONE + (-x.abs()).exp()).ln()
}

impl<'a> Negatives<'a> {
    /// The negatives of a token, and where they begin among all.
    pub(crate) fn of(&self, token: usize) -> (&'a [u32], usize) {
        match *self {
            Negatives::Shared { items } => (items, 0),
            Negatives::PerRow { offsets, count, items } => {
                let starts = &offsets.as_slice()[1..];
                let row = starts.partition_point(|end| *end as usize <= token);
                (&items[row * count..(row + 1) * count], row * count)
            }
            Negatives::PerToken { count, items } => {
                (&items[token * count..(token + 1) * count], token * count)
            }
        }
    }
}
