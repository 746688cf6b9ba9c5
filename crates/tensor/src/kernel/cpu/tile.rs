//! Small matrix products within attention, in registers: `c (+)= a b` where `a` is read number
//! by number and `b` and `c` in whole SIMD registers. No packing, so tiles of 32 rows pay.
//!
//! The pointers below stay within what four assertions bound; the tests in `tile/tests.rs` run
//! every block shape on every instruction set of the machine, in slices of the exact size. To have
//! the pointers themselves checked, run those tests under Miri, with the scalar instruction set
//! (`cargo +nightly miri test -p tensor --lib tile`); it knows no AVX.

use pulp::Simd;

/// A matrix read number by number: element (i, p) is `values[i × row + p × column]`.
#[derive(Clone, Copy)]
pub(super) struct Scalars<'a> {
    pub(super) values: &'a [f32],
    pub(super) row: usize,
    pub(super) column: usize,
}

/// A matrix read in registers: row p begins at `values[p × row]`.
#[derive(Clone, Copy)]
pub(super) struct Vectors<'a> {
    pub(super) values: &'a [f32],
    pub(super) row: usize,
}

impl<'a> Vectors<'a> {
    /// Its rows from `row` on.
    #[inline(always)]
    pub(super) fn from(self, row: usize) -> Vectors<'a> {
        Vectors { values: &self.values[row * self.row..], row: self.row }
    }

    /// The same numbers, read one by one.
    #[inline(always)]
    pub(super) fn scalars(self) -> Scalars<'a> {
        Scalars { values: self.values, row: self.row, column: 1 }
    }
}

/// A matrix written in registers.
pub(super) struct Target<'a> {
    pub(super) values: &'a mut [f32],
    pub(super) row: usize,
    /// Whether to add to what is there.
    pub(super) accumulate: bool,
}

impl<'a> Target<'a> {
    /// To be overwritten; its rows begin `row` numbers apart.
    #[inline(always)]
    pub(super) fn new(values: &'a mut [f32], row: usize) -> Target<'a> {
        Target { values, row, accumulate: false }
    }

    /// To be added to.
    #[inline(always)]
    pub(super) fn sum(values: &'a mut [f32], row: usize) -> Target<'a> {
        Target { values, row, accumulate: true }
    }
}

/// `c [m, n] (+)= a [m, k] × b [k, n]`; `n` is a multiple of the register's lanes.
#[inline(always)]
#[allow(unsafe_code, reason = "bounds are checked once for a tile, not once a number")]
pub(super) fn product<S: Simd>(
    simd: S,
    (m, n, k): (usize, usize, usize),
    a: Scalars<'_>,
    b: Vectors<'_>,
    c: Target<'_>,
) {
    if m == 0 || n == 0 {
        return;
    }
    assert!(n.is_multiple_of(S::F32_LANES), "whole registers");
    assert!(k == 0 || (m - 1) * a.row + (k - 1) * a.column < a.values.len(), "a holds [m, k]");
    assert!(k == 0 || (k - 1) * b.row + n <= b.values.len(), "b holds [k, n]");
    assert!((m - 1) * c.row + n <= c.values.len(), "c holds [m, n]");
    let strides = Strides { a_row: a.row, a_column: a.column, b_row: b.row, c_row: c.row };
    let accumulate = c.accumulate;
    let mut column = 0;
    while column < n {
        let pair = n - column >= 2 * S::F32_LANES;
        let mut row = 0;
        while row < m {
            // SAFETY: the four assertions above bound every element of every block, since
            // `row + rows <= m` and `column + registers × lanes <= n`.
            unsafe {
                let at_a = a.values.as_ptr().add(row * a.row);
                let at_b = b.values.as_ptr().add(column);
                let at_c = c.values.as_mut_ptr().add(row * c.row + column);
                row += match (m - row, pair) {
                    (8.., true) => {
                        block::<S, 8, 2>(simd, k, at_a, at_b, at_c, strides, accumulate)
                    }
                    (8.., false) => {
                        block::<S, 8, 1>(simd, k, at_a, at_b, at_c, strides, accumulate)
                    }
                    (4.., true) => {
                        block::<S, 4, 2>(simd, k, at_a, at_b, at_c, strides, accumulate)
                    }
                    (4.., false) => {
                        block::<S, 4, 1>(simd, k, at_a, at_b, at_c, strides, accumulate)
                    }
                    (_, true) => {
                        block::<S, 1, 2>(simd, k, at_a, at_b, at_c, strides, accumulate)
                    }
                    (_, false) => {
                        block::<S, 1, 1>(simd, k, at_a, at_b, at_c, strides, accumulate)
                    }
                };
            }
        }
        column += if pair { 2 * S::F32_LANES } else { S::F32_LANES };
    }
}

#[derive(Clone, Copy)]
struct Strides {
    a_row: usize,
    a_column: usize,
    b_row: usize,
    c_row: usize,
}

/// `ROWS` rows by `REGISTERS` registers of the target, sums in registers; gives `ROWS`.
///
/// # Safety
/// `a` has `ROWS × k` elements at its strides, `b` has `k` rows and `c` `ROWS` rows of
/// `REGISTERS` registers.
#[inline(always)]
#[allow(unsafe_code, reason = "the inner loop of attention")]
unsafe fn block<S: Simd, const ROWS: usize, const REGISTERS: usize>(
    simd: S,
    k: usize,
    a: *const f32,
    b: *const f32,
    c: *mut f32,
    strides: Strides,
    accumulate: bool,
) -> usize {
    let mut sums = [[simd.splat_f32s(0.0); REGISTERS]; ROWS];
    for p in 0..k {
        let mut from = [simd.splat_f32s(0.0); REGISTERS];
        for (register, from) in from.iter_mut().enumerate() {
            // SAFETY: row p < k of `b`, within its registers; a register has no alignment that
            // `read_unaligned` would need.
            *from = unsafe {
                let at = b.add(p * strides.b_row + register * S::F32_LANES);
                at.cast::<S::f32s>().read_unaligned()
            };
        }
        for (row, sums) in sums.iter_mut().enumerate() {
            // SAFETY: element (row, p) of `a`, with row < ROWS and p < k.
            let factor = unsafe { *a.add(row * strides.a_row + p * strides.a_column) };
            let factor = simd.splat_f32s(factor);
            for (sum, from) in sums.iter_mut().zip(&from) {
                *sum = simd.mul_add_f32s(factor, *from, *sum);
            }
        }
    }
    for (row, sums) in sums.iter().enumerate() {
        for (register, sum) in sums.iter().enumerate() {
            // SAFETY: row < ROWS of `c`, within its registers.
            unsafe {
                let at = c.add(row * strides.c_row + register * S::F32_LANES);
                let at = at.cast::<S::f32s>();
                let sum =
                    if accumulate { simd.add_f32s(*sum, at.read_unaligned()) } else { *sum };
                at.write_unaligned(sum);
            }
        }
    }
    ROWS
}

#[cfg(test)]
mod tests;
