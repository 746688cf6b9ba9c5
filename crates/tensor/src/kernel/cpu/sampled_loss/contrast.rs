//! One token: its scores become their gradients.

use super::super::lanes;
use crate::op::Contrast;

pub(super) struct Token<'a> {
    pub(super) positive: u32,
    /// Of the positive, scaled.
    pub(super) score: f32,
    /// Of the positive; 0 where none is given.
    pub(super) log_q: f32,
    pub(super) negatives: &'a [u32],
    pub(super) negative_log_q: Option<&'a [f32]>,
}

/// `scores` come as products of the hidden state with each negative and leave as the gradient of
/// the loss with respect to these products, times `each`; gives the loss and the gradient with
/// respect to the positive's product.
#[inline(always)]
pub(super) fn contrast(
    kind: Contrast,
    scale: f32,
    token: &Token<'_>,
    scores: &mut [f32],
    each: f32,
) -> (f64, f32) {
    match token.negative_log_q {
        None => scores.iter_mut().for_each(|score| *score *= scale),
        Some(log_q) => scores
            .iter_mut()
            .zip(log_q)
            .for_each(|(score, log_q)| *score = scale * *score - *log_q),
    }
    // Negatives that are the positive do not count.
    let mut hits = 0u32;
    for (score, item) in scores.iter_mut().zip(token.negatives) {
        let hit = *item == token.positive;
        hits += u32::from(hit);
        *score = if hit { f32::NEG_INFINITY } else { *score };
    }
    let kept = scores.len() - hits as usize;
    match kind {
        Contrast::Softmax => {
            let own = token.score - token.log_q;
            let most = lanes::largest(scores).max(own);
            scores.iter_mut().for_each(|score| *score = lanes::exp(*score - most));
            let own_power = (own - most).exp();
            let total = lanes::sum(scores) + own_power;
            let factor = each / total;
            scores.iter_mut().for_each(|score| *score *= factor);
            // In this order: a large score must not swallow the logarithm.
            (f64::from((most - own) + total.ln()), each * (own_power / total - 1.0))
        }
        Contrast::Corrected => {
            if kept == 0 {
                scores.fill(0.0);
                return (0.0, 0.0);
            }
            let rest = (1.0 - token.log_q.exp()).max(1e-10).ln();
            // A shift of every negative's score by `rest` is one of the positive's by -rest.
            let own = token.score - rest;
            // The largest of the negatives alone, so that their sum is at least 1.
            let most = lanes::largest(scores);
            scores.iter_mut().for_each(|score| *score = lanes::exp(*score - most));
            let total = lanes::sum(scores);
            // By how much the positive lags behind the negatives' sum.
            let behind = (most - own) + total.ln();
            let weight = lanes::sigmoid(behind - (kept as f32).ln());
            let factor = each * weight / total;
            scores.iter_mut().for_each(|score| *score *= factor);
            (f64::from(weight * behind), -each * weight)
        }
        Contrast::Binary { beta } => {
            let share = 1.0 / (kept + 1) as f32;
            let mut loss = f64::from(beta * lanes::softplus(-token.score));
            loss += scores
                .iter()
                .map(|score| f64::from(lanes::softplus(*score))) // a hit's is 0
                .sum::<f64>();
            let factor = each * share;
            for (score, item) in scores.iter_mut().zip(token.negatives) {
                let hit = *item == token.positive;
                *score = if hit { 0.0 } else { factor * lanes::sigmoid(*score) };
            }
            (loss * f64::from(share), -(factor * beta * lanes::sigmoid(-token.score)))
        }
    }
}
