//! Layer norm and RMS norm, row by row.

use rayon::prelude::*;

use super::lanes::{self, simd};
use super::parts::{add_parts, part_rows, parts};
use crate::buffers::Buffers;
use crate::kernel::Grad;
use crate::op::NormKind;

const CHUNK_ROWS: usize = 256;

/// As [`crate::kernel::reference::norm::forward`].
#[allow(clippy::too_many_arguments, reason = "one argument a tensor")]
pub(crate) fn forward(
    width: usize,
    kind: NormKind,
    eps: f32,
    x: &[f32],
    scale: Option<&[f32]>,
    shift: Option<&[f32]>,
    y: &mut [f32],
    stats: &mut [f32],
) {
    let chunk = CHUNK_ROWS * width;
    y.par_chunks_mut(chunk)
        .zip(x.par_chunks(chunk))
        .zip(stats.par_chunks_mut(2 * CHUNK_ROWS))
        .for_each(|((y, x), stats)| {
            simd(
                #[inline(always)]
                || {
                    for ((y, x), stats) in y
                        .chunks_exact_mut(width)
                        .zip(x.chunks_exact(width))
                        .zip(stats.chunks_exact_mut(2))
                    {
                        row(kind, eps, x, scale, shift, y, stats);
                    }
                },
            );
        });
}

#[inline(always)]
fn row(
    kind: NormKind,
    eps: f32,
    x: &[f32],
    scale: Option<&[f32]>,
    shift: Option<&[f32]>,
    y: &mut [f32],
    stats: &mut [f32],
) {
    let count = x.len() as f32;
    let mean = match kind {
        NormKind::Layer => lanes::sum(x) / count,
        NormKind::Rms => 0.0,
    };
    let inverse = 1.0 / (lanes::squares(x, mean) / count + eps).sqrt();
    (stats[0], stats[1]) = (mean, inverse);
    y.iter_mut().zip(x).for_each(|(y, x)| *y = (*x - mean) * inverse);
    if let Some(scale) = scale {
        y.iter_mut().zip(scale).for_each(|(y, scale)| *y *= scale);
    }
    if let Some(shift) = shift {
        y.iter_mut().zip(shift).for_each(|(y, shift)| *y += shift);
    }
}

/// As [`crate::kernel::reference::norm::backward`].
#[allow(clippy::too_many_arguments, reason = "one argument a tensor")]
pub(crate) fn backward(
    buffers: &mut Buffers,
    width: usize,
    kind: NormKind,
    x: &[f32],
    scale: Option<&[f32]>,
    stats: &[f32],
    dy: &[f32],
    dx: Option<Grad<'_, f32>>,
    dscale: Option<Grad<'_, f32>>,
    dshift: Option<Grad<'_, f32>>,
) {
    let rows = stats.len() / 2;
    let rows_a_part = part_rows(rows);
    // Scale, shift, and a row of working memory.
    let stride = 3 * width;
    let mut partial = buffers.take(parts(rows) * stride);
    let affine = dscale.is_some() || dshift.is_some();
    let work = |part: usize, mut dx: Option<(&mut [f32], bool)>, partial: &mut [f32]| {
        partial.fill(0.0);
        let (dscale, rest) = partial.split_at_mut(width);
        let (dshift, inner) = rest.split_at_mut(width);
        let first = part * rows_a_part;
        let count = rows_a_part.min(rows - first);
        simd(
            #[inline(always)]
            || {
                for at in 0..count {
                    let row = first + at;
                    let (x, dy) = (&x[row * width..][..width], &dy[row * width..][..width]);
                    let (mean, inverse) = (stats[2 * row], stats[2 * row + 1]);
                    if affine {
                        for column in 0..width {
                            dscale[column] += dy[column] * (x[column] - mean) * inverse;
                            dshift[column] += dy[column];
                        }
                    }
                    if let Some((dx, accumulate)) = &mut dx {
                        let dx = &mut dx[at * width..][..width];
                        match scale {
                            None => inner.copy_from_slice(dy),
                            Some(scale) => {
                                for column in 0..width {
                                    inner[column] = dy[column] * scale[column];
                                }
                            }
                        }
                        row_back(kind, (mean, inverse), x, inner, dx, *accumulate);
                    }
                }
            },
        );
    };
    let cut = partial.par_chunks_mut(stride);
    match dx {
        None => cut.enumerate().for_each(|(part, partial)| work(part, None, partial)),
        Some(dx) => {
            let accumulate = dx.accumulate;
            cut.zip(dx.values.par_chunks_mut(rows_a_part * width))
                .enumerate()
                .for_each(|(part, (partial, dx))| work(part, Some((dx, accumulate)), partial));
        }
    }
    if let Some(dscale) = dscale {
        add_parts(&partial, stride, 0, dscale);
    }
    if let Some(dshift) = dshift {
        add_parts(&partial, stride, width, dshift);
    }
    buffers.give(partial);
}

#[inline(always)]
fn row_back(
    kind: NormKind,
    (mean, inverse): (f32, f32),
    x: &[f32],
    inner: &[f32],
    dx: &mut [f32],
    accumulate: bool,
) {
    let count = x.len() as f32;
    let total = lanes::sum(inner);
    let sum = if kind == NormKind::Layer { total / count } else { 0.0 };
    // Not Σ inner x - mean Σ inner: that loses its digits where the mean is large.
    let along = lanes::dot_centred(inner, x, mean) * inverse / count;
    let values = inner
        .iter()
        .zip(x)
        .map(|(inner, x)| inverse * (*inner - sum - (*x - mean) * inverse * along));
    if accumulate {
        dx.iter_mut().zip(values).for_each(|(dx, value)| *dx += value);
    } else {
        dx.iter_mut().zip(values).for_each(|(dx, value)| *dx = value);
    }
}
