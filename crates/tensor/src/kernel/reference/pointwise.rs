//! What happens to each number by itself, or to each row by itself.

use crate::Real;
use crate::kernel::Grad;
use crate::random::Dropout;

fn factor<F: Real>(dropout: Dropout, at: usize) -> F {
    F::of(f64::from(dropout.factor(at as u32)))
}

fn sigmoid<F: Real>(x: F) -> F {
    F::ONE / (F::ONE + (-x).exp())
}

/// y = x + drop(branch).
pub fn residual<F: Real>(x: Option<&[F]>, branch: &[F], dropout: Dropout, y: &mut [F]) {
    for (at, y) in y.iter_mut().enumerate() {
        *y = x.map_or(F::ZERO, |x| x[at]) + branch[at] * factor(dropout, at);
    }
}

/// The branch's gradient.
pub fn residual_backward<F: Real>(dy: &[F], dropout: Dropout, dbranch: Grad<'_, F>) {
    for (at, sum) in dbranch.zeroed().iter_mut().enumerate() {
        *sum += dy[at] * factor(dropout, at);
    }
}

/// y = x + sigmoid(gate) drop(branch).
pub fn gated<F: Real>(x: &[F], gate: &[F], branch: &[F], dropout: Dropout, y: &mut [F]) {
    for (at, y) in y.iter_mut().enumerate() {
        *y = x[at] + sigmoid(gate[at]) * branch[at] * factor(dropout, at);
    }
}

/// Gradients of gate and branch.
pub fn gated_backward<F: Real>(
    gate: &[F],
    branch: &[F],
    dropout: Dropout,
    dy: &[F],
    dgate: Option<Grad<'_, F>>,
    dbranch: Option<Grad<'_, F>>,
) {
    let (mut dgate, mut dbranch) = (dgate.map(Grad::zeroed), dbranch.map(Grad::zeroed));
    for at in 0..dy.len() {
        let (open, kept) = (sigmoid(gate[at]), factor::<F>(dropout, at));
        if let Some(dgate) = &mut dgate {
            dgate[at] += dy[at] * branch[at] * kept * open * (F::ONE - open);
        }
        if let Some(dbranch) = &mut dbranch {
            dbranch[at] += dy[at] * open * kept;
        }
    }
}

/// y = silu(a) b with `x [rows, 2 × width]` = (a | b) (Shazeer 2020).
pub fn swiglu<F: Real>(width: usize, x: &[F], y: &mut [F]) {
    for (x, y) in x.chunks_exact(2 * width).zip(y.chunks_exact_mut(width)) {
        for column in 0..width {
            y[column] = x[column] * sigmoid(x[column]) * x[width + column];
        }
    }
}

/// Gradient of both halves.
pub fn swiglu_backward<F: Real>(width: usize, x: &[F], dy: &[F], dx: Grad<'_, F>) {
    let dx = dx.zeroed();
    for row in 0..dy.len() / width {
        for column in 0..width {
            let (a, b) = (row * 2 * width + column, row * 2 * width + width + column);
            let (open, dy) = (sigmoid(x[a]), dy[row * width + column]);
            dx[a] += dy * x[b] * open * (F::ONE + x[a] * (F::ONE - open));
            dx[b] += dy * x[a] * open;
        }
    }
}

/// y = a b.
pub fn multiply<F: Real>(a: &[F], b: &[F], y: &mut [F]) {
    for (at, y) in y.iter_mut().enumerate() {
        *y = a[at] * b[at];
    }
}

/// The gradient of a factor, from the other one.
pub fn multiply_backward<F: Real>(other: &[F], dy: &[F], dx: Grad<'_, F>) {
    for (at, sum) in dx.zeroed().iter_mut().enumerate() {
        *sum += dy[at] * other[at];
    }
}

/// y = x / max(|x|, eps) of each row; writes the divisors to `lengths [rows]`.
pub fn normalise<F: Real>(width: usize, eps: F, x: &[F], y: &mut [F], lengths: &mut [F]) {
    for (row, length) in lengths.iter_mut().enumerate() {
        let x = &x[row * width..(row + 1) * width];
        *length = x.iter().map(|x| *x * *x).sum::<F>().sqrt().max(eps);
        for (y, x) in y[row * width..(row + 1) * width].iter_mut().zip(x) {
            *y = *x / *length;
        }
    }
}

/// Gradient through the length as well, except where `eps` stood in for it.
pub fn normalise_backward<F: Real>(
    width: usize,
    eps: F,
    y: &[F],
    lengths: &[F],
    dy: &[F],
    dx: Grad<'_, F>,
) {
    let dx = dx.zeroed();
    for (row, length) in lengths.iter().enumerate() {
        let range = row * width..(row + 1) * width;
        let (y, dy) = (&y[range.clone()], &dy[range.clone()]);
        let along = if *length > eps {
            y.iter().zip(dy).map(|(y, dy)| *y * *dy).sum::<F>()
        } else {
            F::ZERO
        };
        for ((dx, y), dy) in dx[range].iter_mut().zip(y).zip(dy) {
            *dx += (*dy - *y * along) / *length;
        }
    }
}

/// Σ weight x.
pub fn weighted_sum<F: Real>(x: &[F], weights: &[F]) -> F {
    x.iter().zip(weights).map(|(x, weight)| *x * *weight).sum::<F>()
}

/// Its gradient.
pub fn weighted_sum_backward<F: Real>(weights: &[F], dy: F, dx: Grad<'_, F>) {
    for (sum, weight) in dx.zeroed().iter_mut().zip(weights) {
        *sum += *weight * dy;
    }
}
