//! One vector for each row.

use super::columns::Columns;
use super::tasks::{cut_rows, cut_tokens, each, row_runs, rows_of, step, token_runs};
use crate::jagged::Offsets;
use crate::kernel::put::put;

pub(crate) fn segment_sum(values: &[f32], width: usize, offsets: &Offsets, out: &mut [f32]) {
    sum(
        values,
        width,
        offsets,
        out,
        #[inline(always)]
        |_| 1.0,
    );
}

pub(crate) fn segment_sum_backward(
    gradient: &[f32],
    width: usize,
    offsets: &Offsets,
    accumulate: bool,
    values_gradient: &mut [f32],
) {
    spread(
        gradient,
        width,
        offsets,
        accumulate,
        values_gradient,
        #[inline(always)]
        |_| 1.0,
    );
}

pub(crate) fn segment_mean(values: &[f32], width: usize, offsets: &Offsets, out: &mut [f32]) {
    sum(values, width, offsets, out, share);
}

pub(crate) fn segment_mean_backward(
    gradient: &[f32],
    width: usize,
    offsets: &Offsets,
    accumulate: bool,
    values_gradient: &mut [f32],
) {
    spread(gradient, width, offsets, accumulate, values_gradient, share);
}

/// What one token of `length` weighs in their mean.
#[inline(always)]
fn share(length: usize) -> f32 {
    if length == 0 { 0.0 } else { 1.0 / length as f32 }
}

/// `out[b] = scale(n) · Σ values`.
fn sum(
    values: &[f32],
    width: usize,
    offsets: &Offsets,
    out: &mut [f32],
    scale: impl Fn(usize) -> f32 + Sync,
) {
    let runs = row_runs(offsets, width);
    let out = cut_rows(out, &runs, width);
    each(
        runs.into_iter().zip(out).collect(),
        #[inline(always)]
        |(rows, out)| {
            let mut sum = Columns::new(width);
            for (row, out) in rows.zip(out.chunks_exact_mut(width)) {
                let tokens = offsets.range(row);
                let scale = scale(tokens.len());
                let values = &values[tokens.start * width..tokens.end * width];
                sum.reduce(
                    values,
                    0.0,
                    #[inline(always)]
                    |sum, value| sum + value,
                );
                for (slot, sum) in out.iter_mut().zip(sum.columns()) {
                    *slot = sum * scale;
                }
            }
        },
    );
}

/// `values_gradient[t] (+)= scale(n) · gradient[b]`.
fn spread(
    gradient: &[f32],
    width: usize,
    offsets: &Offsets,
    accumulate: bool,
    values_gradient: &mut [f32],
    scale: impl Fn(usize) -> f32 + Sync,
) {
    each(
        token_runs(values_gradient, width, step(width)),
        #[inline(always)]
        |(tokens, out)| {
            let mut numbers = Columns::new(width);
            let first = tokens.start;
            for (row, tokens) in rows_of(offsets, tokens) {
                let scale = scale(offsets.length(row));
                numbers.set(&gradient[row * width..(row + 1) * width]);
                numbers.apply(
                    #[inline(always)]
                    |value| value * scale,
                );
                numbers.spread(
                    &mut out[(tokens.start - first) * width..(tokens.end - first) * width],
                    #[inline(always)]
                    |slot, value| put(slot, value, accumulate),
                );
            }
        },
    );
}

pub(crate) fn segment_max(
    values: &[f32],
    width: usize,
    offsets: &Offsets,
    out: &mut [f32],
    tokens: &mut [u32],
) {
    let runs = row_runs(offsets, width);
    let out = cut_rows(out, &runs, width);
    let tokens = cut_rows(tokens, &runs, width);
    each(
        runs.into_iter().zip(out.into_iter().zip(tokens)).collect(),
        #[inline(always)]
        |(rows, (out, tokens))| {
            out.fill(0.0);
            tokens.fill(u32::MAX);
            let rows =
                rows.zip(out.chunks_exact_mut(width).zip(tokens.chunks_exact_mut(width)));
            for (row, (out, tokens)) in rows {
                let mut range = offsets.range(row);
                if let Some(first) = range.next() {
                    out.copy_from_slice(&values[first * width..(first + 1) * width]);
                    tokens.fill(first as u32);
                }
                for token in range {
                    let values = &values[token * width..(token + 1) * width];
                    for ((value, best), at) in values.iter().zip(&mut *out).zip(&mut *tokens) {
                        // A NaN takes any number's place and keeps it.
                        let better = *value > *best || (value.is_nan() & !best.is_nan());
                        *best = if better { *value } else { *best };
                        *at = if better { token as u32 } else { *at };
                    }
                }
            }
        },
    );
}

pub(crate) fn segment_max_backward(
    tokens: &[u32],
    gradient: &[f32],
    width: usize,
    offsets: &Offsets,
    accumulate: bool,
    values_gradient: &mut [f32],
) {
    let runs = row_runs(offsets, width);
    let pieces = cut_tokens(values_gradient, &runs, offsets, width);
    each(
        runs.into_iter().zip(pieces).collect(),
        #[inline(always)]
        |(rows, piece)| {
            if !accumulate {
                piece.fill(0.0);
            }
            let first = offsets.range(rows.start).start;
            for at in rows.start * width..rows.end * width {
                if tokens[at] != u32::MAX {
                    let token = tokens[at] as usize - first;
                    piece[token * width + at % width] += gradient[at];
                }
            }
        },
    );
}
