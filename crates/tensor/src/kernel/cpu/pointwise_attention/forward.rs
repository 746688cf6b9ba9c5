//! The way there: biases, scores, weights, and what they mix.

use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use super::row::Row;
use super::{HEADS, KEYS, QUERIES};
use crate::kernel::cpu::attention::soften;
use crate::kernel::cpu::heads::{PAD, store};
use crate::kernel::cpu::lanes;
use crate::kernel::cpu::parts::split_rows;
use crate::kernel::cpu::scratch::{with_bytes, with_scratch};
use crate::kernel::cpu::tile::{Scalars, Target, Vectors, product};
use crate::kernel::reference::pointwise_attention::Inputs;
use crate::op::{EventRows, PointwiseShape, Weighting};

/// As [`crate::kernel::reference::pointwise_attention::forward`].
pub(crate) fn forward(
    shape: PointwiseShape,
    rows: &EventRows<'_>,
    inputs: Inputs<'_, f32>,
    out: &mut [f32],
    lse: &mut [f32],
) {
    let kept = if shape.weighting == Weighting::Softmax { shape.heads } else { 0 };
    let outs = split_rows(out, rows.offsets, shape.width());
    let lses = split_rows(lse, rows.offsets, kept);
    let ranges = rows.offsets.ranges().enumerate();
    let mut work: Vec<_> = ranges.zip(outs.zip(lses)).collect();
    work.retain(|((_, range), _)| !range.is_empty());
    work.sort_by_key(|((_, range), _)| std::cmp::Reverse(range.len()));
    work.into_par_iter().with_max_len(1).for_each(|((row, range), (out, lse))| {
        let row = Row::of(shape, rows, inputs, row, range);
        with_bytes(row.bucket_len(), |buckets| {
            with_scratch(forward_scratch(&row), |scratch| {
                pulp::Arch::new().dispatch(Forward { row, out, lse, buckets, scratch });
            });
        });
    });
}

fn forward_scratch(row: &Row<'_>) -> usize {
    let (n, shape) = (row.padded(), row.shape);
    let heads = shape.heads.min(HEADS);
    let queries = shape.query_width.next_multiple_of(PAD);
    let values = shape.value_width.next_multiple_of(PAD);
    heads * (n * (queries + values) + QUERIES * (values + 2)) + 2 * QUERIES * KEYS
}

struct Forward<'a> {
    row: Row<'a>,
    /// `[n, heads × value_width]`
    out: &'a mut [f32],
    /// `[n, heads]` for the softmax.
    lse: &'a mut [f32],
    buckets: &'a mut [u8],
    scratch: &'a mut [f32],
}

impl WithSimd for Forward<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Forward { row, out, lse, buckets, scratch } = self;
        let PointwiseShape { heads: all_heads, query_width, value_width, .. } = row.shape;
        let (shape, n) = (row.shape, row.padded());
        let width = value_width.next_multiple_of(PAD);
        let across_len = n * query_width.next_multiple_of(PAD);
        let (biases, rest) = scratch.split_at_mut(QUERIES * KEYS);
        let (scores, rest) = rest.split_at_mut(QUERIES * KEYS);
        let heads_max = all_heads.min(HEADS);
        let (keys_across, rest) = rest.split_at_mut(heads_max * across_len);
        let (values_copy, rest) = rest.split_at_mut(heads_max * n * width);
        let (sums, rest) = rest.split_at_mut(heads_max * QUERIES * width);
        let (most, total) = rest.split_at_mut(heads_max * QUERIES);
        let mut head_from = 0;
        while head_from < all_heads {
            let heads = HEADS.min(all_heads - head_from);
            for head in 0..heads {
                let at = shape.key_at(row.first, head_from + head);
                let to = &mut keys_across[head * across_len..][..across_len];
                row.columns(at, query_width).across(shape.scale, to, n);
            }
            let mut copies = values_copy.chunks_exact_mut(n * width);
            let values: [Vectors<'_>; HEADS] = std::array::from_fn(|head| {
                let copy = copies.next().unwrap_or_default();
                if head >= heads {
                    return Vectors { values: &[], row: width };
                }
                let at = shape.value_at(row.first, head_from + head);
                row.columns(at, value_width).registers(copy)
            });
            let mut from = 0;
            while from < row.roles.count {
                let tile = row.tile(from, buckets);
                let (queries, keys_end) = (tile.end - from, row.keys_end(from, tile.end));
                sums[..heads * QUERIES * width].fill(0.0);
                most.fill(f32::NEG_INFINITY);
                total.fill(0.0);
                let mut key = 0;
                while key < keys_end {
                    let keys = KEYS.min(keys_end - key);
                    if !row.meets(tile, key, key + keys) {
                        key += keys;
                        continue;
                    }
                    let padded = keys.next_multiple_of(PAD);
                    row.biases(tile, key, keys, biases);
                    for (head, values) in values.iter().enumerate().take(heads) {
                        let at = shape.query_at(row.first + from, head_from + head);
                        let across = &keys_across[head * across_len..][..across_len];
                        scores.copy_from_slice(biases);
                        product(
                            simd,
                            (queries, padded, query_width),
                            Scalars {
                                values: &row.inputs.x[at..],
                                row: shape.stride(),
                                column: 1,
                            },
                            Vectors { values: &across[key..], row: n },
                            Target::sum(scores, KEYS),
                        );
                        for query in 0..queries {
                            let weights = &mut scores[query * KEYS..][..padded];
                            let at = head * QUERIES + query;
                            match shape.weighting {
                                Weighting::Silu { length } => {
                                    let each = 1.0 / length as f32;
                                    for weight in weights.iter_mut() {
                                        *weight *= each * lanes::sigmoid(*weight);
                                    }
                                    row.hide(from + query, key, weights, 0.0);
                                }
                                Weighting::Softmax => {
                                    row.hide(from + query, key, weights, f32::NEG_INFINITY);
                                    let sums = &mut sums[at * width..][..width];
                                    let (most, total) = (&mut most[at], &mut total[at]);
                                    if weights.iter().all(|score| *score == f32::NEG_INFINITY) {
                                        weights.fill(0.0);
                                    } else {
                                        soften(weights, padded, most, total, sums);
                                    }
                                    row.hide(from + query, key, weights, 0.0);
                                }
                            }
                        }
                        product(
                            simd,
                            (queries, width, keys),
                            Scalars { values: scores, row: KEYS, column: 1 },
                            values.from(key),
                            Target::sum(&mut sums[head * QUERIES * width..], width),
                        );
                    }
                    key += keys;
                }
                for head in 0..heads {
                    for query in 0..queries {
                        let (token, at) = (from + query, head * QUERIES + query);
                        let to = token * shape.width() + (head_from + head) * value_width;
                        let mut each = 1.0;
                        if shape.weighting == Weighting::Softmax {
                            each = 1.0 / total[at];
                            lse[token * all_heads + head_from + head] =
                                most[at] + total[at].ln();
                        }
                        let to = &mut out[to..to + value_width];
                        store(to, false, each, &sums[at * width..][..width]);
                    }
                }
                from = tile.end;
            }
            head_from += heads;
        }
    }
}
