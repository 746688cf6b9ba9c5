//! Two jagged tensors of the same offsets, value by value. All slices are `[Σn, d]`.

use crate::kernel::pair::{Pair, PairMut};
use crate::kernel::put::put;
use crate::real::Real;

/// `out = left + right`.
pub fn add<F: Real>(operands: Pair<'_, F>, out: &mut [F]) {
    for (at, out) in out.iter_mut().enumerate() {
        *out = operands.left[at] + operands.right[at];
    }
}

/// Gradients of [`add`].
pub fn add_backward<F: Real>(gradient: &[F], accumulate: bool, gradients: PairMut<'_, F>) {
    for (at, gradient) in gradient.iter().enumerate() {
        put(&mut gradients.left[at], *gradient, accumulate);
        put(&mut gradients.right[at], *gradient, accumulate);
    }
}

/// `out = left − right`.
pub fn subtract<F: Real>(operands: Pair<'_, F>, out: &mut [F]) {
    for (at, out) in out.iter_mut().enumerate() {
        *out = operands.left[at] - operands.right[at];
    }
}

/// Gradients of [`subtract`].
pub fn subtract_backward<F: Real>(gradient: &[F], accumulate: bool, gradients: PairMut<'_, F>) {
    for (at, gradient) in gradient.iter().enumerate() {
        put(&mut gradients.left[at], *gradient, accumulate);
        put(&mut gradients.right[at], -*gradient, accumulate);
    }
}

/// `out = left · right`.
pub fn multiply<F: Real>(operands: Pair<'_, F>, out: &mut [F]) {
    for (at, out) in out.iter_mut().enumerate() {
        *out = operands.left[at] * operands.right[at];
    }
}

/// Gradients of [`multiply`].
pub fn multiply_backward<F: Real>(
    operands: Pair<'_, F>,
    gradient: &[F],
    accumulate: bool,
    gradients: PairMut<'_, F>,
) {
    for (at, gradient) in gradient.iter().enumerate() {
        put(&mut gradients.left[at], *gradient * operands.right[at], accumulate);
        put(&mut gradients.right[at], *gradient * operands.left[at], accumulate);
    }
}
