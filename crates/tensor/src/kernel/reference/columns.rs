//! Columns side by side, and apart again.

use crate::Real;
use crate::kernel::Grad;

/// Copies `from [rows, from_width]` into columns `at..` of `to [rows, to_width]`.
pub fn place<F: Real>(from: &[F], from_width: usize, to: &mut [F], to_width: usize, at: usize) {
    for (from, to) in from.chunks_exact(from_width).zip(to.chunks_exact_mut(to_width)) {
        to[at..at + from_width].copy_from_slice(from);
    }
}

/// Copies columns `at..at + to_width` of `from` into `to`.
pub fn cut<F: Real>(from: &[F], from_width: usize, at: usize, to: &mut [F], to_width: usize) {
    for (from, to) in from.chunks_exact(from_width).zip(to.chunks_exact_mut(to_width)) {
        to.copy_from_slice(&from[at..at + to_width]);
    }
}

/// Adds columns `at..` of `from` to `to`: the gradient of [`place`].
pub fn add_cut<F: Real>(
    from: &[F],
    from_width: usize,
    at: usize,
    to: Grad<'_, F>,
    to_width: usize,
) {
    let to = to.zeroed();
    for (from, to) in from.chunks_exact(from_width).zip(to.chunks_exact_mut(to_width)) {
        for (to, from) in to.iter_mut().zip(&from[at..at + to_width]) {
            *to += *from;
        }
    }
}

/// Adds `from` to columns `at..` of `to`: the gradient of [`cut`].
pub fn add_place<F: Real>(
    from: &[F],
    from_width: usize,
    to: Grad<'_, F>,
    to_width: usize,
    at: usize,
) {
    let to = to.zeroed();
    for (from, to) in from.chunks_exact(from_width).zip(to.chunks_exact_mut(to_width)) {
        for (to, from) in to[at..at + from_width].iter_mut().zip(from) {
            *to += *from;
        }
    }
}
