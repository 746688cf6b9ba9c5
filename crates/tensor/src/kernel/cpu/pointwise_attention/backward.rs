//! The way back: scores again, and the gradients of values, queries, keys and biases.

use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use super::row::Row;
use super::{HEADS, KEYS, QUERIES};
use crate::buffers::Buffers;
use crate::kernel::Grad;
use crate::kernel::cpu::heads::{Columns, PAD, store};
use crate::kernel::cpu::lanes;
use crate::kernel::cpu::parts::{add_parts, split_rows};
use crate::kernel::cpu::scratch::{with_bytes, with_scratch};
use crate::kernel::cpu::tile::{Scalars, Target, Vectors, product};
use crate::kernel::reference::pointwise_attention::Inputs;
use crate::op::{EventRows, PointwiseShape, TIME_BUCKETS, Weighting};

/// As [`crate::kernel::reference::pointwise_attention::backward`].
#[allow(clippy::too_many_arguments, reason = "one argument a tensor")]
pub(crate) fn backward(
    buffers: &mut Buffers,
    shape: PointwiseShape,
    rows: &EventRows<'_>,
    inputs: Inputs<'_, f32>,
    out: &[f32],
    lse: &[f32],
    dout: &[f32],
    dx: Grad<'_, f32>,
    dposition: Option<Grad<'_, f32>>,
    dtime: Option<Grad<'_, f32>>,
) {
    let accumulate = dx.accumulate;
    let entries = dposition.as_ref().map_or(0, |position| position.values.len());
    let times = if dtime.is_some() { TIME_BUCKETS } else { 0 };
    // Each row's sums of both tables' gradients: added up in the order of rows.
    let mut partial = buffers.take(rows.offsets.rows() * (entries + times));
    partial.fill(0.0);
    let dxs = split_rows(dx.values, rows.offsets, shape.stride());
    let mut partials = partial.chunks_exact_mut((entries + times).max(1));
    let partials = std::iter::repeat_with(move || partials.next().unwrap_or_default());
    let ranges = rows.offsets.ranges().enumerate();
    let mut work: Vec<_> = ranges.zip(dxs.zip(partials)).collect();
    work.retain(|((_, range), _)| !range.is_empty());
    work.sort_by_key(|((_, range), _)| std::cmp::Reverse(range.len()));
    work.into_par_iter().with_max_len(1).for_each(|((row, range), (dx, partial))| {
        let row = Row::of(shape, rows, inputs, row, range);
        let (dposition, dtime) = partial.split_at_mut(entries);
        with_bytes(row.bucket_len(), |buckets| {
            with_scratch(backward_scratch(&row), |scratch| {
                pulp::Arch::new().dispatch(Backward {
                    row,
                    out,
                    lse,
                    dout,
                    dx,
                    accumulate,
                    dposition,
                    dtime,
                    buckets,
                    scratch,
                });
            });
        });
    });
    for (at, to) in [(0, dposition), (entries, dtime)] {
        if let Some(to) = to {
            add_parts(&partial, entries + times, at, to);
        }
    }
    buffers.give(partial);
}

fn backward_scratch(row: &Row<'_>) -> usize {
    let (n, shape) = (row.padded(), row.shape);
    let heads = shape.heads.min(HEADS);
    let queries = shape.query_width.next_multiple_of(PAD);
    let values = shape.value_width.next_multiple_of(PAD);
    heads * (n * (4 * queries + 3 * values) + QUERIES * (queries + 1)) + 4 * QUERIES * KEYS
}

struct Backward<'a> {
    row: Row<'a>,
    /// `[Σ n, heads × value_width]`
    out: &'a [f32],
    /// `[Σ n, heads]` for the softmax.
    lse: &'a [f32],
    /// `[Σ n, heads × value_width]`
    dout: &'a [f32],
    /// This row's, `[n, stride]`
    dx: &'a mut [f32],
    accumulate: bool,
    /// This row's sums, `[places]` and `[129]`; empty where not wanted.
    dposition: &'a mut [f32],
    dtime: &'a mut [f32],
    buckets: &'a mut [u8],
    scratch: &'a mut [f32],
}

/// What lies ready of one head.
#[derive(Clone, Copy)]
struct Head<'a> {
    /// `[query_width, n]`
    keys_across: &'a [f32],
    /// `[value_width, n]`
    values_across: &'a [f32],
    keys: Vectors<'a>,
    queries: Vectors<'a>,
    dout: Vectors<'a>,
}

impl WithSimd for Backward<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Backward { row, dx, accumulate, dposition, dtime, buckets, scratch, .. } = self;
        let PointwiseShape { heads: all_heads, query_width, value_width, .. } = row.shape;
        let (shape, n, count) = (row.shape, row.padded(), row.roles.count);
        let queries_width = query_width.next_multiple_of(PAD);
        let values_width = value_width.next_multiple_of(PAD);
        let (narrow, wide) = (n * queries_width, n * values_width);
        let heads_max = all_heads.min(HEADS);
        let (biases, rest) = scratch.split_at_mut(QUERIES * KEYS);
        let (dbiases, rest) = rest.split_at_mut(QUERIES * KEYS);
        let (scores, rest) = rest.split_at_mut(QUERIES * KEYS);
        let (dscores, rest) = rest.split_at_mut(QUERIES * KEYS);
        let (deltas, rest) = rest.split_at_mut(heads_max * QUERIES);
        let (dqueries, rest) = rest.split_at_mut(heads_max * QUERIES * queries_width);
        let (dkeys, rest) = rest.split_at_mut(heads_max * narrow);
        let (dvalues, copies) = rest.split_at_mut(heads_max * wide);
        let wants_biases = !dposition.is_empty() || !dtime.is_empty();
        let mut head_from = 0;
        while head_from < all_heads {
            let heads = HEADS.min(all_heads - head_from);
            let mut copies = copies.chunks_exact_mut(3 * narrow + 2 * wide);
            let ready: [Option<Head<'_>>; HEADS] = std::array::from_fn(|at| {
                let head = head_from + at;
                let copies = copies.next().filter(|_| at < heads)?;
                let (keys_across, copies) = copies.split_at_mut(narrow);
                let (key_copy, copies) = copies.split_at_mut(narrow);
                let (query_copy, copies) = copies.split_at_mut(narrow);
                let (values_across, dout_copy) = copies.split_at_mut(wide);
                let keys = row.columns(shape.key_at(row.first, head), query_width);
                let values = row.columns(shape.value_at(row.first, head), value_width);
                keys.across(shape.scale, keys_across, n);
                values.across(1.0, values_across, n);
                let dout = Columns {
                    from: self.dout,
                    at: row.first * shape.width() + head * value_width,
                    stride: shape.width(),
                    count,
                    width: value_width,
                };
                Some(Head {
                    keys_across,
                    values_across,
                    keys: keys.registers(key_copy),
                    queries: row
                        .columns(shape.query_at(row.first, head), query_width)
                        .registers(query_copy),
                    dout: dout.registers(dout_copy),
                })
            });
            dkeys.fill(0.0);
            dvalues.fill(0.0);
            let mut from = 0;
            while from < count {
                let tile = row.tile(from, buckets);
                let (queries, keys_end) = (tile.end - from, row.keys_end(from, tile.end));
                dqueries.fill(0.0);
                if shape.weighting == Weighting::Softmax {
                    for at in 0..heads * queries {
                        let (head, query) = (at / queries, at % queries);
                        let place = (row.first + from + query) * shape.width()
                            + (head_from + head) * value_width;
                        deltas[head * QUERIES + query] = lanes::dot(
                            &self.dout[place..place + value_width],
                            &self.out[place..place + value_width],
                        );
                    }
                }
                let mut key = 0;
                while key < keys_end {
                    let keys = KEYS.min(keys_end - key);
                    if !row.meets(tile, key, key + keys) {
                        key += keys;
                        continue;
                    }
                    let padded = keys.next_multiple_of(PAD);
                    row.biases(tile, key, keys, biases);
                    dbiases.fill(0.0);
                    for (at, head) in ready.iter().flatten().enumerate() {
                        scores.copy_from_slice(biases);
                        product(
                            simd,
                            (queries, padded, query_width),
                            head.queries.from(from).scalars(),
                            Vectors { values: &head.keys_across[key..], row: n },
                            Target::sum(scores, KEYS),
                        );
                        product(
                            simd,
                            (queries, padded, value_width),
                            head.dout.from(from).scalars(),
                            Vectors { values: &head.values_across[key..], row: n },
                            Target::new(dscores, KEYS),
                        );
                        for query in 0..queries {
                            let weights = &mut scores[query * KEYS..][..padded];
                            let dscores = &mut dscores[query * KEYS..][..padded];
                            match shape.weighting {
                                Weighting::Silu { length } => {
                                    let each = 1.0 / length as f32;
                                    for (weight, dscore) in
                                        weights.iter_mut().zip(dscores.iter_mut())
                                    {
                                        let (score, open) = (*weight, lanes::sigmoid(*weight));
                                        let slope = open * (1.0 + score * (1.0 - open));
                                        *weight = score * open * each;
                                        *dscore *= slope * each;
                                    }
                                }
                                Weighting::Softmax => {
                                    let token = row.first + from + query;
                                    let lse = self.lse[token * all_heads + head_from + at];
                                    let delta = deltas[at * QUERIES + query];
                                    for (weight, dscore) in
                                        weights.iter_mut().zip(dscores.iter_mut())
                                    {
                                        *weight = lanes::exp(*weight - lse);
                                        *dscore = *weight * (*dscore - delta);
                                    }
                                }
                            }
                            row.hide(from + query, key, weights, 0.0);
                            row.hide(from + query, key, dscores, 0.0);
                            if wants_biases {
                                let dbiases = &mut dbiases[query * KEYS..][..padded];
                                dbiases
                                    .iter_mut()
                                    .zip(&*dscores)
                                    .for_each(|(to, from)| *to += from);
                            }
                        }
                        product(
                            simd,
                            (keys, values_width, queries),
                            Scalars { values: scores, row: 1, column: KEYS },
                            head.dout.from(from),
                            Target::sum(
                                &mut dvalues[at * wide + key * values_width..],
                                values_width,
                            ),
                        );
                        product(
                            simd,
                            (keys, queries_width, queries),
                            Scalars { values: dscores, row: 1, column: KEYS },
                            head.queries.from(from),
                            Target::sum(
                                &mut dkeys[at * narrow + key * queries_width..],
                                queries_width,
                            ),
                        );
                        product(
                            simd,
                            (queries, queries_width, keys),
                            Scalars { values: dscores, row: KEYS, column: 1 },
                            head.keys.from(key),
                            Target::sum(
                                &mut dqueries[at * QUERIES * queries_width..],
                                queries_width,
                            ),
                        );
                    }
                    if wants_biases {
                        row.add_biases(tile, key, keys, dbiases, (dposition, dtime));
                    }
                    key += keys;
                }
                for at in 0..heads * queries {
                    let (head, query) = (at / queries, at % queries);
                    let to = shape.query_at(from + query, head_from + head);
                    let sums = &dqueries[(head * QUERIES + query) * queries_width..];
                    store(&mut dx[to..to + query_width], accumulate, shape.scale, sums);
                }
                from = tile.end;
            }
            for head in 0..heads {
                for token in 0..count {
                    let k = shape.key_at(token, head_from + head);
                    let v = shape.value_at(token, head_from + head);
                    let dkeys = &dkeys[head * narrow + token * queries_width..];
                    let dvalues = &dvalues[head * wide + token * values_width..];
                    store(&mut dx[k..k + query_width], accumulate, shape.scale, dkeys);
                    store(&mut dx[v..v + value_width], accumulate, 1.0, dvalues);
                }
            }
            head_from += heads;
        }
    }
}
