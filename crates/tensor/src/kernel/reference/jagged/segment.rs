//! One vector for each row: `[Σn, d] → [B, d]`.

use crate::jagged::Offsets;
use crate::kernel::put::put;
use crate::real::Real;

/// Sum over the tokens of each row; zeros for an empty one.
pub fn segment_sum<F: Real>(values: &[F], width: usize, offsets: &Offsets, out: &mut [F]) {
    for (row, tokens) in offsets.ranges().enumerate() {
        for column in 0..width {
            let terms = tokens.clone();
            out[row * width + column] = terms.map(|token| values[token * width + column]).sum();
        }
    }
}

/// Gradient of [`segment_sum`]: `gradient` is `[B, d]`, `values_gradient` is `[Σn, d]`.
pub fn segment_sum_backward<F: Real>(
    gradient: &[F],
    width: usize,
    offsets: &Offsets,
    accumulate: bool,
    values_gradient: &mut [F],
) {
    for (row, tokens) in offsets.ranges().enumerate() {
        for token in tokens {
            for column in 0..width {
                let slot = &mut values_gradient[token * width + column];
                put(slot, gradient[row * width + column], accumulate);
            }
        }
    }
}

/// Mean over the tokens of each row; zeros for an empty one.
pub fn segment_mean<F: Real>(values: &[F], width: usize, offsets: &Offsets, out: &mut [F]) {
    segment_sum(values, width, offsets, out);
    for row in 0..offsets.rows() {
        let scale = share(offsets.length(row));
        for out in &mut out[row * width..(row + 1) * width] {
            *out *= scale;
        }
    }
}

/// Gradient of [`segment_mean`]: `gradient` is `[B, d]`, `values_gradient` is `[Σn, d]`.
pub fn segment_mean_backward<F: Real>(
    gradient: &[F],
    width: usize,
    offsets: &Offsets,
    accumulate: bool,
    values_gradient: &mut [F],
) {
    for (row, tokens) in offsets.ranges().enumerate() {
        let scale = share(tokens.len());
        for token in tokens {
            for column in 0..width {
                let slot = &mut values_gradient[token * width + column];
                put(slot, gradient[row * width + column] * scale, accumulate);
            }
        }
    }
}

/// What one token of `length` weighs in their mean.
fn share<F: Real>(length: usize) -> F {
    if length == 0 { F::ZERO } else { F::ONE / F::of(length as f64) }
}

/// Largest over the tokens of each row, and in `tokens` (`[B, d]`) which token it was, the first
/// of equals. An empty row gives zeros, and `u32::MAX` for its token. A NaN is larger than any
/// number, so that it is seen.
pub fn segment_max<F: Real>(
    values: &[F],
    width: usize,
    offsets: &Offsets,
    out: &mut [F],
    tokens: &mut [u32],
) {
    for (row, range) in offsets.ranges().enumerate() {
        for column in 0..width {
            let mut best = (F::ZERO, u32::MAX);
            for token in range.clone() {
                let value = values[token * width + column];
                if best.1 == u32::MAX || exceeds(value, best.0) {
                    // Offsets end at i32::MAX.
                    best = (value, token as u32);
                }
            }
            (out[row * width + column], tokens[row * width + column]) = best;
        }
    }
}

/// Whether `value` takes the place of `best`.
fn exceeds<F: Real>(value: F, best: F) -> bool {
    value > best || (is_nan(value) && !is_nan(best))
}

fn is_nan<F: Real>(value: F) -> bool {
    value.wide().is_nan()
}

/// Gradient of [`segment_max`]: all of it to the token that was largest. `gradient` and `tokens`
/// are `[B, d]`, `values_gradient` is `[Σn, d]`.
pub fn segment_max_backward<F: Real>(
    tokens: &[u32],
    gradient: &[F],
    width: usize,
    offsets: &Offsets,
    accumulate: bool,
    values_gradient: &mut [F],
) {
    for (row, range) in offsets.ranges().enumerate() {
        for token in range {
            for column in 0..width {
                let at = row * width + column;
                let value = if tokens[at] as usize == token { gradient[at] } else { F::ZERO };
                put(&mut values_gradient[token * width + column], value, accumulate);
            }
        }
    }
}
