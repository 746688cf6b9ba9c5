//! What happens to each number by itself, or to each row by itself. These pass through memory
//! once; a chunk is small enough to stay in the cache between its loops.

use rayon::prelude::*;

use super::lanes::{self, simd};
use crate::kernel::Grad;
use crate::random::Dropout;

const CHUNK: usize = 16 * 1024;

/// Writes or adds `value(i)` to each number.
#[inline(always)]
fn store(to: &mut [f32], accumulate: bool, value: impl Fn(usize) -> f32) {
    if accumulate {
        to.iter_mut().enumerate().for_each(|(at, to)| *to += value(at));
    } else {
        to.iter_mut().enumerate().for_each(|(at, to)| *to = value(at));
    }
}

/// sum += more
pub(crate) fn add_into(sum: &mut [f32], more: &[f32]) {
    sum.par_chunks_mut(CHUNK).zip(more.par_chunks(CHUNK)).for_each(|(sum, more)| {
        simd(
            #[inline(always)]
            || lanes::add_multiple(sum, 1.0, more),
        );
    });
}

/// As [`crate::kernel::reference::pointwise::residual`].
pub(crate) fn residual(x: Option<&[f32]>, branch: &[f32], dropout: Dropout, y: &mut [f32]) {
    let chunks = y.par_chunks_mut(CHUNK).zip(branch.par_chunks(CHUNK)).enumerate();
    chunks.for_each(|(chunk, (y, branch))| {
        let first = chunk * CHUNK;
        let x = x.map(|x| &x[first..first + y.len()]);
        simd(
            #[inline(always)]
            || {
                if dropout.is_none() {
                    y.copy_from_slice(branch);
                } else {
                    store(y, false, |at| branch[at] * dropout.factor((first + at) as u32));
                }
                if let Some(x) = x {
                    lanes::add_multiple(y, 1.0, x);
                }
            },
        );
    });
}

/// As [`crate::kernel::reference::pointwise::residual_backward`].
pub(crate) fn residual_backward(dy: &[f32], dropout: Dropout, dbranch: Grad<'_, f32>) {
    let accumulate = dbranch.accumulate;
    let chunks = dbranch.values.par_chunks_mut(CHUNK).zip(dy.par_chunks(CHUNK)).enumerate();
    chunks.for_each(|(chunk, (to, dy))| {
        let first = chunk * CHUNK;
        simd(
            #[inline(always)]
            || {
                if dropout.is_none() {
                    store(to, accumulate, |at| dy[at]);
                } else {
                    store(to, accumulate, |at| dy[at] * dropout.factor((first + at) as u32));
                }
            },
        );
    });
}

/// As [`crate::kernel::reference::pointwise::gated`].
pub(crate) fn gated(x: &[f32], gate: &[f32], branch: &[f32], dropout: Dropout, y: &mut [f32]) {
    y.par_chunks_mut(CHUNK).enumerate().for_each(|(chunk, y)| {
        let first = chunk * CHUNK;
        let range = first..first + y.len();
        let (x, gate, branch) = (&x[range.clone()], &gate[range.clone()], &branch[range]);
        simd(
            #[inline(always)]
            || {
                store(y, false, |at| {
                    x[at] + lanes::sigmoid(gate[at]) * branch[at] * kept(dropout, first + at)
                });
            },
        );
    });
}

#[inline(always)]
fn kept(dropout: Dropout, at: usize) -> f32 {
    if dropout.is_none() { 1.0 } else { dropout.factor(at as u32) }
}

/// As [`crate::kernel::reference::pointwise::gated_backward`].
pub(crate) fn gated_backward(
    gate: &[f32],
    branch: &[f32],
    dropout: Dropout,
    dy: &[f32],
    dgate: Option<Grad<'_, f32>>,
    dbranch: Option<Grad<'_, f32>>,
) {
    if let Some(dgate) = dgate {
        each(dgate, |at| {
            let open = lanes::sigmoid(gate[at]);
            dy[at] * branch[at] * kept(dropout, at) * open * (1.0 - open)
        });
    }
    if let Some(dbranch) = dbranch {
        each(dbranch, |at| dy[at] * lanes::sigmoid(gate[at]) * kept(dropout, at));
    }
}

/// Writes or adds `value(place)` everywhere, in parallel.
#[inline(always)]
fn each(to: Grad<'_, f32>, value: impl Fn(usize) -> f32 + Sync) {
    let accumulate = to.accumulate;
    to.values.par_chunks_mut(CHUNK).enumerate().for_each(|(chunk, to)| {
        simd(
            #[inline(always)]
            || store(to, accumulate, |at| value(chunk * CHUNK + at)),
        );
    });
}

/// As [`crate::kernel::reference::pointwise::swiglu`].
pub(crate) fn swiglu(width: usize, x: &[f32], y: &mut [f32]) {
    let rows = (CHUNK / width).max(1);
    let chunks = y.par_chunks_mut(rows * width).zip(x.par_chunks(rows * 2 * width));
    chunks.for_each(|(y, x)| {
        simd(
            #[inline(always)]
            || {
                for (y, x) in y.chunks_exact_mut(width).zip(x.chunks_exact(2 * width)) {
                    let (a, b) = x.split_at(width);
                    store(y, false, |at| a[at] * lanes::sigmoid(a[at]) * b[at]);
                }
            },
        );
    });
}

/// As [`crate::kernel::reference::pointwise::swiglu_backward`].
pub(crate) fn swiglu_backward(width: usize, x: &[f32], dy: &[f32], dx: Grad<'_, f32>) {
    let rows = (CHUNK / width).max(1);
    let accumulate = dx.accumulate;
    let chunks = dx
        .values
        .par_chunks_mut(rows * 2 * width)
        .zip(x.par_chunks(rows * 2 * width))
        .zip(dy.par_chunks(rows * width));
    chunks.for_each(|((dx, x), dy)| {
        simd(
            #[inline(always)]
            || {
                let rows = dx.chunks_exact_mut(2 * width).zip(x.chunks_exact(2 * width));
                for ((dx, x), dy) in rows.zip(dy.chunks_exact(width)) {
                    let ((da, db), (a, b)) = (dx.split_at_mut(width), x.split_at(width));
                    store(da, accumulate, |at| {
                        let open = lanes::sigmoid(a[at]);
                        dy[at] * b[at] * open * (1.0 + a[at] * (1.0 - open))
                    });
                    store(db, accumulate, |at| dy[at] * a[at] * lanes::sigmoid(a[at]));
                }
            },
        );
    });
}

/// As [`crate::kernel::reference::pointwise::multiply`].
pub(crate) fn multiply(a: &[f32], b: &[f32], y: &mut [f32]) {
    each(Grad::fresh(y), |at| a[at] * b[at]);
}

/// As [`crate::kernel::reference::pointwise::multiply_backward`].
pub(crate) fn multiply_backward(other: &[f32], dy: &[f32], dx: Grad<'_, f32>) {
    each(dx, |at| dy[at] * other[at]);
}

/// As [`crate::kernel::reference::pointwise::normalise`].
pub(crate) fn normalise(width: usize, eps: f32, x: &[f32], y: &mut [f32], lengths: &mut [f32]) {
    y.par_chunks_mut(width).zip(x.par_chunks(width)).zip(lengths).with_min_len(64).for_each(
        |((y, x), length)| {
            simd(
                #[inline(always)]
                || {
                    *length = lanes::dot(x, x).sqrt().max(eps);
                    let length = *length;
                    store(y, false, |at| x[at] / length);
                },
            );
        },
    );
}

/// As [`crate::kernel::reference::pointwise::normalise_backward`].
pub(crate) fn normalise_backward(
    width: usize,
    eps: f32,
    y: &[f32],
    lengths: &[f32],
    dy: &[f32],
    dx: Grad<'_, f32>,
) {
    let accumulate = dx.accumulate;
    let rows = dx.values.par_chunks_mut(width).zip(y.par_chunks(width));
    rows.zip(dy.par_chunks(width)).zip(lengths).with_min_len(64).for_each(
        |(((dx, y), dy), length)| {
            simd(
                #[inline(always)]
                || {
                    let along = if *length > eps { lanes::dot(y, dy) } else { 0.0 };
                    store(dx, accumulate, |at| (dy[at] - y[at] * along) / *length);
                },
            );
        },
    );
}
