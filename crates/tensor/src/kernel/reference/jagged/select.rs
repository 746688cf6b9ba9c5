//! Some tokens of a jagged tensor: `[Σn, d] → [m, d]`.

use crate::jagged::Offsets;
use crate::kernel::put::put_all;
use crate::pick::Pick;
use crate::real::Real;

/// `out[i]` is the token of pick `i`, or zeros.
pub fn select<F: Real>(
    values: &[F],
    width: usize,
    offsets: &Offsets,
    picks: &[Pick],
    out: &mut [F],
) {
    for (pick, out) in picks.iter().zip(out.chunks_exact_mut(width)) {
        match pick.token(offsets) {
            Some(token) => out.copy_from_slice(&values[token * width..(token + 1) * width]),
            None => out.fill(F::ZERO),
        }
    }
}

/// Gradient of [`select`]: each token gets the sum over its picks, in their order. `gradient` is
/// `[m, d]`, `values_gradient` is `[Σn, d]`.
pub fn select_backward<F: Real>(
    gradient: &[F],
    width: usize,
    offsets: &Offsets,
    picks: &[Pick],
    accumulate: bool,
    values_gradient: &mut [F],
) {
    if !accumulate {
        values_gradient.fill(F::ZERO);
    }
    for (pick, gradient) in picks.iter().zip(gradient.chunks_exact(width)) {
        if let Some(token) = pick.token(offsets) {
            put_all(&mut values_gradient[token * width..(token + 1) * width], gradient, true);
        }
    }
}
