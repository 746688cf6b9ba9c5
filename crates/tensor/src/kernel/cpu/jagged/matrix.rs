//! A small matrix product for the matrices of single rows, often too few tokens for a tuned
//! GEMM's packing to pay.

use crate::kernel::put::put;

/// Rows and columns of the output that are summed in registers.
const ROWS: usize = 4;
const COLUMNS: usize = 16;

/// A matrix that is read in any direction: `(i, k)` is `values[i · row + k · column]`.
#[derive(Clone, Copy)]
pub(super) struct Strided<'a> {
    pub(super) values: &'a [f32],
    pub(super) row: usize,
    pub(super) column: usize,
}

/// `out (+)= left · right`: `[m, k] × [k, n] → [m, n]`, `right` and `out` row-major; `m` is told
/// by `out`. The sum over `k` is in order, whatever the blocks.
#[inline(always)]
pub(super) fn multiply(
    left: Strided<'_>,
    right: &[f32],
    inner: usize,
    columns: usize,
    accumulate: bool,
    out: &mut [f32],
) {
    for (block, out) in out.chunks_mut(ROWS * columns).enumerate() {
        let first = block * ROWS;
        if out.len() == ROWS * columns {
            rows::<ROWS>(left, right, inner, columns, accumulate, (first, out));
        } else {
            for (row, out) in out.chunks_mut(columns).enumerate() {
                rows::<1>(left, right, inner, columns, accumulate, (first + row, out));
            }
        }
    }
}

/// `N` rows of the output, from row `out.0`.
#[inline(always)]
fn rows<const N: usize>(
    left: Strided<'_>,
    right: &[f32],
    inner: usize,
    columns: usize,
    accumulate: bool,
    out: (usize, &mut [f32]),
) {
    let (first, out) = out;
    let whole = columns - columns % COLUMNS;
    for start in (0..whole).step_by(COLUMNS) {
        let mut sums = [[0.0f32; COLUMNS]; N];
        for k in 0..inner {
            let at = k * columns + start;
            let Some(right) = right[at..].first_chunk::<COLUMNS>() else { break };
            for (row, sums) in sums.iter_mut().enumerate() {
                let factor = left.values[(first + row) * left.row + k * left.column];
                for (sum, right) in sums.iter_mut().zip(right) {
                    *sum += factor * right;
                }
            }
        }
        for (row, sums) in sums.iter().enumerate() {
            let at = row * columns + start;
            for (slot, sum) in out[at..at + COLUMNS].iter_mut().zip(sums) {
                put(slot, *sum, accumulate);
            }
        }
    }
    for row in 0..N {
        for column in whole..columns {
            let mut sum = 0.0;
            for k in 0..inner {
                let factor = left.values[(first + row) * left.row + k * left.column];
                sum += factor * right[k * columns + column];
            }
            put(&mut out[row * columns + column], sum, accumulate);
        }
    }
}

/// `out` (`[columns, rows]`) is `values` (`[rows, columns]`) turned.
#[inline(always)]
pub(super) fn transpose(values: &[f32], columns: usize, out: &mut [f32]) {
    let rows = values.len() / columns;
    for (row, values) in values.chunks_exact(columns).enumerate() {
        for (column, value) in values.iter().enumerate() {
            out[column * rows + row] = *value;
        }
    }
}
