//! The inverse of a symmetric positive definite matrix, and the weights of EASE from it.
//!
//! A = L Lᵀ, P = A⁻¹ = L⁻ᵀ L⁻¹: n³ multiplications in three steps of a third each, where a
//! general inverse takes eight thirds. Two matrices of working memory, one of which becomes
//! the answer.

use data::Progress;
use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::cholesky::llt;
use faer::linalg::matmul::triangular::{self, BlockStructure};
use faer::linalg::triangular_inverse::invert_lower_triangular;
use faer::{Accum, MatMut, Par};
use rayon::prelude::*;

use crate::{Error, Result};

/// Side of the squares in which a matrix is turned over: two of them fit into the nearest cache.
const TILE: usize = 32;

/// From `matrix` (`[n, n]`, row-major, diagonal and right of it; symmetric, positive definite)
/// to B = -P / diag(P) by columns, with a zero diagonal. `spare` is as large; the answer is in it.
pub(super) fn weights(
    matrix: &mut [f32],
    spare: &mut [f32],
    n: usize,
    progress: &Progress<'_>,
) -> Result<()> {
    if n == 0 {
        return Ok(());
    }
    let par = Par::rayon(0);
    let step = |done| progress.step("inverting", done, Some(4));
    step(0)?;
    // Row-major right of the diagonal is column-major below it.
    let mut lower = MatMut::from_column_major_slice_mut(matrix, n, n);
    let need = llt::factor::cholesky_in_place_scratch::<f32>(n, par, Default::default());
    llt::factor::cholesky_in_place(
        lower.as_mut(),
        Default::default(),
        par,
        MemStack::new(&mut MemBuffer::new(need)),
        Default::default(),
    )
    .map_err(|_| {
        Error::Refused(
            "ease: the item matrix is not positive definite in 32-bit floats; raise \
             models.ease.l2"
                .into(),
        )
    })?;
    step(1)?;
    let mut inverse = MatMut::from_column_major_slice_mut(spare, n, n);
    invert_lower_triangular(inverse.as_mut(), lower.as_ref(), par);
    step(2)?;
    triangular::matmul(
        lower.as_mut(),
        BlockStructure::TriangularLower,
        Accum::Replace,
        inverse.as_ref().transpose(),
        BlockStructure::TriangularUpper,
        inverse.as_ref(),
        BlockStructure::TriangularLower,
        1.0,
        par,
    );
    step(3)?;
    divide(matrix, spare, n)
}

/// `to[i][j] = -p[i][j] / p[j][j]`, `p` being there right of the diagonal only.
fn divide(p: &[f32], to: &mut [f32], n: usize) -> Result<()> {
    let scales: Vec<f32> = (0..n).map(|at| -1.0 / p[at * n + at]).collect();
    if let Some(at) = scales.iter().position(|scale| !scale.is_finite()) {
        return Err(Error::Refused(format!(
            "ease: the inverse is not finite at item {at}; raise models.ease.l2"
        )));
    }
    to.par_chunks_mut(TILE * n).enumerate().for_each(|(strip, rows)| {
        let top = strip * TILE;
        for left in (0..top).step_by(TILE) {
            turn_tile(p, rows, n, top, left, &scales[left..left + TILE]);
        }
        for (at, row) in rows.chunks_exact_mut(n).enumerate() {
            let i = top + at;
            for j in top..i {
                row[j] = p[j * n + i] * scales[j];
            }
            row[i] = 0.0;
            let right = p[i * n + i + 1..(i + 1) * n].iter().zip(&scales[i + 1..]);
            for (to, (p, scale)) in row[i + 1..].iter_mut().zip(right) {
                *to = p * scale;
            }
        }
    });
    match to.iter().position(|value| !value.is_finite()) {
        None => Ok(()),
        Some(at) => Err(Error::Refused(format!(
            "ease: the weight of items {} and {} is not finite; raise models.ease.l2",
            at / n,
            at % n
        ))),
    }
}

/// The tile of `rows` (which begin at row `top`) from column `left`: what lies right of the
/// diagonal at row `left`, column `top`, turned over.
fn turn_tile(p: &[f32], rows: &mut [f32], n: usize, top: usize, left: usize, scales: &[f32]) {
    let height = rows.len() / n;
    for (j, scale) in scales.iter().enumerate() {
        let from = &p[(left + j) * n + top..][..height];
        for (i, value) in from.iter().enumerate() {
            rows[i * n + left + j] = value * scale;
        }
    }
}
