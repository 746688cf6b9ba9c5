//! Two jagged tensors joined row by row, and taken apart again: a cached prefix and its suffix.
//!
//! `offsets` are those of the front and of the back; the whole has the sums of their lengths.

use crate::jagged::Offsets;
use crate::kernel::pair::{Pair, PairMut};
use crate::kernel::put::put_all;
use crate::real::Real;

/// Row `b` of `out` is row `b` of `left`, then row `b` of `right`:
/// `[Σn, d]` and `[Σm, d]` to `[Σ(n + m), d]`.
pub fn concat<F: Real>(
    operands: Pair<'_, F>,
    width: usize,
    offsets: (&Offsets, &Offsets),
    out: &mut [F],
) {
    split_backward(operands, width, offsets, false, out);
}

/// Gradients of [`concat()`]: [`split`], which can also add.
pub fn concat_backward<F: Real>(
    gradient: &[F],
    width: usize,
    offsets: (&Offsets, &Offsets),
    accumulate: bool,
    gradients: PairMut<'_, F>,
) {
    let (left, right) = (gradients.left, gradients.right);
    for (front, back) in offsets.0.ranges().zip(offsets.1.ranges()) {
        let middle = front.end + back.start;
        let (start, end) = (front.start + back.start, front.end + back.end);
        put_all(
            &mut left[front.start * width..front.end * width],
            &gradient[start * width..middle * width],
            accumulate,
        );
        put_all(
            &mut right[back.start * width..back.end * width],
            &gradient[middle * width..end * width],
            accumulate,
        );
    }
}

/// The inverse of [`concat()`]: `[Σ(n + m), d]` to `[Σn, d]` and `[Σm, d]`.
pub fn split<F: Real>(
    values: &[F],
    width: usize,
    offsets: (&Offsets, &Offsets),
    parts: PairMut<'_, F>,
) {
    concat_backward(values, width, offsets, false, parts);
}

/// Gradient of [`split`] from those of both parts: [`concat()`], which can also add.
pub fn split_backward<F: Real>(
    gradient: Pair<'_, F>,
    width: usize,
    offsets: (&Offsets, &Offsets),
    accumulate: bool,
    values_gradient: &mut [F],
) {
    for (front, back) in offsets.0.ranges().zip(offsets.1.ranges()) {
        let middle = front.end + back.start;
        let (start, end) = (front.start + back.start, front.end + back.end);
        put_all(
            &mut values_gradient[start * width..middle * width],
            &gradient.left[front.start * width..front.end * width],
            accumulate,
        );
        put_all(
            &mut values_gradient[middle * width..end * width],
            &gradient.right[back.start * width..back.end * width],
            accumulate,
        );
    }
}
