//! How rows are cut into parts that have partial sums of their own.

use rayon::prelude::*;

use crate::Offsets;
use crate::kernel::Grad;

/// Parts at most: enough for the threads of one machine, few enough that adding their sums
/// up costs little. Fixed, so that sums do not depend on the number of threads.
const PARTS_MAX: usize = 16;
/// Rows at most that are worked on before their results leave the cache.
const CHUNK_ROWS: usize = 512;

/// Rows of each part but the last.
pub(super) fn part_rows(rows: usize) -> usize {
    rows.div_ceil(PARTS_MAX).max(64)
}

/// Parts of so many rows.
pub(super) fn parts(rows: usize) -> usize {
    rows.div_ceil(part_rows(rows))
}

/// Rows of each chunk of a part of `rows` but the last: near equal, at most `most`.
pub(super) fn chunk_rows_of(rows: usize, most: usize) -> usize {
    let most = most.clamp(1, CHUNK_ROWS);
    rows.div_ceil(rows.div_ceil(most).max(1)).max(1)
}

/// Rows of each chunk of a part of `rows`.
pub(super) fn chunk_rows(rows: usize) -> usize {
    chunk_rows_of(rows, CHUNK_ROWS)
}

/// Adds the partial sums, `[parts, to.len()]` at `stride`, into `to`, part after part.
pub(super) fn add_parts(partial: &[f32], stride: usize, at: usize, to: Grad<'_, f32>) {
    const BLOCK: usize = 4096;
    let accumulate = to.accumulate;
    to.values.par_chunks_mut(BLOCK).enumerate().for_each(|(block, to)| {
        if !accumulate {
            to.fill(0.0);
        }
        for part in partial.chunks_exact(stride) {
            let from = &part[at + block * BLOCK..][..to.len()];
            to.iter_mut().zip(from).for_each(|(to, from)| *to += from);
        }
    });
}

/// The slice of each jagged row, `[n, width]`.
pub(super) fn split_rows<'g>(
    mut values: &'g mut [f32],
    offsets: &Offsets,
    width: usize,
) -> impl Iterator<Item = &'g mut [f32]> {
    offsets.ranges().map(move |range| {
        let (row, rest) = std::mem::take(&mut values).split_at_mut(range.len() * width);
        values = rest;
        row
    })
}
