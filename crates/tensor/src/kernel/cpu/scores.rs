//! Scores of every item for some queries.

use rayon::prelude::*;

use super::matmul::{Size, View, product};
use crate::meter::Meter;

const CHUNK_QUERIES: usize = 32;

/// As [`crate::scores`].
pub(crate) fn scores(
    meter: &Meter,
    width: usize,
    queries: &[f32],
    items: &[f32],
    out: &mut [f32],
) {
    let n = items.len() / width;
    if n == 0 {
        return;
    }
    let chunks = out.par_chunks_mut(CHUNK_QUERIES * n);
    chunks.zip(queries.par_chunks(CHUNK_QUERIES * width)).for_each(|(out, queries)| {
        let size = Size { m: queries.len() / width, n, k: width };
        let items = View::rows(items, width).transposed();
        product(meter, size, View::rows(queries, width), items, out, false);
    });
}
