//! y = act(x W + b), a few hundred rows at a time: what a product wrote is still in the cache
//! when bias and activation pass over it, and dy when both of its products read it.

use rayon::prelude::*;

use super::lanes::{self, simd};
use super::matmul::{Size, View, product};
use super::parts::{add_parts, chunk_rows, part_rows, parts};
use crate::Activation;
use crate::buffers::Buffers;
use crate::kernel::Grad;
use crate::meter::Meter;
use crate::op::LinearShape;

/// As [`crate::kernel::reference::linear::forward`].
#[allow(clippy::too_many_arguments, reason = "one argument a tensor")]
pub(crate) fn forward(
    meter: &Meter,
    shape: LinearShape,
    x: &[f32],
    weight: &[f32],
    bias: Option<&[f32]>,
    activation: Activation,
    y: &mut [f32],
    before: Option<&mut [f32]>,
) {
    let LinearShape { rows, input, output } = shape;
    let chunk = chunk_rows(rows);
    let work = |x: &[f32], y: &mut [f32], before: Option<&mut [f32]>| {
        let size = Size { m: y.len() / output, n: output, k: input };
        product(meter, size, View::rows(x, input), View::rows(weight, output), y, false);
        simd(
            #[inline(always)]
            || finish(y, output, bias, activation, before),
        );
    };
    if rows == 0 || output == 0 {
        return;
    }
    let cut = y.par_chunks_mut(chunk * output).zip(x.par_chunks(chunk * input));
    match before {
        None => cut.for_each(|(y, x)| work(x, y, None)),
        Some(before) => cut
            .zip(before.par_chunks_mut(chunk * output))
            .for_each(|((y, x), before)| work(x, y, Some(before))),
    }
}

#[inline(always)]
fn finish(
    y: &mut [f32],
    width: usize,
    bias: Option<&[f32]>,
    activation: Activation,
    before: Option<&mut [f32]>,
) {
    if let Some(bias) = bias {
        for row in y.chunks_exact_mut(width) {
            row.iter_mut().zip(bias).for_each(|(y, bias)| *y += bias);
        }
    }
    if let Some(before) = before {
        before.copy_from_slice(y);
    }
    match activation {
        Activation::None => {}
        Activation::Relu => y.iter_mut().for_each(|y| *y = if *y < 0.0 { 0.0 } else { *y }),
        Activation::Silu => y.iter_mut().for_each(|y| *y *= lanes::sigmoid(*y)),
        Activation::Sigmoid => y.iter_mut().for_each(|y| *y = lanes::sigmoid(*y)),
        Activation::Tanh | Activation::Gelu => {
            y.iter_mut().for_each(|y| *y = activation.of(*y));
        }
    }
}

/// dy becomes the gradient before the activation.
#[inline(always)]
fn through(activation: Activation, known: &[f32], dy: &mut [f32]) {
    let pairs = dy.iter_mut().zip(known);
    match activation {
        Activation::None => {}
        Activation::Relu => pairs.for_each(|(dy, y)| *dy = if *y > 0.0 { *dy } else { 0.0 }),
        Activation::Silu => pairs.for_each(|(dy, x)| {
            let open = lanes::sigmoid(*x);
            *dy *= open * (1.0 + *x * (1.0 - open));
        }),
        Activation::Sigmoid => pairs.for_each(|(dy, y)| *dy *= *y * (1.0 - *y)),
        Activation::Tanh => pairs.for_each(|(dy, y)| *dy *= 1.0 - *y * *y),
        Activation::Gelu => pairs.for_each(|(dy, x)| *dy *= activation.slope(*x)),
    }
}

/// As [`crate::kernel::reference::linear::backward`]; `dy` is used up.
#[allow(clippy::too_many_arguments, reason = "one argument a tensor")]
pub(crate) fn backward(
    meter: &Meter,
    buffers: &mut Buffers,
    shape: LinearShape,
    x: &[f32],
    weight: &[f32],
    activation: Activation,
    known: &[f32],
    dy: &mut [f32],
    mut dx: Option<Grad<'_, f32>>,
    dweight: Option<Grad<'_, f32>>,
    dbias: Option<Grad<'_, f32>>,
) {
    let LinearShape { rows, input, output } = shape;
    let rows_a_part = part_rows(rows);
    // The partial gradients of a part: weight, then bias.
    let stride = (input + 1) * output;
    let mut partial = buffers.take(parts(rows) * stride);
    let (wants_weight, wants_bias) = (dweight.is_some(), dbias.is_some());
    let work = |part: usize,
                dy: &mut [f32],
                mut dx: Option<(&mut [f32], bool)>,
                partial: &mut [f32]| {
        let first = part * rows_a_part;
        let chunk = chunk_rows(dy.len() / output);
        let (dweight, dbias) = partial.split_at_mut(input * output);
        dbias.fill(0.0);
        for (at, dy) in dy.chunks_mut(chunk * output).enumerate() {
            let row = first + at * chunk;
            let count = dy.len() / output;
            simd(
                #[inline(always)]
                || {
                    through(activation, &known[row * output..][..dy.len()], dy);
                    if wants_bias {
                        for dy in dy.chunks_exact(output) {
                            lanes::add_multiple(dbias, 1.0, dy);
                        }
                    }
                },
            );
            if let Some((dx, accumulate)) = &mut dx {
                let dx = &mut dx[at * chunk * input..][..count * input];
                let size = Size { m: count, n: input, k: output };
                let weight = View::rows(weight, output).transposed();
                product(meter, size, View::rows(dy, output), weight, dx, *accumulate);
            }
            if wants_weight {
                let size = Size { m: input, n: output, k: count };
                let x = View::rows(&x[row * input..][..count * input], input).transposed();
                product(meter, size, x, View::rows(dy, output), dweight, at > 0);
            }
        }
    };
    let cut = dy.par_chunks_mut(rows_a_part * output).zip(partial.par_chunks_mut(stride));
    match &mut dx {
        None => cut.enumerate().for_each(|(part, (dy, partial))| work(part, dy, None, partial)),
        Some(dx) => {
            let accumulate = dx.accumulate;
            cut.zip(dx.values.par_chunks_mut(rows_a_part * input)).enumerate().for_each(
                |(part, ((dy, partial), dx))| work(part, dy, Some((dx, accumulate)), partial),
            );
        }
    }
    if let Some(dweight) = dweight {
        add_parts(&partial, stride, 0, dweight);
    }
    if let Some(dbias) = dbias {
        add_parts(&partial, stride, input * output, dbias);
    }
    buffers.give(partial);
}
