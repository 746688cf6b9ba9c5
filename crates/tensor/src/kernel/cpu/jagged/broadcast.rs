//! A jagged tensor and one dense vector per row.

use super::columns::Columns;
use super::tasks::{cut_rows, cut_tokens, each, row_runs, rows_of, step, token_runs};
use crate::jagged::Offsets;
use crate::kernel::pair::{Pair, PairMut};
use crate::kernel::put::{put, put_all};

pub(crate) fn broadcast_add(
    operands: Pair<'_>,
    width: usize,
    offsets: &Offsets,
    out: &mut [f32],
) {
    broadcast(
        operands,
        width,
        offsets,
        out,
        #[inline(always)]
        |value, dense| value + dense,
    );
}

pub(crate) fn broadcast_multiply(
    operands: Pair<'_>,
    width: usize,
    offsets: &Offsets,
    out: &mut [f32],
) {
    broadcast(
        operands,
        width,
        offsets,
        out,
        #[inline(always)]
        |value, dense| value * dense,
    );
}

pub(crate) fn broadcast_add_backward(
    gradient: &[f32],
    width: usize,
    offsets: &Offsets,
    accumulate: bool,
    gradients: PairMut<'_>,
) {
    let runs = row_runs(offsets, width);
    let left = cut_tokens(gradients.left, &runs, offsets, width);
    let right = cut_rows(gradients.right, &runs, width);
    each(
        runs.into_iter().zip(left.into_iter().zip(right)).collect(),
        #[inline(always)]
        |(rows, (left, right))| {
            let mut sum = Columns::new(width);
            let first = offsets.range(rows.start).start;
            for (row, right) in rows.zip(right.chunks_exact_mut(width)) {
                let tokens = offsets.range(row);
                let gradient = &gradient[tokens.start * width..tokens.end * width];
                let left =
                    &mut left[(tokens.start - first) * width..(tokens.end - first) * width];
                put_all(left, gradient, accumulate);
                sum.reduce(
                    gradient,
                    0.0,
                    #[inline(always)]
                    |sum, value| sum + value,
                );
                put_all(right, sum.columns(), accumulate);
            }
        },
    );
}

pub(crate) fn broadcast_multiply_backward(
    operands: Pair<'_>,
    gradient: &[f32],
    width: usize,
    offsets: &Offsets,
    accumulate: bool,
    gradients: PairMut<'_>,
) {
    let runs = row_runs(offsets, width);
    let left = cut_tokens(gradients.left, &runs, offsets, width);
    let right = cut_rows(gradients.right, &runs, width);
    each(
        runs.into_iter().zip(left.into_iter().zip(right)).collect(),
        #[inline(always)]
        |(rows, (left, right))| {
            let mut numbers = Columns::new(width);
            let first = offsets.range(rows.start).start;
            for (row, right) in rows.zip(right.chunks_exact_mut(width)) {
                let tokens = offsets.range(row);
                let values = tokens.start * width..tokens.end * width;
                let gradient = &gradient[values.clone()];
                let left =
                    &mut left[(tokens.start - first) * width..(tokens.end - first) * width];
                numbers.set(&operands.right[row * width..(row + 1) * width]);
                numbers.map(
                    gradient,
                    left,
                    #[inline(always)]
                    |slot, gradient, dense| put(slot, gradient * dense, accumulate),
                );
                numbers.sum_products(gradient, &operands.left[values]);
                put_all(right, numbers.columns(), accumulate);
            }
        },
    );
}

/// `out[t] = of(left[t], right[b])`.
fn broadcast(
    operands: Pair<'_>,
    width: usize,
    offsets: &Offsets,
    out: &mut [f32],
    of: impl Fn(f32, f32) -> f32 + Sync,
) {
    each(
        token_runs(out, width, step(width)),
        #[inline(always)]
        |(tokens, out)| {
            let mut dense = Columns::new(width);
            let first = tokens.start;
            for (row, tokens) in rows_of(offsets, tokens) {
                dense.set(&operands.right[row * width..(row + 1) * width]);
                dense.map(
                    &operands.left[tokens.start * width..tokens.end * width],
                    &mut out[(tokens.start - first) * width..(tokens.end - first) * width],
                    #[inline(always)]
                    |slot, value, dense| *slot = of(value, dense),
                );
            }
        },
    );
}
