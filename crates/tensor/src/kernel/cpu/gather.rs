//! Rows by index.

use rayon::prelude::*;

use super::grouped::Grouped;
use super::lanes::{self, simd};
use crate::kernel::Grad;

const CHUNK_ROWS: usize = 256;

/// As [`crate::kernel::reference::gather::forward`].
pub(crate) fn forward(width: usize, scale: f32, rows: &[f32], index: &[u32], y: &mut [f32]) {
    let chunks = y.par_chunks_mut(CHUNK_ROWS * width).zip(index.par_chunks(CHUNK_ROWS));
    chunks.for_each(|(y, index)| {
        simd(
            #[inline(always)]
            || {
                for (y, row) in y.chunks_exact_mut(width).zip(index) {
                    let row = &rows[*row as usize * width..][..width];
                    y.iter_mut().zip(row).for_each(|(y, row)| *y = scale * *row);
                }
            },
        );
    });
}

/// As [`crate::kernel::reference::gather::backward`].
pub(crate) fn backward(
    width: usize,
    scale: f32,
    index: &[u32],
    dy: &[f32],
    drows: Grad<'_, f32>,
) {
    let rows = drows.values.len() / width;
    let grouped = Grouped::new(index, rows);
    if !drows.accumulate {
        drows.values.par_chunks_mut(1 << 16).for_each(|chunk| chunk.fill(0.0));
    }
    grouped.each(width, drows.values, |sum, token| {
        lanes::add_multiple(sum, scale, &dy[token * width..][..width]);
    });
}
