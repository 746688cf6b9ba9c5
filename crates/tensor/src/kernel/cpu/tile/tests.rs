//! Every block shape, on every instruction set that this machine has, against a plain product.

use pulp::{Scalar, Simd, WithSimd};

use super::{Scalars, Target, Vectors, product};
use crate::random::number;

/// Small whole numbers: their products and sums are exact in any order.
fn numbers(seed: u32, len: usize) -> Vec<f32> {
    (0..len as u32).map(|at| (number(seed, at) % 17) as f32 - 8.0).collect()
}

#[derive(Clone, Copy)]
struct Case {
    size: (usize, usize, usize),
    /// Row and column strides of a, row strides of b and c.
    strides: (usize, usize, usize, usize),
    accumulate: bool,
}

impl Case {
    /// Slices of the exact size, so that a read or write past it would be past the allocation.
    fn lengths(self) -> (usize, usize, usize) {
        let ((m, n, k), (a_row, a_column, b_row, c_row)) = (self.size, self.strides);
        let a = if m * k == 0 { 0 } else { (m - 1) * a_row + (k - 1) * a_column + 1 };
        let b = if k == 0 { 0 } else { (k - 1) * b_row + n };
        let c = if m == 0 { 0 } else { (m - 1) * c_row + n };
        (a, b, c)
    }

    fn run<S: Simd>(self, simd: S, shorten: (usize, usize, usize)) {
        let ((m, n, k), (a_row, a_column, b_row, c_row)) = (self.size, self.strides);
        let (a, b, c) = self.lengths();
        let (a, b) = (numbers(1, a - shorten.0), numbers(2, b - shorten.1));
        let before = numbers(3, c - shorten.2);
        let mut after = before.clone();
        simd.vectorize(Job { case: self, a: &a, b: &b, c: &mut after });
        let mut truth = before;
        for i in 0..m {
            for j in 0..n {
                let sum: f32 =
                    (0..k).map(|p| a[i * a_row + p * a_column] * b[p * b_row + j]).sum();
                let slot = &mut truth[i * c_row + j];
                *slot = if self.accumulate { *slot + sum } else { sum };
            }
        }
        assert_eq!(after, truth, "{:?} at strides {:?}", self.size, self.strides);
    }
}

struct Job<'a> {
    case: Case,
    a: &'a [f32],
    b: &'a [f32],
    c: &'a mut [f32],
}

impl WithSimd for Job<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let (a_row, a_column, b_row, c_row) = self.case.strides;
        product(
            simd,
            self.case.size,
            Scalars { values: self.a, row: a_row, column: a_column },
            Vectors { values: self.b, row: b_row },
            Target { values: self.c, row: c_row, accumulate: self.case.accumulate },
        );
    }
}

fn every_shape<S: Simd>(simd: S) {
    let lanes = S::F32_LANES;
    let (rows, inner): (&[usize], &[usize]) = if cfg!(miri) {
        (&[0, 1, 5, 13], &[0, 1, 3])
    } else {
        (&[0, 1, 2, 3, 4, 5, 7, 8, 9, 11, 12, 13, 16, 31, 32, 33], &[0, 1, 2, 3, 5, 8, 17, 64])
    };
    for m in rows {
        for registers in [0, 1, 2, 3, 4, 5] {
            for k in inner {
                let (m, n, k) = (*m, registers * lanes, *k);
                // Row after row, columns of a first, and with room between rows.
                for strides in [(k, 1, n, n), (1, m, n, n), (k + 3, 1, n + 1, n + 5)] {
                    for accumulate in [false, true] {
                        Case { size: (m, n, k), strides, accumulate }.run(simd, (0, 0, 0));
                    }
                }
            }
        }
    }
}

#[test]
fn scalar() {
    every_shape(Scalar::new());
}

#[cfg(target_arch = "x86_64")]
#[test]
fn avx2() {
    if let Some(simd) = pulp::x86::V3::try_new() {
        every_shape(simd);
    }
}

#[cfg(target_arch = "x86_64")]
#[test]
fn avx512() {
    if let Some(simd) = pulp::x86::V4::try_new() {
        every_shape(simd);
    }
}

/// 5 × 2 by k = 3, with one operand a number too short.
fn short(shorten: (usize, usize, usize)) {
    let case = Case { size: (5, 2, 3), strides: (3, 1, 2, 2), accumulate: false };
    case.run(Scalar::new(), shorten);
}

#[test]
#[should_panic(expected = "a holds [m, k]")]
fn a_short_left_operand() {
    short((1, 0, 0));
}

#[test]
#[should_panic(expected = "b holds [k, n]")]
fn a_short_right_operand() {
    short((0, 1, 0));
}

#[test]
#[should_panic(expected = "c holds [m, n]")]
fn a_short_target() {
    short((0, 0, 1));
}

#[cfg(target_arch = "x86_64")]
#[test]
#[should_panic(expected = "whole registers")]
fn part_of_a_register() {
    let Some(simd) = pulp::x86::V3::try_new() else { panic!("whole registers") };
    let case = Case { size: (2, 9, 3), strides: (3, 1, 9, 9), accumulate: false };
    case.run(simd, (0, 0, 0));
}
