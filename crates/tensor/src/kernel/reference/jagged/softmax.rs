//! Softmax over the tokens of each row, one column (one head) at a time.

use crate::jagged::Offsets;
use crate::kernel::put::put;
use crate::real::Real;

/// `out[t, c] = exp(values[t, c] − m) / Σ exp(… − m)` over the tokens of the row, `m` the largest
/// of them; both `[Σn, h]`. A column that is −∞ all through a row (masked) gives zeros.
pub fn softmax<F: Real>(values: &[F], width: usize, offsets: &Offsets, out: &mut [F]) {
    for tokens in offsets.ranges() {
        for column in 0..width {
            let all = tokens.clone().map(|token| token * width + column);
            let peak = all.clone().map(|at| values[at]).fold(F::NEG_INFINITY, F::max);
            let peak = if peak == F::NEG_INFINITY { F::ZERO } else { peak };
            let mut sum = F::ZERO;
            for at in all.clone() {
                out[at] = (values[at] - peak).exp();
                sum += out[at];
            }
            let scale = if sum == F::ZERO { F::ZERO } else { F::ONE / sum };
            for at in all {
                out[at] *= scale;
            }
        }
    }
}

/// Gradient of [`softmax`] from its `output` `y`: `y · (ḡ − Σ y ḡ)`. All `[Σn, h]`.
pub fn softmax_backward<F: Real>(
    output: &[F],
    gradient: &[F],
    width: usize,
    offsets: &Offsets,
    accumulate: bool,
    values_gradient: &mut [F],
) {
    for tokens in offsets.ranges() {
        for column in 0..width {
            let all = tokens.clone().map(|token| token * width + column);
            let mean: F = all.clone().map(|at| output[at] * gradient[at]).sum();
            for at in all {
                put(&mut values_gradient[at], output[at] * (gradient[at] - mean), accumulate);
            }
        }
    }
}
