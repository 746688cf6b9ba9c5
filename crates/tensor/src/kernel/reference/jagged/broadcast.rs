//! A jagged tensor and one dense vector per row: `left` is `[Σn, d]`, `right` is `[B, d]`.

use crate::jagged::Offsets;
use crate::kernel::pair::{Pair, PairMut};
use crate::kernel::put::put;
use crate::real::Real;

/// `out[t] = left[t] + right[b]` for every token `t` of row `b`; `out` is `[Σn, d]`.
pub fn broadcast_add<F: Real>(
    operands: Pair<'_, F>,
    width: usize,
    offsets: &Offsets,
    out: &mut [F],
) {
    for (row, tokens) in offsets.ranges().enumerate() {
        for token in tokens {
            for column in 0..width {
                let at = token * width + column;
                out[at] = operands.left[at] + operands.right[row * width + column];
            }
        }
    }
}

/// Gradients of [`broadcast_add`]: that of `right` is the sum over the tokens of its row.
pub fn broadcast_add_backward<F: Real>(
    gradient: &[F],
    width: usize,
    offsets: &Offsets,
    accumulate: bool,
    gradients: PairMut<'_, F>,
) {
    for (row, tokens) in offsets.ranges().enumerate() {
        for column in 0..width {
            let mut sum = F::ZERO;
            for token in tokens.clone() {
                let at = token * width + column;
                put(&mut gradients.left[at], gradient[at], accumulate);
                sum += gradient[at];
            }
            put(&mut gradients.right[row * width + column], sum, accumulate);
        }
    }
}

/// `out[t] = left[t] · right[b]` for every token `t` of row `b`; `out` is `[Σn, d]`.
pub fn broadcast_multiply<F: Real>(
    operands: Pair<'_, F>,
    width: usize,
    offsets: &Offsets,
    out: &mut [F],
) {
    for (row, tokens) in offsets.ranges().enumerate() {
        for token in tokens {
            for column in 0..width {
                let at = token * width + column;
                out[at] = operands.left[at] * operands.right[row * width + column];
            }
        }
    }
}

/// Gradients of [`broadcast_multiply`].
pub fn broadcast_multiply_backward<F: Real>(
    operands: Pair<'_, F>,
    gradient: &[F],
    width: usize,
    offsets: &Offsets,
    accumulate: bool,
    gradients: PairMut<'_, F>,
) {
    for (row, tokens) in offsets.ranges().enumerate() {
        for column in 0..width {
            let dense = row * width + column;
            let mut sum = F::ZERO;
            for token in tokens.clone() {
                let at = token * width + column;
                put(&mut gradients.left[at], gradient[at] * operands.right[dense], accumulate);
                sum += gradient[at] * operands.left[at];
            }
            put(&mut gradients.right[dense], sum, accumulate);
        }
    }
}
