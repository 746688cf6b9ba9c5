//! Factor tables: one vector a row, and the Gram matrix of all rows.

use faer::linalg::matmul::triangular::{self, BlockStructure};
use faer::{Accum, MatMut, MatRef, Par};
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

/// Floats to which a row is padded: the widest register there is today, so that no kernel has
/// a rest to treat.
const LANES: usize = 16;
/// Largest factor at the start: small, so that the first conjugate gradient steps set out from
/// next to nothing.
const START: f32 = 0.01;

/// Rows of factors, `width` apart; what lies between `factors` and `width` is zero and stays so.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Table {
    pub(super) factors: usize,
    pub(super) width: usize,
    /// `[rows, width]`
    pub(super) values: Vec<f32>,
}

impl Table {
    /// Length of a padded row.
    pub(super) fn width(factors: usize) -> usize {
        factors.next_multiple_of(LANES)
    }

    /// Uniform between 0 and `START`.
    pub(super) fn random(rows: usize, factors: usize, rng: &mut ChaCha8Rng) -> Table {
        let width = Table::width(factors);
        let mut values = vec![0.0; rows * width];
        for row in values.chunks_exact_mut(width) {
            for value in &mut row[..factors] {
                // The top 24 bits: exactly what a float between 0 and 1 can hold.
                *value = START * (rng.next_u32() >> 8) as f32 / (1u32 << 24) as f32;
            }
        }
        Table { factors, width, values }
    }

    /// Pads rows that lie `factors` apart.
    pub(super) fn padded(rows: &[f32], factors: usize) -> Table {
        let width = Table::width(factors);
        let mut values = vec![0.0; rows.len() / factors * width];
        for (to, from) in values.chunks_exact_mut(width).zip(rows.chunks_exact(factors)) {
            to[..factors].copy_from_slice(from);
        }
        Table { factors, width, values }
    }

    /// The rows without the padding.
    pub(super) fn unpadded(&self) -> Vec<f32> {
        let rows = self.values.chunks_exact(self.width);
        rows.flat_map(|row| &row[..self.factors]).copied().collect()
    }

    /// Sum of outer products of all rows, `[width, width]`, both halves. The rows are cut into
    /// blocks by their number alone and the blocks are added in order, so the number of threads
    /// changes nothing.
    pub(super) fn gram(&self) -> Vec<f32> {
        let width = self.width;
        let rows = self.values.len() / width;
        // At most 64 blocks: their sums are held at the same time.
        let block = rows.div_ceil(64).max(512) * width;
        let sums: Vec<Vec<f32>> = self
            .values
            .par_chunks(block)
            .map(|rows| {
                let mut sum = vec![0.0; width * width];
                add_gram(&mut sum, rows, width);
                sum
            })
            .collect();
        let mut total = vec![0.0f64; width * width];
        for sum in &sums {
            for (to, from) in total.iter_mut().zip(sum) {
                *to += f64::from(*from);
            }
        }
        let mut gram: Vec<f32> = total.into_iter().map(|value| value as f32).collect();
        mirror(&mut gram, width);
        gram
    }
}

/// Adds the outer products of `rows` to the lower half of `sum`, `[width, width]`.
pub(super) fn add_gram(sum: &mut [f32], rows: &[f32], width: usize) {
    let rows = MatRef::from_row_major_slice(rows, rows.len() / width, width);
    // Column-major, lower half: row-major, the upper one. `mirror` and the solver know.
    let sum = MatMut::from_column_major_slice_mut(sum, width, width);
    triangular::matmul(
        sum,
        BlockStructure::TriangularLower,
        Accum::Add,
        rows.transpose(),
        BlockStructure::Rectangular,
        rows,
        BlockStructure::Rectangular,
        1.0,
        Par::Seq,
    );
}

fn mirror(matrix: &mut [f32], width: usize) {
    for column in 0..width {
        for row in column + 1..width {
            matrix[row * width + column] = matrix[column * width + row];
        }
    }
}
