//! Between a jagged tensor `[Σn, d]` and a padded one `[B, N, d]`. No row is longer than `N`.

use crate::jagged::Offsets;
use crate::kernel::put::put_all;
use crate::real::Real;

/// Row `b` of `out` (`[B, N, d]`) begins with the tokens of row `b` and goes on with `pad`.
pub fn to_padded<F: Real>(
    values: &[F],
    width: usize,
    offsets: &Offsets,
    length: usize,
    pad: F,
    out: &mut [F],
) {
    out.fill(pad);
    for (row, tokens) in offsets.ranges().enumerate() {
        let start = row * length * width;
        out[start..start + tokens.len() * width]
            .copy_from_slice(&values[tokens.start * width..tokens.end * width]);
    }
}

/// Gradient of [`to_padded`]: `gradient` is `[B, N, d]`, `values_gradient` is `[Σn, d]`.
pub fn to_padded_backward<F: Real>(
    gradient: &[F],
    width: usize,
    offsets: &Offsets,
    length: usize,
    accumulate: bool,
    values_gradient: &mut [F],
) {
    for (row, tokens) in offsets.ranges().enumerate() {
        let start = row * length * width;
        put_all(
            &mut values_gradient[tokens.start * width..tokens.end * width],
            &gradient[start..start + tokens.len() * width],
            accumulate,
        );
    }
}

/// The tokens of `padded` (`[B, N, d]`) that are no padding, `[Σn, d]`.
pub fn from_padded<F: Real>(
    padded: &[F],
    width: usize,
    offsets: &Offsets,
    length: usize,
    out: &mut [F],
) {
    to_padded_backward(padded, width, offsets, length, false, out);
}

/// Gradient of [`from_padded`]: `gradient` is `[Σn, d]`, `padded_gradient` is `[B, N, d]`; the
/// padding has none.
pub fn from_padded_backward<F: Real>(
    gradient: &[F],
    width: usize,
    offsets: &Offsets,
    length: usize,
    accumulate: bool,
    padded_gradient: &mut [F],
) {
    if !accumulate {
        padded_gradient.fill(F::ZERO);
    }
    for (row, tokens) in offsets.ranges().enumerate() {
        let start = row * length * width;
        put_all(
            &mut padded_gradient[start..start + tokens.len() * width],
            &gradient[tokens.start * width..tokens.end * width],
            true,
        );
    }
}
