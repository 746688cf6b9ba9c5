//! Attention with SiLU weights and biases over rows of events, tile by tile.
//!
//! As in [`super::attention`] a row is one piece of work and its scores are computed again on the
//! way back. The biases of a tile are looked up once for several heads, and so are their
//! gradients added up: each row has its own sums, joined in the order of rows.

use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use super::attention::soften;
use super::heads::{Columns, PAD, store};
use super::lanes;
use super::parts::{add_parts, split_rows};
use super::scratch::{with_bytes, with_scratch};
use super::tile::{Scalars, Target, Vectors, product};
use crate::buffers::Buffers;
use crate::kernel::Grad;
use crate::kernel::reference::pointwise_attention::Inputs;
use crate::op::event_rows::RowRoles;
use crate::op::time_bucket::time_buckets;
use crate::op::{EventRows, PointwiseShape, TIME_BUCKETS, Weighting};

/// Queries of a tile.
const QUERIES: usize = 32;
/// Keys of a block: its scores fit the first-level cache with the values they weigh.
const KEYS: usize = 64;
/// Heads that share the biases of a tile. More would want more memory, as keys and values of all
/// of them lie ready.
const HEADS: usize = 4;

/// A row of events as a kernel takes it.
#[derive(Clone, Copy)]
struct Row<'a> {
    shape: PointwiseShape,
    inputs: Inputs<'a, f32>,
    roles: RowRoles,
    /// First token of the row, among all.
    first: usize,
    /// Of this row's tokens.
    asked_at: &'a [i64],
    happened_at: &'a [i64],
}

/// Queries `from..end` of a row, and the bucket of each pair of them and a key, `[queries, n]`.
#[derive(Clone, Copy)]
struct Tile<'a> {
    from: usize,
    end: usize,
    buckets: &'a [u8],
}

impl<'a> Row<'a> {
    fn of(
        shape: PointwiseShape,
        rows: &EventRows<'a>,
        inputs: Inputs<'a, f32>,
        row: usize,
        range: std::ops::Range<usize>,
    ) -> Row<'a> {
        Row {
            shape,
            inputs,
            roles: rows.roles(row, range.len()),
            first: range.start,
            asked_at: &rows.asked_at[range.clone()],
            happened_at: &rows.happened_at[range],
        }
    }

    /// Tokens, padded.
    fn padded(&self) -> usize {
        self.roles.count.next_multiple_of(PAD)
    }

    /// Columns of a head, of this row's tokens, that begin at `at`.
    #[inline(always)]
    fn columns(&self, at: usize, width: usize) -> Columns<'a> {
        let (stride, count) = (self.shape.stride(), self.roles.count);
        Columns { from: self.inputs.x, at, stride, count, width }
    }

    /// Bytes of the buckets of a tile.
    fn bucket_len(&self) -> usize {
        if self.inputs.time.is_some() { QUERIES * self.roles.count } else { 0 }
    }

    /// The tile of queries that begins at `from`.
    #[inline(always)]
    fn tile<'b>(&self, from: usize, buckets: &'b mut [u8]) -> Tile<'b> {
        let end = (from + QUERIES).min(self.roles.count);
        if self.inputs.time.is_some() {
            let count = self.roles.count;
            let keys = self.keys_end(from, end);
            for (query, buckets) in (from..end).zip(buckets.chunks_exact_mut(count)) {
                let to = &mut buckets[..keys];
                time_buckets(self.asked_at[query], &self.happened_at[..keys], to);
            }
        }
        Tile { from, end, buckets }
    }

    /// No query of a tile sees a key from here on.
    #[inline(always)]
    fn keys_end(&self, from: usize, end: usize) -> usize {
        if from < self.roles.context { end.max(self.roles.context) } else { end }
    }

    /// Whether a query of a tile sees a key of `keys..keys_end`, most likely.
    #[inline(always)]
    fn meets(&self, tile: Tile<'_>, keys: usize, keys_end: usize) -> bool {
        let RowRoles { context, events_end, .. } = self.roles;
        let first = self.roles.events_seen(tile.from.max(context)).start;
        let end = self.roles.events_seen(tile.end - 1).end;
        keys < context
            || (keys < end && keys_end > first)
            || (tile.end > events_end && keys < tile.end && keys_end > tile.from)
    }

    /// The biases of a tile's queries for `keys` keys from `key` on, `[queries, KEYS]`; padding 0.
    #[inline(always)]
    fn biases(&self, tile: Tile<'_>, key: usize, keys: usize, biases: &mut [f32]) {
        let padded = keys.next_multiple_of(PAD);
        for (at, query) in (tile.from..tile.end).enumerate() {
            let biases = &mut biases[at * KEYS..][..padded];
            match self.inputs.position {
                None => biases.fill(0.0),
                Some(table) => {
                    let (before, entry) = self.placed(query, key, keys, table.len());
                    biases[..before].copy_from_slice(&table[entry..][..before]);
                    biases[before..keys].fill(table[table.len() - 1]);
                    biases[keys..].fill(0.0);
                }
            }
            if let Some(table) = self.inputs.time {
                let table: &[f32; TIME_BUCKETS] = table.try_into().unwrap_or(&NO_TIMES);
                let buckets = &tile.buckets[at * self.roles.count + key..][..keys];
                for (bias, bucket) in biases.iter_mut().zip(buckets) {
                    *bias += table[usize::from(*bucket).min(TIME_BUCKETS - 1)];
                }
            }
        }
    }

    /// Of keys from `key` on: how many stand before or at the query's place, and the entry of the
    /// first in a table of `entries`. The others have the last entry.
    #[inline(always)]
    fn placed(&self, query: usize, key: usize, keys: usize, entries: usize) -> (usize, usize) {
        let place = self.roles.place(query);
        let before = (place + 1).saturating_sub(key).min(keys);
        if before == 0 { (0, 0) } else { (before, entries - 1 - place + key) }
    }

    /// Adds the gradients of a tile's biases to the tables'.
    #[inline(always)]
    fn add_biases(
        &self,
        tile: Tile<'_>,
        key: usize,
        keys: usize,
        dbiases: &[f32],
        (dposition, dtime): (&mut [f32], &mut [f32]),
    ) {
        for (at, query) in (tile.from..tile.end).enumerate() {
            let dbiases = &dbiases[at * KEYS..][..keys];
            if !dposition.is_empty() {
                let entries = dposition.len();
                let (before, entry) = self.placed(query, key, keys, entries);
                let to = &mut dposition[entry..][..before];
                to.iter_mut().zip(dbiases).for_each(|(to, from)| *to += from);
                dposition[entries - 1] += lanes::sum(&dbiases[before..]);
            }
            if let Ok(dtime) = <&mut [f32; TIME_BUCKETS]>::try_from(&mut *dtime) {
                let buckets = &tile.buckets[at * self.roles.count + key..][..keys];
                for (dbias, bucket) in dbiases.iter().zip(buckets) {
                    dtime[usize::from(*bucket).min(TIME_BUCKETS - 1)] += dbias;
                }
            }
        }
    }

    /// Sets what `query` does not see, of keys from `key` on, to `value`.
    #[inline(always)]
    fn hide(&self, query: usize, key: usize, of_keys: &mut [f32], value: f32) {
        let RowRoles { context, events_end, .. } = self.roles;
        let within = |place: usize| place.saturating_sub(key).min(of_keys.len());
        let seen = self.roles.events_seen(query);
        let (from, first, end) = (within(context), within(seen.start), within(seen.end));
        let own = (query >= events_end && query >= key && query - key < of_keys.len())
            .then(|| (query - key, of_keys[query - key]));
        if first > from {
            of_keys[from..first].fill(value);
        }
        of_keys[end.max(from)..].fill(value);
        if let Some((place, kept)) = own {
            of_keys[place] = kept;
        }
    }
}

static NO_TIMES: [f32; TIME_BUCKETS] = [0.0; TIME_BUCKETS];

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
                            Target { values: scores, row: KEYS, accumulate: true },
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
                            Target {
                                values: &mut sums[head * QUERIES * width..],
                                row: width,
                                accumulate: true,
                            },
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
                            Target { values: scores, row: KEYS, accumulate: true },
                        );
                        product(
                            simd,
                            (queries, padded, value_width),
                            head.dout.from(from).scalars(),
                            Vectors { values: &head.values_across[key..], row: n },
                            Target { values: dscores, row: KEYS, accumulate: false },
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
                            Target {
                                values: &mut dvalues[at * wide + key * values_width..],
                                row: values_width,
                                accumulate: true,
                            },
                        );
                        product(
                            simd,
                            (keys, queries_width, queries),
                            Scalars { values: dscores, row: 1, column: KEYS },
                            head.queries.from(from),
                            Target {
                                values: &mut dkeys[at * narrow + key * queries_width..],
                                row: queries_width,
                                accumulate: true,
                            },
                        );
                        product(
                            simd,
                            (queries, queries_width, keys),
                            Scalars { values: dscores, row: KEYS, column: 1 },
                            head.keys.from(key),
                            Target {
                                values: &mut dqueries[at * QUERIES * queries_width..],
                                row: queries_width,
                                accumulate: true,
                            },
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
