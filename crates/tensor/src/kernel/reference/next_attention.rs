//! Attention of new tokens to a kept history: see [`crate::op::NextTokens`].

use super::pointwise_attention::Inputs;
use crate::op::{KeyValues, NextTokens, Weighting, time_bucket};

/// Writes `out [m, heads × value_width]`.
pub fn forward(
    history: &KeyValues,
    tokens: &NextTokens<'_>,
    inputs: Inputs<'_, f32>,
    out: &mut [f32],
) {
    let shape = history.shape;
    let Weighting::Silu { length } = shape.weighting else { return };
    let each = 1.0 / length as f32;
    let before = history.len();
    for token in 0..tokens.asked_at.len() {
        for head in 0..shape.heads {
            let to = token * shape.width() + head * shape.value_width;
            let out = &mut out[to..to + shape.value_width];
            out.fill(0.0);
            let query = &inputs.x[shape.query_at(token, head)..][..shape.query_width];
            let own = before + tokens.first_seen(token)..=before + token;
            for key in (0..before).chain(own) {
                let (keys, value, happened_at) = if key < before {
                    let (keys, value) = history.pair(key, head);
                    (keys, value, tokens.history_at[key])
                } else {
                    let at = key - before;
                    let keys = &inputs.x[shape.key_at(at, head)..][..shape.query_width];
                    let value = &inputs.x[shape.value_at(at, head)..][..shape.value_width];
                    let keys = keys.iter().map(|key| shape.scale * key).collect();
                    (keys, value, tokens.happened_at[at])
                };
                let mut score: f32 = query.iter().zip(&keys).map(|(q, k)| q * k).sum();
                if let Some(table) = inputs.position {
                    let place = if key < before { key } else { tokens.place(key - before) };
                    score += table[table.len() - 1 - (tokens.place(token) - place)];
                }
                if let Some(table) = inputs.time {
                    let span = tokens.asked_at[token].wrapping_sub(happened_at);
                    score += table[usize::from(time_bucket(span))];
                }
                let weight = each * score / (1.0 + (-score).exp());
                for (out, value) in out.iter_mut().zip(value) {
                    *out += weight * value;
                }
            }
        }
    }
}
