//! A small matrix product for the matrices of single rows, often too few tokens for a tuned
//! GEMM's packing to pay.

use crate::kernel::put::put_all;

/// Rows of the output that are summed in registers together.
const ROWS: usize = 4;
/// Columns of them; what is left of the columns is filled up with zeros to this or to half.
const COLUMNS: usize = 16;

/// A matrix that is read in any direction: `(i, k)` is `values[i · row + k · column]`.
#[derive(Clone, Copy)]
pub(super) struct Strided<'a> {
    pub(super) values: &'a [f32],
    pub(super) row: usize,
    pub(super) column: usize,
}

/// Some columns of the right side, `(k, j)` at `values[k · stride + j]`, that make the columns
/// from `first` of the output, `width` of them.
#[derive(Clone, Copy)]
struct Panel<'a> {
    values: &'a [f32],
    stride: usize,
    first: usize,
    width: usize,
}

/// Where the products go: row-major rows of `columns`.
struct Target<'a> {
    out: &'a mut [f32],
    columns: usize,
    accumulate: bool,
}

/// `out (+)= left · right`: `[m, k] × [k, n] → [m, n]`, `right` and `out` row-major; `sizes` is
/// `(k, n)`, `m` is told by `out`. Each sum over `k` is in order, whatever the blocks.
/// `scratch` is any buffer, kept to save its allocation.
#[inline(always)]
pub(super) fn multiply(
    left: Strided<'_>,
    right: &[f32],
    (inner, columns): (usize, usize),
    accumulate: bool,
    out: &mut [f32],
    scratch: &mut Vec<f32>,
) {
    let mut target = Target { out, columns, accumulate };
    let whole = columns - columns % COLUMNS;
    for first in (0..whole).step_by(COLUMNS) {
        // An empty sum reads nothing of it.
        let values = right.get(first..).unwrap_or_default();
        let panel = Panel { values, stride: columns, first, width: COLUMNS };
        all_rows::<COLUMNS>(left, panel, inner, &mut target);
    }
    let width = columns - whole;
    if width == 0 {
        return;
    }
    let stride = if width > COLUMNS / 2 { COLUMNS } else { COLUMNS / 2 };
    scratch.clear();
    scratch.resize(inner * stride, 0.0);
    for (padded, row) in scratch.chunks_exact_mut(stride).zip(right.chunks_exact(columns)) {
        for (slot, value) in padded.iter_mut().zip(&row[whole..]) {
            *slot = *value;
        }
    }
    let panel = Panel { values: scratch, stride, first: whole, width };
    if stride == COLUMNS {
        all_rows::<COLUMNS>(left, panel, inner, &mut target);
    } else {
        all_rows::<{ COLUMNS / 2 }>(left, panel, inner, &mut target);
    }
}

/// Every row of the output, `C` columns of it.
#[inline(always)]
fn all_rows<const C: usize>(
    left: Strided<'_>,
    panel: Panel<'_>,
    inner: usize,
    target: &mut Target<'_>,
) {
    let rows = target.out.len() / target.columns;
    let whole = rows - rows % ROWS;
    for row in (0..whole).step_by(ROWS) {
        some_rows::<ROWS, C>(left, panel, inner, row, target);
    }
    for row in whole..rows {
        some_rows::<1, C>(left, panel, inner, row, target);
    }
}

/// `N` rows of the output from `first`, `C` columns of them.
#[inline(always)]
fn some_rows<const N: usize, const C: usize>(
    left: Strided<'_>,
    panel: Panel<'_>,
    inner: usize,
    first: usize,
    target: &mut Target<'_>,
) {
    let mut sums = [[0.0f32; C]; N];
    for k in 0..inner {
        let right = panel.values[k * panel.stride..].first_chunk::<C>();
        let right = right.expect("a panel has a whole number of its columns in every row");
        for (row, sums) in sums.iter_mut().enumerate() {
            let factor = left.values[(first + row) * left.row + k * left.column];
            for (sum, right) in sums.iter_mut().zip(right) {
                *sum += factor * right;
            }
        }
    }
    for (row, sums) in sums.iter().enumerate() {
        let at = (first + row) * target.columns + panel.first;
        put_all(&mut target.out[at..at + panel.width], &sums[..panel.width], target.accumulate);
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
