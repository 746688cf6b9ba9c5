//! Matrix products row by row of the jagged tensor.

use super::matrix::{Strided, multiply, transpose};
use super::tasks::{cut_rows, each, row_runs, rows_of, step, token_runs};
use crate::jagged::Offsets;
use crate::kernel::pair::{Pair, PairMut};

/// Multiplications that cost about what a value that is read and written does.
const PRODUCTS_PER_VALUE: usize = 8;

pub(crate) fn dense_product(
    operands: Pair<'_>,
    widths: (usize, usize),
    offsets: &Offsets,
    out: &mut [f32],
) {
    by_matrix(operands.left, operands.right, widths, offsets, false, out);
}

pub(crate) fn dense_product_backward(
    operands: Pair<'_>,
    gradient: &[f32],
    widths: (usize, usize),
    offsets: &Offsets,
    accumulate: bool,
    gradients: PairMut<'_>,
) {
    by_turned_matrix(gradient, operands.right, widths, offsets, accumulate, gradients.left);
    let tokens = Pair { left: operands.left, right: gradient };
    over_tokens(tokens, widths, offsets, accumulate, gradients.right);
}

pub(crate) fn jagged_product(
    operands: Pair<'_>,
    widths: (usize, usize),
    offsets: &Offsets,
    out: &mut [f32],
) {
    over_tokens(operands, widths, offsets, false, out);
}

pub(crate) fn jagged_product_backward(
    operands: Pair<'_>,
    gradient: &[f32],
    widths: (usize, usize),
    offsets: &Offsets,
    accumulate: bool,
    gradients: PairMut<'_>,
) {
    by_turned_matrix(operands.right, gradient, widths, offsets, accumulate, gradients.left);
    by_matrix(operands.left, gradient, widths, offsets, accumulate, gradients.right);
}

/// `out_b (+)= values_b · matrix_b`: `[Σn, d] × [B, d, e] → [Σn, e]`.
fn by_matrix(
    values: &[f32],
    matrices: &[f32],
    (inner, outer): (usize, usize),
    offsets: &Offsets,
    accumulate: bool,
    out: &mut [f32],
) {
    let cost = (inner * outer).div_ceil(PRODUCTS_PER_VALUE);
    each(
        token_runs(out, outer, step(cost)),
        #[inline(always)]
        |(tokens, out)| {
            let mut scratch = Vec::new();
            let first = tokens.start;
            for (row, tokens) in rows_of(offsets, tokens) {
                multiply(
                    Strided { values: &values[tokens.start * inner..], row: inner, column: 1 },
                    &matrices[row * inner * outer..(row + 1) * inner * outer],
                    (inner, outer),
                    accumulate,
                    &mut out[(tokens.start - first) * outer..(tokens.end - first) * outer],
                    &mut scratch,
                );
            }
        },
    );
}

/// `out_b (+)= values_b · matrix_bᵀ`: `[Σn, e] × [B, d, e] → [Σn, d]`.
fn by_turned_matrix(
    values: &[f32],
    matrices: &[f32],
    (inner, outer): (usize, usize),
    offsets: &Offsets,
    accumulate: bool,
    out: &mut [f32],
) {
    // A task turns the matrix of each row that it touches: long tasks, so that this is rare.
    let tokens = step((inner * outer).div_ceil(PRODUCTS_PER_VALUE)).max(32);
    each(
        token_runs(out, inner, tokens),
        #[inline(always)]
        |(tokens, out)| {
            let mut scratch = Vec::new();
            let first = tokens.start;
            let mut turned = vec![0.0; inner * outer];
            for (row, tokens) in rows_of(offsets, tokens) {
                let matrix = &matrices[row * inner * outer..(row + 1) * inner * outer];
                transpose(matrix, outer, &mut turned);
                multiply(
                    Strided { values: &values[tokens.start * outer..], row: outer, column: 1 },
                    &turned,
                    (outer, inner),
                    accumulate,
                    &mut out[(tokens.start - first) * inner..(tokens.end - first) * inner],
                    &mut scratch,
                );
            }
        },
    );
}

/// `out_b (+)= left_bᵀ · right_b`: `[Σn, d] × [Σn, e] → [B, d, e]`.
fn over_tokens(
    operands: Pair<'_>,
    (inner, outer): (usize, usize),
    offsets: &Offsets,
    accumulate: bool,
    out: &mut [f32],
) {
    let runs = row_runs(offsets, (inner * outer).div_ceil(PRODUCTS_PER_VALUE));
    let out = cut_rows(out, &runs, inner * outer);
    each(
        runs.into_iter().zip(out).collect(),
        #[inline(always)]
        |(rows, out)| {
            let mut scratch = Vec::new();
            for (row, out) in rows.zip(out.chunks_exact_mut(inner * outer)) {
                let tokens = offsets.range(row);
                let left = &operands.left[tokens.start * inner..tokens.end * inner];
                multiply(
                    Strided { values: left, row: 1, column: inner },
                    &operands.right[tokens.start * outer..tokens.end * outer],
                    (tokens.len(), outer),
                    accumulate,
                    out,
                    &mut scratch,
                );
            }
        },
    );
}
