//! Rows by index: an embedding look-up, and its transpose.

use crate::Real;
use crate::kernel::Grad;

/// `y[t] = scale × rows[index[t]]`, `rows [n, width]`.
pub fn forward<F: Real>(width: usize, scale: F, rows: &[F], index: &[u32], y: &mut [F]) {
    for (y, row) in y.chunks_exact_mut(width).zip(index) {
        let row = *row as usize * width;
        for (y, value) in y.iter_mut().zip(&rows[row..row + width]) {
            *y = scale * *value;
        }
    }
}

/// Adds each token's gradient to its row, in the order of tokens.
pub fn backward<F: Real>(width: usize, scale: F, index: &[u32], dy: &[F], drows: Grad<'_, F>) {
    let drows = drows.zeroed();
    for (dy, row) in dy.chunks_exact(width).zip(index) {
        let row = *row as usize * width;
        for (sum, dy) in drows[row..row + width].iter_mut().zip(dy) {
            *sum += scale * *dy;
        }
    }
}
