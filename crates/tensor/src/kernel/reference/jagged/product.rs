//! Matrix products row by row of the jagged tensor; `widths` is `(d, e)`.

use crate::jagged::Offsets;
use crate::kernel::pair::{Pair, PairMut};
use crate::kernel::put::put;
use crate::real::Real;

/// `out_b = left_b · right_b`: `[Σn, d] × [B, d, e] → [Σn, e]`.
pub fn dense_product<F: Real>(
    operands: Pair<'_, F>,
    widths: (usize, usize),
    offsets: &Offsets,
    out: &mut [F],
) {
    let (inner, outer) = widths;
    for (row, tokens) in offsets.ranges().enumerate() {
        let dense = &operands.right[row * inner * outer..];
        for token in tokens {
            for e in 0..outer {
                let terms = 0..inner;
                out[token * outer + e] = terms
                    .map(|d| operands.left[token * inner + d] * dense[d * outer + e])
                    .sum();
            }
        }
    }
}

/// Gradients of [`dense_product`]: `Ḡ_b · right_bᵀ` and `left_bᵀ · Ḡ_b`.
pub fn dense_product_backward<F: Real>(
    operands: Pair<'_, F>,
    gradient: &[F],
    widths: (usize, usize),
    offsets: &Offsets,
    accumulate: bool,
    gradients: PairMut<'_, F>,
) {
    let (inner, outer) = widths;
    for (row, tokens) in offsets.ranges().enumerate() {
        let first = row * inner * outer;
        for token in tokens.clone() {
            for d in 0..inner {
                let sum = (0..outer)
                    .map(|e| {
                        gradient[token * outer + e] * operands.right[first + d * outer + e]
                    })
                    .sum();
                put(&mut gradients.left[token * inner + d], sum, accumulate);
            }
        }
        for d in 0..inner {
            for e in 0..outer {
                let terms = tokens.clone();
                let sum = terms
                    .map(|token| operands.left[token * inner + d] * gradient[token * outer + e])
                    .sum();
                put(&mut gradients.right[first + d * outer + e], sum, accumulate);
            }
        }
    }
}

/// `out_b = left_bᵀ · right_b`, summed over the tokens of the row:
/// `[Σn, d] × [Σn, e] → [B, d, e]`; zeros for an empty row.
pub fn jagged_product<F: Real>(
    operands: Pair<'_, F>,
    widths: (usize, usize),
    offsets: &Offsets,
    out: &mut [F],
) {
    let (inner, outer) = widths;
    for (row, tokens) in offsets.ranges().enumerate() {
        for d in 0..inner {
            for e in 0..outer {
                let terms = tokens.clone();
                out[(row * inner + d) * outer + e] = terms
                    .map(|t| operands.left[t * inner + d] * operands.right[t * outer + e])
                    .sum();
            }
        }
    }
}

/// Gradients of [`jagged_product`]: `right_b · Ḡ_bᵀ` and `left_b · Ḡ_b`.
pub fn jagged_product_backward<F: Real>(
    operands: Pair<'_, F>,
    gradient: &[F],
    widths: (usize, usize),
    offsets: &Offsets,
    accumulate: bool,
    gradients: PairMut<'_, F>,
) {
    let (inner, outer) = widths;
    for (row, tokens) in offsets.ranges().enumerate() {
        let gradient = &gradient[row * inner * outer..];
        for token in tokens {
            for d in 0..inner {
                let sum = (0..outer)
                    .map(|e| operands.right[token * outer + e] * gradient[d * outer + e])
                    .sum();
                put(&mut gradients.left[token * inner + d], sum, accumulate);
            }
            for e in 0..outer {
                let sum = (0..inner)
                    .map(|d| operands.left[token * inner + d] * gradient[d * outer + e])
                    .sum();
                put(&mut gradients.right[token * outer + e], sum, accumulate);
            }
        }
    }
}
