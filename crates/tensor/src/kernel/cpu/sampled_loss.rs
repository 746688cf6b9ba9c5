//! A positive against negatives. The loss and its gradients are made in one pass: a chunk of
//! tokens has its scores computed by one product, turned into gradients where they lie, and
//! multiplied back, before the next chunk is looked at. No matrix of all scores exists.

mod contrast;

use rayon::prelude::*;

use super::grouped::Grouped;
use super::lanes::{self, simd};
use super::matmul::{Size, View, product};
use super::parts::{add_parts, chunk_rows_of, part_rows, parts};
use super::scratch::with_scratch;
use crate::Offsets;
use crate::buffers::Buffers;
use crate::kernel::Grad;
use crate::meter::Meter;
use crate::op::{Negatives, SampledShape};
use contrast::{Token, contrast};

/// Scores of a chunk at most: they stay in the second-level cache.
const CHUNK_SCORES: usize = 128 * 1024;

/// As [`crate::kernel::reference::sampled_loss::forward`].
pub(crate) fn forward(
    meter: &Meter,
    buffers: &mut Buffers,
    shape: &SampledShape<'_>,
    hidden: &[f32],
    items: &[f32],
    dhidden: &mut [f32],
    ditems: &mut [f32],
) -> f32 {
    let width = shape.width;
    let tokens = shape.positives.len();
    ditems.par_chunks_mut(1 << 16).for_each(|chunk| chunk.fill(0.0));
    if tokens == 0 {
        return 0.0;
    }
    let mut dpositive = buffers.take(tokens);
    let losses = match shape.negatives {
        Negatives::Shared { items: list } => {
            shared(meter, buffers, shape, list, hidden, items, dhidden, &mut dpositive, ditems)
        }
        Negatives::PerRow { offsets, count, items: list } => per_row(
            meter,
            buffers,
            shape,
            (offsets, count, list),
            hidden,
            items,
            dhidden,
            &mut dpositive,
            ditems,
        ),
        Negatives::PerToken { count, items: list } => {
            // Scores, and the gradients of both sides: no product, but as much arithmetic.
            meter.note(6 * (tokens * count) as u64 * width as u64);
            per_token(
                buffers,
                shape,
                (count, list),
                hidden,
                items,
                dhidden,
                &mut dpositive,
                ditems,
            )
        }
    };
    // What the positives themselves are told.
    let grouped = Grouped::new(shape.positives, ditems.len() / width);
    grouped.each(width, ditems, |sum, token| {
        lanes::add_multiple(sum, dpositive[token], &hidden[token * width..][..width]);
    });
    buffers.give(dpositive);
    (losses / tokens as f64) as f32
}

/// Turns the scores `[tokens, n]` of a chunk into their gradients and starts the gradients of the
/// hidden states with the positives' share; gives the sum of losses.
#[inline(always)]
#[allow(clippy::too_many_arguments, reason = "a chunk of each tensor")]
fn contrast_chunk(
    shape: &SampledShape<'_>,
    first: usize,
    negatives: impl Fn(usize) -> (usize, usize),
    hidden: &[f32],
    items: &[f32],
    scores: &mut [f32],
    dhidden: &mut [f32],
    dpositive: &mut [f32],
) -> f64 {
    let width = shape.width;
    let each = shape.scale / shape.positives.len() as f32;
    let list = shape.negatives.items();
    let count = shape.negatives.count();
    let mut losses = 0.0;
    for (at, dpositive) in dpositive.iter_mut().enumerate() {
        let token = first + at;
        let positive = shape.positives[token];
        let own = &items[positive as usize * width..][..width];
        let h = &hidden[at * width..][..width];
        let (from, to) = negatives(token);
        let token = Token {
            positive,
            score: shape.scale * lanes::dot(h, own),
            log_q: shape.positive_log_q.map_or(0.0, |log_q| log_q[token]),
            negatives: &list[from..to],
            negative_log_q: shape.negative_log_q.map(|log_q| &log_q[from..to]),
        };
        let scores = &mut scores[at * count..][..count];
        let (loss, slope) = contrast(shape.contrast, shape.scale, &token, scores, each);
        losses += loss;
        *dpositive = slope;
        let to = &mut dhidden[at * width..][..width];
        to.iter_mut().zip(own).for_each(|(to, own)| *to = slope * *own);
    }
    losses
}

/// The rows of `list`, one after the other.
fn take_rows(items: &[f32], width: usize, list: &[u32], rows: &mut [f32]) {
    for (to, item) in rows.chunks_exact_mut(width).zip(list) {
        to.copy_from_slice(&items[*item as usize * width..][..width]);
    }
}

/// Adds the sums of a list's places, `[list, width]`, to the items that stand there: an item may
/// be listed more than once.
fn give_rows(sums: &[f32], width: usize, list: &[u32], ditems: &mut [f32]) {
    Grouped::new(list, ditems.len() / width).each(width, ditems, |sum, place| {
        lanes::add_multiple(sum, 1.0, &sums[place * width..][..width]);
    });
}

/// Tokens that share a list of negatives.
struct Sharing<'s> {
    /// The first of the tokens.
    first: usize,
    /// Where their list begins and ends among all.
    list: (usize, usize),
    /// The rows of the list, `[n, width]`.
    rows: &'s [f32],
}

/// Tokens a chunk, where `tokens` share a list of `count`.
fn chunk_tokens(tokens: usize, count: usize) -> usize {
    chunk_rows_of(tokens, (CHUNK_SCORES / count.max(1)).max(16))
}

/// Scores, their gradients and both products back, chunk by chunk; `scores` holds a chunk's.
/// Writes the gradients of the hidden states, of the positives' products and of the list's rows;
/// gives the sum of losses.
#[allow(clippy::too_many_arguments, reason = "one argument a tensor")]
fn against_list(
    meter: &Meter,
    shape: &SampledShape<'_>,
    sharing: &Sharing<'_>,
    hidden: &[f32],
    items: &[f32],
    scores: &mut [f32],
    dhidden: &mut [f32],
    dpositive: &mut [f32],
    drows: &mut [f32],
) -> f64 {
    let (width, count) = (shape.width, shape.negatives.count());
    let chunk = chunk_tokens(dpositive.len(), count);
    let negatives = View::rows(sharing.rows, width);
    let mut losses = 0.0;
    let chunks = dhidden.chunks_mut(chunk * width).zip(dpositive.chunks_mut(chunk));
    for (at, (dhidden, dpositive)) in chunks.enumerate() {
        let first = sharing.first + at * chunk;
        let m = dpositive.len();
        let hidden = &hidden[first * width..][..m * width];
        let scores = &mut scores[..m * count];
        let h = View::rows(hidden, width);
        let size = Size { m, n: count, k: width };
        product(meter, size, h, negatives.transposed(), scores, false);
        let list = sharing.list;
        losses += simd(
            #[inline(always)]
            || {
                contrast_chunk(
                    shape,
                    first,
                    |_| list,
                    hidden,
                    items,
                    scores,
                    dhidden,
                    dpositive,
                )
            },
        );
        let dscores = View::rows(scores, count);
        let size = Size { m, n: width, k: count };
        product(meter, size, dscores, negatives, dhidden, true);
        let size = Size { m: count, n: width, k: m };
        product(meter, size, dscores.transposed(), h, drows, at > 0);
    }
    losses
}

#[allow(clippy::too_many_arguments, reason = "one argument a tensor")]
fn shared(
    meter: &Meter,
    buffers: &mut Buffers,
    shape: &SampledShape<'_>,
    list: &[u32],
    hidden: &[f32],
    items: &[f32],
    dhidden: &mut [f32],
    dpositive: &mut [f32],
    ditems: &mut [f32],
) -> f64 {
    let (width, count, tokens) = (shape.width, list.len(), shape.positives.len());
    let mut rows = buffers.take(count * width);
    take_rows(items, width, list, &mut rows);
    let rows_a_part = part_rows(tokens);
    let stride = count * width;
    // A number a part where the list is empty: parts are counted by it.
    let mut partial = buffers.take(parts(tokens) * stride.max(1));
    let losses: Vec<f64> = dhidden
        .par_chunks_mut(rows_a_part * width)
        .zip(dpositive.par_chunks_mut(rows_a_part))
        .zip(partial.par_chunks_mut(stride.max(1)))
        .enumerate()
        .map(|(part, ((dhidden, dpositive), partial))| {
            let first = part * rows_a_part;
            let sharing = Sharing { first, list: (0, count), rows: &rows };
            with_scratch(chunk_tokens(dpositive.len(), count) * count, |scores| {
                against_list(
                    meter, shape, &sharing, hidden, items, scores, dhidden, dpositive, partial,
                )
            })
        })
        .collect();
    if count > 0 {
        let mut sums = buffers.take(stride);
        add_parts(&partial, stride, 0, Grad::fresh(&mut sums));
        give_rows(&sums, width, list, ditems);
        buffers.give(sums);
    }
    buffers.give(partial);
    buffers.give(rows);
    losses.iter().sum()
}

#[allow(clippy::too_many_arguments, reason = "one argument a tensor")]
fn per_row(
    meter: &Meter,
    buffers: &mut Buffers,
    shape: &SampledShape<'_>,
    (offsets, count, list): (&Offsets, usize, &[u32]),
    hidden: &[f32],
    items: &[f32],
    dhidden: &mut [f32],
    dpositive: &mut [f32],
    ditems: &mut [f32],
) -> f64 {
    let width = shape.width;
    let mut sums = buffers.take(list.len() * width);
    let work = |row: usize, dhidden: &mut [f32], dpositive: &mut [f32], sums: &mut [f32]| {
        let range = offsets.range(row);
        if range.is_empty() {
            sums.fill(0.0);
            return 0.0;
        }
        let bounds = (row * count, (row + 1) * count);
        let len = count * width + chunk_tokens(range.len(), count) * count;
        with_scratch(len, |scratch| {
            let (rows, scores) = scratch.split_at_mut(count * width);
            take_rows(items, width, &list[bounds.0..bounds.1], rows);
            let sharing = Sharing { first: range.start, list: bounds, rows };
            against_list(
                meter, shape, &sharing, hidden, items, scores, dhidden, dpositive, sums,
            )
        })
    };
    let slices: Vec<_> = super::parts::split_rows(dhidden, offsets, width)
        .zip(super::parts::split_rows(dpositive, offsets, 1))
        .collect();
    let losses: Vec<f64> = if count == 0 {
        let none = &mut [];
        slices
            .into_iter()
            .enumerate()
            .map(|(row, (dhidden, dpositive))| work(row, dhidden, dpositive, none))
            .collect()
    } else {
        slices
            .into_par_iter()
            .zip(sums.par_chunks_mut(count * width))
            .enumerate()
            .map(|(row, ((dhidden, dpositive), sums))| work(row, dhidden, dpositive, sums))
            .collect()
    };
    give_rows(&sums, width, list, ditems);
    buffers.give(sums);
    losses.iter().sum()
}

#[allow(clippy::too_many_arguments, reason = "one argument a tensor")]
fn per_token(
    buffers: &mut Buffers,
    shape: &SampledShape<'_>,
    (count, list): (usize, &[u32]),
    hidden: &[f32],
    items: &[f32],
    dhidden: &mut [f32],
    dpositive: &mut [f32],
    ditems: &mut [f32],
) -> f64 {
    const TOKENS: usize = 64;
    let width = shape.width;
    let mut slopes = buffers.take(list.len());
    let work =
        |chunk: usize, dhidden: &mut [f32], dpositive: &mut [f32], slopes: &mut [f32]| {
            let first = chunk * TOKENS;
            let hidden = &hidden[first * width..][..dhidden.len()];
            simd(
                #[inline(always)]
                || {
                    for (at, h) in hidden.chunks_exact(width).enumerate() {
                        let token = first + at;
                        let list = &list[token * count..][..count];
                        for (score, item) in slopes[at * count..][..count].iter_mut().zip(list)
                        {
                            *score = lanes::dot(h, &items[*item as usize * width..][..width]);
                        }
                    }
                    let bounds = |token: usize| (token * count, (token + 1) * count);
                    let losses = contrast_chunk(
                        shape, first, bounds, hidden, items, slopes, dhidden, dpositive,
                    );
                    for (at, to) in dhidden.chunks_exact_mut(width).enumerate() {
                        let list = &list[(first + at) * count..][..count];
                        for (slope, item) in slopes[at * count..][..count].iter().zip(list) {
                            lanes::add_multiple(
                                to,
                                *slope,
                                &items[*item as usize * width..][..width],
                            );
                        }
                    }
                    losses
                },
            )
        };
    let cut = dhidden.par_chunks_mut(TOKENS * width).zip(dpositive.par_chunks_mut(TOKENS));
    let losses: Vec<f64> = if count == 0 {
        cut.enumerate().map(|(chunk, (h, p))| work(chunk, h, p, &mut [])).collect()
    } else {
        cut.zip(slopes.par_chunks_mut(TOKENS * count))
            .enumerate()
            .map(|(chunk, ((h, p), slopes))| work(chunk, h, p, slopes))
            .collect()
    };
    if count > 0 {
        Grouped::new(list, ditems.len() / width).each(width, ditems, |sum, place| {
            let token = place / count;
            lanes::add_multiple(sum, slopes[place], &hidden[token * width..][..width]);
        });
    }
    buffers.give(slopes);
    losses.iter().sum()
}
