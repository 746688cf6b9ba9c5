//! Two jagged tensors of the same offsets, value by value.

use super::tasks::{each, step};
use crate::kernel::pair::{Pair, PairMut};
use crate::kernel::put::put;

pub(crate) fn add(operands: Pair<'_>, out: &mut [f32]) {
    zip(
        operands,
        out,
        #[inline(always)]
        |left, right| left + right,
    );
}

pub(crate) fn add_backward(gradient: &[f32], accumulate: bool, gradients: PairMut<'_>) {
    give(gradient, 1.0, accumulate, gradients);
}

pub(crate) fn subtract(operands: Pair<'_>, out: &mut [f32]) {
    zip(
        operands,
        out,
        #[inline(always)]
        |left, right| left - right,
    );
}

pub(crate) fn subtract_backward(gradient: &[f32], accumulate: bool, gradients: PairMut<'_>) {
    give(gradient, -1.0, accumulate, gradients);
}

pub(crate) fn multiply(operands: Pair<'_>, out: &mut [f32]) {
    zip(
        operands,
        out,
        #[inline(always)]
        |left, right| left * right,
    );
}

pub(crate) fn multiply_backward(
    operands: Pair<'_>,
    gradient: &[f32],
    accumulate: bool,
    gradients: PairMut<'_>,
) {
    let size = step(1);
    let read = operands.left.chunks(size).zip(operands.right.chunks(size));
    let write = gradients.left.chunks_mut(size).zip(gradients.right.chunks_mut(size));
    let tasks = gradient.chunks(size).zip(read).zip(write).collect();
    each(
        tasks,
        #[inline(always)]
        |((gradient, (left, right)), (to_left, to_right))| {
            let read = gradient.iter().zip(left.iter().zip(right));
            for ((gradient, (left, right)), (to_left, to_right)) in
                read.zip(to_left.iter_mut().zip(to_right))
            {
                put(to_left, gradient * right, accumulate);
                put(to_right, gradient * left, accumulate);
            }
        },
    );
}

/// `out = of(left, right)`.
fn zip(operands: Pair<'_>, out: &mut [f32], of: impl Fn(f32, f32) -> f32 + Sync) {
    let size = step(1);
    let read = operands.left.chunks(size).zip(operands.right.chunks(size));
    each(
        out.chunks_mut(size).zip(read).collect(),
        #[inline(always)]
        |(out, (left, right))| {
            for (slot, (left, right)) in out.iter_mut().zip(left.iter().zip(right)) {
                *slot = of(*left, *right);
            }
        },
    );
}

/// The gradient to the left, `sign` times the gradient to the right.
fn give(gradient: &[f32], sign: f32, accumulate: bool, gradients: PairMut<'_>) {
    let size = step(1);
    let write = gradients.left.chunks_mut(size).zip(gradients.right.chunks_mut(size));
    each(
        gradient.chunks(size).zip(write).collect(),
        #[inline(always)]
        |(gradient, (left, right))| {
            for (gradient, (left, right)) in gradient.iter().zip(left.iter_mut().zip(right)) {
                put(left, *gradient, accumulate);
                put(right, sign * gradient, accumulate);
            }
        },
    );
}
