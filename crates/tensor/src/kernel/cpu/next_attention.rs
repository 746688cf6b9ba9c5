//! Attention of new tokens to a kept history: tiles of new tokens against blocks of kept keys,
//! which lie as a product in registers reads them.

use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use super::lanes;
use super::scratch::{with_bytes, with_scratch};
use super::tile::{Scalars, Target, Vectors, product};
use crate::kernel::reference::pointwise_attention::Inputs;
use crate::op::key_values::BLOCK;
use crate::op::time_bucket::time_buckets;
use crate::op::{KeyValues, NextTokens, Weighting, time_bucket};

/// New tokens of a tile.
const QUERIES: usize = 32;

/// As [`crate::kernel::reference::next_attention::forward`].
pub(crate) fn forward(
    history: &KeyValues,
    tokens: &NextTokens<'_>,
    inputs: Inputs<'_, f32>,
    out: &mut [f32],
) {
    let shape = history.shape;
    let buckets = if inputs.time.is_some() { QUERIES * history.len() } else { 0 };
    let numbers = QUERIES * (2 * BLOCK + history.value_row());
    out.par_chunks_mut(QUERIES * shape.width()).enumerate().for_each(|(tile, out)| {
        with_bytes(buckets, |buckets| {
            with_scratch(numbers, |scratch| {
                let from = tile * QUERIES;
                pulp::Arch::new().dispatch(Forward {
                    history,
                    tokens,
                    inputs,
                    from,
                    out,
                    buckets,
                    scratch,
                });
            });
        });
    });
}

struct Forward<'a> {
    history: &'a KeyValues,
    tokens: &'a NextTokens<'a>,
    inputs: Inputs<'a, f32>,
    /// First new token of the tile.
    from: usize,
    /// `[queries, heads × value_width]`
    out: &'a mut [f32],
    /// `[queries, history]`
    buckets: &'a mut [u8],
    scratch: &'a mut [f32],
}

impl WithSimd for Forward<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Forward { history, tokens, inputs, from, out, buckets, scratch } = self;
        let (shape, count) = (history.shape, history.len());
        let Weighting::Silu { length } = shape.weighting else { return };
        let each = 1.0 / length as f32;
        let queries = out.len() / shape.width();
        let (width, row) = (history.value_width(), history.value_row());
        let (biases, rest) = scratch.split_at_mut(QUERIES * BLOCK);
        let (scores, sums) = rest.split_at_mut(QUERIES * BLOCK);
        sums.fill(0.0);
        if inputs.time.is_some() && count > 0 {
            for (query, buckets) in buckets.chunks_exact_mut(count).take(queries).enumerate() {
                time_buckets(tokens.asked_at[from + query], tokens.history_at, buckets);
            }
        }
        for block in 0..count.div_ceil(BLOCK) {
            let key = block * BLOCK;
            let keys = BLOCK.min(count - key);
            for query in 0..queries {
                let biases = &mut biases[query * BLOCK..][..BLOCK];
                match inputs.position {
                    None => biases.fill(0.0),
                    Some(table) => {
                        let place = tokens.place(from + query);
                        let entry = table.len() - 1 - place + key;
                        biases[..keys].copy_from_slice(&table[entry..][..keys]);
                        biases[keys..].fill(0.0);
                    }
                }
                if let Some(table) = inputs.time {
                    let buckets = &buckets[query * count + key..][..keys];
                    for (bias, bucket) in biases.iter_mut().zip(buckets) {
                        *bias += table[usize::from(*bucket)];
                    }
                }
            }
            for head in 0..shape.heads {
                scores.copy_from_slice(biases);
                let at = shape.query_at(from, head);
                product(
                    simd,
                    (queries, BLOCK, shape.query_width),
                    Scalars { values: &inputs.x[at..], row: shape.stride(), column: 1 },
                    Vectors { values: history.keys(block, head), row: BLOCK },
                    Target::sum(scores, BLOCK),
                );
                for weights in scores.chunks_exact_mut(BLOCK).take(queries) {
                    for weight in weights.iter_mut() {
                        *weight *= each * lanes::sigmoid(*weight);
                    }
                }
                product(
                    simd,
                    (queries, width, keys),
                    Scalars { values: scores, row: BLOCK, column: 1 },
                    Vectors { values: history.values(key, head), row },
                    Target::sum(&mut sums[head * width..], row),
                );
            }
        }
        for (query, out) in out.chunks_exact_mut(shape.width()).enumerate() {
            let token = from + query;
            for head in 0..shape.heads {
                let out = &mut out[head * shape.value_width..][..shape.value_width];
                out.copy_from_slice(&sums[query * row + head * width..][..shape.value_width]);
                for other in tokens.first_seen(token)..=token {
                    let weight = each * own_weight(history, tokens, inputs, head, token, other);
                    let at = shape.value_at(other, head);
                    lanes::add_multiple(out, weight, &inputs.x[at..][..shape.value_width]);
                }
            }
        }
    }
}

/// SiLU of the score of a new token and one of the new tokens that it sees.
#[inline(always)]
fn own_weight(
    history: &KeyValues,
    tokens: &NextTokens<'_>,
    inputs: Inputs<'_, f32>,
    head: usize,
    token: usize,
    other: usize,
) -> f32 {
    let shape = history.shape;
    let (q, k) = (shape.query_at(token, head), shape.key_at(other, head));
    let width = shape.query_width;
    let mut score = shape.scale * lanes::dot(&inputs.x[q..q + width], &inputs.x[k..k + width]);
    if let Some(table) = inputs.position {
        score += table[table.len() - 1 - (tokens.place(token) - tokens.place(other))];
    }
    if let Some(table) = inputs.time {
        let span = tokens.asked_at[token].wrapping_sub(tokens.happened_at[other]);
        score += table[usize::from(time_bucket(span))];
    }
    score * lanes::sigmoid(score)
}
