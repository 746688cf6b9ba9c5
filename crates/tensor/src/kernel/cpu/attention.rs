//! Causal attention over jagged rows, tile by tile.
//!
//! A row's heads are one piece of work; rows go to threads longest first. Forward: 32 queries at
//! a time against blocks of keys with a running maximum and sum. Backward: the scores of a tile
//! are computed again. Tiles above the diagonal are never touched, and what is kept of a row is
//! its output and one number a token and head.

use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use super::heads::{Columns, PAD, store};
use super::lanes;
use super::parts::split_rows;
use super::scratch::with_scratch;
use super::tile::{Scalars, Target, Vectors, product};
use crate::Offsets;
use crate::kernel::Grad;
use crate::kernel::reference::attention::Inputs;
use crate::op::AttentionShape;

/// Queries of a tile.
const QUERIES: usize = 32;
/// Keys of a block, forward: its scores fit the first-level cache with the values they weigh.
const KEYS: usize = 128;
/// Keys of a block, backward, where two score tiles are alive.
const KEYS_BACK: usize = 64;
/// As [`crate::kernel::reference::attention::forward`].
pub(crate) fn forward(
    shape: AttentionShape,
    offsets: &Offsets,
    inputs: Inputs<'_, f32>,
    out: &mut [f32],
    lse: &mut [f32],
) {
    let outs = split_rows(out, offsets, shape.width());
    let lses = split_rows(lse, offsets, shape.heads);
    let mut rows: Vec<_> = offsets.ranges().zip(outs.zip(lses)).collect();
    rows.retain(|(range, _)| !range.is_empty());
    rows.sort_by_key(|(range, _)| std::cmp::Reverse(range.len()));
    rows.into_par_iter().with_max_len(1).for_each(|(range, (out, lse))| {
        let len = forward_scratch(range.len(), shape.head_width);
        with_scratch(len, |scratch| {
            pulp::Arch::new().dispatch(Forward {
                shape,
                inputs,
                first: range.start,
                count: range.len(),
                out,
                lse,
                scratch,
            });
        });
    });
}

fn forward_scratch(count: usize, head_width: usize) -> usize {
    let (n, width) = (count.next_multiple_of(PAD), head_width.next_multiple_of(PAD));
    2 * n * width + QUERIES * (KEYS + width + 2)
}

struct Forward<'a> {
    shape: AttentionShape,
    inputs: Inputs<'a, f32>,
    /// First token of the row.
    first: usize,
    count: usize,
    /// `[n, heads × width]`
    out: &'a mut [f32],
    /// `[n, heads]`
    lse: &'a mut [f32],
    scratch: &'a mut [f32],
}

impl WithSimd for Forward<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Forward { shape, inputs, first, count, out, lse, scratch } = self;
        let AttentionShape { heads, head_width, .. } = shape;
        let (n, width) = (count.next_multiple_of(PAD), head_width.next_multiple_of(PAD));
        let (keys_across, rest) = scratch.split_at_mut(n * width);
        let (values_copy, rest) = rest.split_at_mut(n * width);
        let (scores, rest) = rest.split_at_mut(QUERIES * KEYS);
        let (sums, rest) = rest.split_at_mut(QUERIES * width);
        let (most, total) = rest.split_at_mut(QUERIES);
        let all_width = heads * head_width;
        for head in 0..heads {
            let of = |from, at, stride| Columns { from, at, stride, count, width: head_width };
            let stride = shape.key_stride;
            of(inputs.key, shape.key_at(first, head), stride).across(
                shape.scale,
                keys_across,
                n,
            );
            let values =
                of(inputs.value, shape.value_at(first, head), stride).registers(values_copy);
            let mut from = 0;
            while from < count {
                let queries = QUERIES.min(count - from);
                let query = Scalars {
                    values: &inputs.query[shape.query_at(first + from, head)..],
                    row: shape.query_stride,
                    column: 1,
                };
                most[..queries].fill(f32::NEG_INFINITY);
                total[..queries].fill(0.0);
                sums[..queries * width].fill(0.0);
                let end = from + queries;
                let mut key = 0;
                while key < end {
                    let keys = KEYS.min(end - key);
                    let padded = keys.next_multiple_of(PAD);
                    product(
                        simd,
                        (queries, padded, head_width),
                        query,
                        Vectors { values: &keys_across[key..], row: n },
                        Target::new(scores, KEYS),
                    );
                    for row in 0..queries {
                        // Keys from here on are of the future, or padding.
                        let seen = (from + row + 1).saturating_sub(key).min(keys);
                        let scores = &mut scores[row * KEYS..][..padded];
                        soften(
                            scores,
                            seen,
                            &mut most[row],
                            &mut total[row],
                            &mut sums[row * width..][..width],
                        );
                        if !shape.dropout.is_none() {
                            let stream = shape.stream_of(first + from + row, head);
                            for (place, weight) in scores.iter_mut().enumerate() {
                                *weight *= shape.kept(stream, key + place);
                            }
                        }
                    }
                    product(
                        simd,
                        (queries, width, keys),
                        Scalars { values: scores, row: KEYS, column: 1 },
                        values.from(key),
                        Target::sum(sums, width),
                    );
                    key += keys;
                }
                for row in 0..queries {
                    let token = from + row;
                    let out = &mut out[token * all_width + head * head_width..][..head_width];
                    let inverse = 1.0 / total[row];
                    for (out, sum) in out.iter_mut().zip(&sums[row * width..]) {
                        *out = *sum * inverse;
                    }
                    lse[token * heads + head] = most[row] + total[row].ln();
                }
                from = end;
            }
        }
    }
}

/// One row of the online softmax: scores become e^(score - most), keys that are not seen 0; a new
/// maximum scales down what was summed before.
#[inline(always)]
pub(in crate::kernel::cpu) fn soften(
    scores: &mut [f32],
    seen: usize,
    most: &mut f32,
    total: &mut f32,
    sums: &mut [f32],
) {
    scores[seen..].fill(f32::NEG_INFINITY);
    let found = lanes::largest(scores);
    if found > *most {
        if *total > 0.0 {
            let down = (*most - found).exp();
            *total *= down;
            sums.iter_mut().for_each(|sum| *sum *= down);
        }
        *most = found;
    }
    let most = *most;
    scores.iter_mut().for_each(|score| *score = lanes::exp(*score - most));
    scores[seen..].fill(0.0);
    *total += lanes::sum(scores);
}

/// As [`crate::kernel::reference::attention::backward`].
#[allow(clippy::too_many_arguments, reason = "one argument a tensor")]
pub(crate) fn backward(
    shape: AttentionShape,
    offsets: &Offsets,
    inputs: Inputs<'_, f32>,
    out: &[f32],
    lse: &[f32],
    dout: &[f32],
    dquery: Grad<'_, f32>,
    dkey_value: Option<Grad<'_, f32>>,
) {
    let accumulate = (
        dquery.accumulate,
        dkey_value.as_ref().map_or(dquery.accumulate, |others| others.accumulate),
    );
    let queries = split_rows(dquery.values, offsets, shape.query_stride);
    let mut others =
        dkey_value.map(|others| split_rows(others.values, offsets, shape.key_stride));
    let mut rows: Vec<_> = offsets
        .ranges()
        .zip(queries)
        .map(|(range, dquery)| (range, dquery, others.as_mut().and_then(Iterator::next)))
        .collect();
    rows.retain(|(range, _, _)| !range.is_empty());
    rows.sort_by_key(|(range, _, _)| std::cmp::Reverse(range.len()));
    rows.into_par_iter().with_max_len(1).for_each(|(range, dquery, dkey_value)| {
        let len = backward_scratch(range.len(), shape.head_width);
        with_scratch(len, |scratch| {
            pulp::Arch::new().dispatch(Backward {
                shape,
                inputs,
                first: range.start,
                count: range.len(),
                out,
                lse,
                dout,
                dquery,
                dkey_value,
                accumulate,
                scratch,
            });
        });
    });
}

fn backward_scratch(count: usize, head_width: usize) -> usize {
    let (n, width) = (count.next_multiple_of(PAD), head_width.next_multiple_of(PAD));
    7 * n * width + QUERIES * (2 * KEYS_BACK + width + 1)
}

struct Backward<'a> {
    shape: AttentionShape,
    inputs: Inputs<'a, f32>,
    first: usize,
    count: usize,
    /// `[Σ n, heads × width]`
    out: &'a [f32],
    /// `[Σ n, heads]`
    lse: &'a [f32],
    /// `[Σ n, heads × width]`
    dout: &'a [f32],
    /// This row's, `[n, query_stride]`
    dquery: &'a mut [f32],
    /// This row's, `[n, key_stride]`; none where it is all one matrix.
    dkey_value: Option<&'a mut [f32]>,
    accumulate: (bool, bool),
    scratch: &'a mut [f32],
}

impl WithSimd for Backward<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Backward { shape, inputs, first, count, .. } = self;
        let AttentionShape { heads, head_width, .. } = shape;
        let (n, width) = (count.next_multiple_of(PAD), head_width.next_multiple_of(PAD));
        let all_width = heads * head_width;
        let (keys_across, rest) = self.scratch.split_at_mut(n * width);
        let (values_across, rest) = rest.split_at_mut(n * width);
        let (dkeys, rest) = rest.split_at_mut(n * width);
        let (dvalues, rest) = rest.split_at_mut(n * width);
        let (key_copy, rest) = rest.split_at_mut(n * width);
        let (query_copy, rest) = rest.split_at_mut(n * width);
        let (dout_copy, rest) = rest.split_at_mut(n * width);
        let (scores, rest) = rest.split_at_mut(QUERIES * KEYS_BACK);
        let (dscores, rest) = rest.split_at_mut(QUERIES * KEYS_BACK);
        let (dqueries, deltas) = rest.split_at_mut(QUERIES * width);
        let (dquery, mut dkey_value) = (self.dquery, self.dkey_value);
        for head in 0..heads {
            let out_at = first * all_width + head * head_width;
            let of = |from, at, stride| Columns { from, at, stride, count, width: head_width };
            let keys = of(inputs.key, shape.key_at(first, head), shape.key_stride);
            let values = of(inputs.value, shape.value_at(first, head), shape.key_stride);
            let queries = of(inputs.query, shape.query_at(first, head), shape.query_stride);
            keys.across(shape.scale, keys_across, n);
            values.across(1.0, values_across, n);
            let keys = keys.registers(key_copy);
            let all_queries = queries.registers(query_copy);
            let douts = of(self.dout, out_at, all_width).registers(dout_copy);
            dkeys.fill(0.0);
            dvalues.fill(0.0);
            let mut from = 0;
            while from < count {
                let queries = QUERIES.min(count - from);
                let end = from + queries;
                for (row, delta) in deltas[..queries].iter_mut().enumerate() {
                    let at = out_at + (from + row) * all_width;
                    *delta = lanes::dot(
                        &self.dout[at..at + head_width],
                        &self.out[at..at + head_width],
                    );
                }
                let (query, dout) = (all_queries.from(from), douts.from(from));
                let mut key = 0;
                while key < end {
                    let count_keys = KEYS_BACK.min(end - key);
                    let padded = count_keys.next_multiple_of(PAD);
                    product(
                        simd,
                        (queries, padded, head_width),
                        query.scalars(),
                        Vectors { values: &keys_across[key..], row: n },
                        Target::new(scores, KEYS_BACK),
                    );
                    product(
                        simd,
                        (queries, padded, head_width),
                        dout.scalars(),
                        Vectors { values: &values_across[key..], row: n },
                        Target::new(dscores, KEYS_BACK),
                    );
                    for row in 0..queries {
                        let seen = (from + row + 1).saturating_sub(key).min(count_keys);
                        let lse = self.lse[(first + from + row) * heads + head];
                        let weights = &mut scores[row * KEYS_BACK..][..padded];
                        let dscores = &mut dscores[row * KEYS_BACK..][..padded];
                        let delta = deltas[row];
                        let pairs = weights.iter_mut().zip(dscores.iter_mut());
                        if shape.dropout.is_none() {
                            for (weight, dscore) in pairs {
                                *weight = lanes::exp(*weight - lse);
                                *dscore = *weight * (*dscore - delta);
                            }
                        } else {
                            let stream = shape.stream_of(first + from + row, head);
                            for (place, (weight, dscore)) in pairs.enumerate() {
                                let kept = shape.kept(stream, key + place);
                                *weight = lanes::exp(*weight - lse);
                                *dscore = *weight * (kept * *dscore - delta);
                                *weight *= kept;
                            }
                        }
                        weights[seen..].fill(0.0);
                        dscores[seen..].fill(0.0);
                    }
                    product(
                        simd,
                        (count_keys, width, queries),
                        Scalars { values: scores, row: 1, column: KEYS_BACK },
                        dout,
                        Target::sum(&mut dvalues[key * width..], width),
                    );
                    product(
                        simd,
                        (count_keys, width, queries),
                        Scalars { values: dscores, row: 1, column: KEYS_BACK },
                        query,
                        Target::sum(&mut dkeys[key * width..], width),
                    );
                    product(
                        simd,
                        (queries, width, count_keys),
                        Scalars { values: dscores, row: KEYS_BACK, column: 1 },
                        keys.from(key),
                        Target { values: dqueries, row: width, accumulate: key > 0 },
                    );
                    key += count_keys;
                }
                for row in 0..queries {
                    let to = shape.query_at(from + row, head);
                    store(
                        &mut dquery[to..to + head_width],
                        self.accumulate.0,
                        shape.scale,
                        &dqueries[row * width..],
                    );
                }
                from = end;
            }
            let (into, accumulate) = match &mut dkey_value {
                Some(others) => (&mut **others, self.accumulate.1),
                None => (&mut *dquery, self.accumulate.0),
            };
            for token in 0..count {
                let (k, v) = (shape.key_at(token, head), shape.value_at(token, head));
                let from = token * width;
                store(&mut into[k..k + head_width], accumulate, shape.scale, &dkeys[from..]);
                store(&mut into[v..v + head_width], accumulate, 1.0, &dvalues[from..]);
            }
        }
    }
}
