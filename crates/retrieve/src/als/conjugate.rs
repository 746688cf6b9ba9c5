//! One row of ALS by conjugate gradient steps, from where the row stands.
//!
//! Takács, Pilászy, Tikk: Applications of the conjugate gradient method for implicit feedback
//! collaborative filtering (RecSys 2011): the matrix of `exact` is never formed; its product
//! with a vector p is `YᵀY p + λ p + Σ_i (c_i - 1) (y_i · p) y_i`. A few steps an iteration do,
//! because the next iteration goes on from there.
//!
//! What the speed hangs on: the vectors of the row's items are gathered once into a panel that
//! lies in the cache, and every pass over it takes the scalar product and adds the multiple
//! while a vector is in registers.

use pulp::{Arch, Simd, WithSimd};

use super::confidence::ConfidenceRow;

/// Squared residual below which a row is solved.
const SOLVED: f32 = 1e-20;
/// Rows up to this length are gathered; longer ones, whose panel no cache would hold, are read
/// in place.
const PANEL_ROWS_MAX: usize = 1 << 14;

/// Working memory, kept between rows.
#[derive(Debug, Default)]
pub(super) struct Conjugate {
    /// `[n, width]`
    panel: Vec<f32>,
    residual: Vec<f32>,
    direction: Vec<f32>,
    product: Vec<f32>,
}

/// One row to solve for.
pub(super) struct Problem<'a> {
    /// `[width, width]`, both halves, the penalty already on its diagonal.
    pub(super) gram: &'a [f32],
    /// All vectors of the other side, `[rows, width]`.
    pub(super) others: &'a [f32],
    /// Which of them, and how sure.
    pub(super) row: ConfidenceRow<'a>,
    /// Most steps.
    pub(super) steps: u32,
}

impl Conjugate {
    /// Improves `solution`, of `width` floats.
    pub(super) fn solve(&mut self, arch: Arch, problem: &Problem<'_>, solution: &mut [f32]) {
        let width = solution.len();
        self.residual.resize(width, 0.0);
        self.direction.resize(width, 0.0);
        self.product.resize(width, 0.0);
        arch.dispatch(Steps { memory: self, problem, solution });
    }
}

struct Steps<'a> {
    memory: &'a mut Conjugate,
    problem: &'a Problem<'a>,
    solution: &'a mut [f32],
}

impl WithSimd for Steps<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        // Registers a vector takes; a count the compiler knows keeps sums in registers.
        match self.solution.len() / S::F32_LANES {
            1 => self.run::<S, 1>(simd),
            2 => self.run::<S, 2>(simd),
            4 => self.run::<S, 4>(simd),
            8 => self.run::<S, 8>(simd),
            16 => self.run::<S, 16>(simd),
            count if count % 8 == 0 => self.run::<S, 8>(simd),
            count if count % 4 == 0 => self.run::<S, 4>(simd),
            _ => self.run::<S, 1>(simd),
        }
    }
}

impl Steps<'_> {
    /// With vectors as runs of `N` registers.
    #[inline(always)]
    fn run<S: Simd, const N: usize>(self, simd: S) {
        let Steps { memory, problem, solution } = self;
        let width = solution.len();
        let Conjugate { panel, residual, direction, product } = memory;
        let in_place = problem.row.columns.len() > PANEL_ROWS_MAX;
        panel.clear();
        if !in_place {
            for column in problem.row.columns {
                let at = *column as usize * width;
                panel.extend_from_slice(&problem.others[at..at + width]);
            }
        }
        let vectors = Vectors {
            values: if in_place { problem.others } else { panel },
            columns: in_place.then_some(problem.row.columns),
            confidences: problem.row.confidences,
            width,
        };

        // r = b - A x, with b = Σ c y
        vectors.multiply::<S, N, true>(simd, problem.gram, solution, residual);
        for value in residual.iter_mut() {
            *value = -*value;
        }
        direction.copy_from_slice(residual);
        let mut square = dot::<S>(simd, residual, residual);
        for _ in 0..problem.steps {
            if square < SOLVED {
                break;
            }
            vectors.multiply::<S, N, false>(simd, problem.gram, direction, product);
            let length = square / dot::<S>(simd, direction, product);
            add_multiple::<S>(simd, solution, length, direction);
            add_multiple::<S>(simd, residual, -length, product);
            let next = dot::<S>(simd, residual, residual);
            let turn = next / square;
            for (to, from) in direction.iter_mut().zip(residual.iter()) {
                *to = turn * *to + *from;
            }
            square = next;
        }
    }
}

/// The vectors of one row's items.
struct Vectors<'a> {
    values: &'a [f32],
    /// Where they lie in `values`; none: one after the other.
    columns: Option<&'a [u32]>,
    confidences: &'a [f32],
    width: usize,
}

impl Vectors<'_> {
    /// A p into `product`; with `LESS`, A p - b.
    #[inline(always)]
    fn multiply<S: Simd, const N: usize, const LESS: bool>(
        &self,
        simd: S,
        gram: &[f32],
        p: &[f32],
        product: &mut [f32],
    ) {
        if self.width == N * S::F32_LANES {
            self.multiply_whole::<S, N, LESS>(simd, gram, p, product);
        } else {
            self.multiply_parts::<S, LESS>(simd, gram, p, product);
        }
    }

    #[inline(always)]
    fn at(&self, index: usize) -> &[f32] {
        let row = self.columns.map_or(index, |columns| columns[index] as usize);
        &self.values[row * self.width..(row + 1) * self.width]
    }

    /// A vector fits into `N` registers.
    #[inline(always)]
    fn multiply_whole<S: Simd, const N: usize, const LESS: bool>(
        &self,
        simd: S,
        gram: &[f32],
        p: &[f32],
        product: &mut [f32],
    ) {
        let p_registers = registers::<S, N>(p);
        let mut sum = [simd.splat_f32s(0.0); N];
        for (row, p) in gram.chunks_exact(self.width).zip(p) {
            let p = simd.splat_f32s(*p);
            let row = registers::<S, N>(row);
            for lane in 0..N {
                sum[lane] = simd.mul_add_f32s(row[lane], p, sum[lane]);
            }
        }
        for (index, confidence) in self.confidences.iter().enumerate() {
            let vector = registers::<S, N>(self.at(index));
            let mut partial = simd.mul_f32s(vector[0], p_registers[0]);
            for lane in 1..N {
                partial = simd.mul_add_f32s(vector[lane], p_registers[lane], partial);
            }
            let scalar = simd.reduce_sum_f32s(partial);
            let factor = (confidence - 1.0) * scalar - if LESS { *confidence } else { 0.0 };
            let factor = simd.splat_f32s(factor);
            for lane in 0..N {
                sum[lane] = simd.mul_add_f32s(vector[lane], factor, sum[lane]);
            }
        }
        let (product, _) = S::as_mut_simd_f32s(product);
        product.copy_from_slice(&sum);
    }

    /// Any width.
    #[inline(always)]
    fn multiply_parts<S: Simd, const LESS: bool>(
        &self,
        simd: S,
        gram: &[f32],
        p: &[f32],
        product: &mut [f32],
    ) {
        product.fill(0.0);
        for (row, p) in gram.chunks_exact(self.width).zip(p) {
            add_multiple::<S>(simd, product, *p, row);
        }
        for (index, confidence) in self.confidences.iter().enumerate() {
            let vector = self.at(index);
            let scalar = dot::<S>(simd, vector, p);
            let factor = (confidence - 1.0) * scalar - if LESS { *confidence } else { 0.0 };
            add_multiple::<S>(simd, product, factor, vector);
        }
    }
}

#[inline(always)]
fn registers<S: Simd, const N: usize>(vector: &[f32]) -> &[S::f32s; N] {
    let (whole, _) = S::as_simd_f32s(vector);
    whole.first_chunk().expect("a vector has this many registers")
}

/// Scalar product of vectors whose length is a multiple of the register's.
#[inline(always)]
fn dot<S: Simd>(simd: S, a: &[f32], b: &[f32]) -> f32 {
    let ((a, _), (b, _)) = (S::as_simd_f32s(a), S::as_simd_f32s(b));
    let mut sum = simd.splat_f32s(0.0);
    for (a, b) in a.iter().zip(b) {
        sum = simd.mul_add_f32s(*a, *b, sum);
    }
    simd.reduce_sum_f32s(sum)
}

#[inline(always)]
fn add_multiple<S: Simd>(simd: S, to: &mut [f32], factor: f32, from: &[f32]) {
    let ((to, _), (from, _)) = (S::as_mut_simd_f32s(to), S::as_simd_f32s(from));
    let factor = simd.splat_f32s(factor);
    for (to, from) in to.iter_mut().zip(from) {
        *to = simd.mul_add_f32s(*from, factor, *to);
    }
}
