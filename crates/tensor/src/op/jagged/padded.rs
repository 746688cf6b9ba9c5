//! Between a jagged tensor and a padded one.

use super::check::Check;
use super::run;
use crate::device::Device;
use crate::error::Result;
use crate::jagged::Offsets;

/// Row `b` of `out` begins with the tokens of row `b` and goes on with `pad`:
/// `[Σn, d] → [B, N, d]`, `N` is `length`.
///
/// # Errors
/// Where a row is longer than `length` (nothing is cut off), a size does not fit, or there is no
/// such device.
pub fn to_padded(
    device: Device,
    values: &[f32],
    width: usize,
    offsets: &Offsets,
    length: usize,
    pad: f32,
    out: &mut [f32],
) -> Result<()> {
    let check = Check("jagged to padded");
    fit(check, width, offsets, length, ("values", values), ("out", out))?;
    run!(device, to_padded(values, width, offsets, length, pad, out))
}

/// Gradient of [`to_padded`]: `[B, N, d]` to `[Σn, d]`; the padding's goes nowhere.
///
/// # Errors
/// Where a row is longer than `length`, a size does not fit, or there is no such device.
pub fn to_padded_backward(
    device: Device,
    gradient: &[f32],
    width: usize,
    offsets: &Offsets,
    length: usize,
    accumulate: bool,
    values_gradient: &mut [f32],
) -> Result<()> {
    let check = Check("jagged to padded backward");
    let values = ("the gradient of the values", &*values_gradient);
    fit(check, width, offsets, length, values, ("the gradient", gradient))?;
    run!(
        device,
        to_padded_backward(gradient, width, offsets, length, accumulate, values_gradient)
    )
}

/// The tokens that are no padding: `[B, N, d] → [Σn, d]`, `N` is `length`.
///
/// # Errors
/// Where a row is longer than `length`, a size does not fit, or there is no such device.
pub fn from_padded(
    device: Device,
    padded: &[f32],
    width: usize,
    offsets: &Offsets,
    length: usize,
    out: &mut [f32],
) -> Result<()> {
    let check = Check("jagged from padded");
    fit(check, width, offsets, length, ("out", out), ("padded", padded))?;
    run!(device, from_padded(padded, width, offsets, length, out))
}

/// Gradient of [`from_padded`]: `[Σn, d]` to `[B, N, d]`; the padding's is 0.
///
/// # Errors
/// Where a row is longer than `length`, a size does not fit, or there is no such device.
pub fn from_padded_backward(
    device: Device,
    gradient: &[f32],
    width: usize,
    offsets: &Offsets,
    length: usize,
    accumulate: bool,
    padded_gradient: &mut [f32],
) -> Result<()> {
    let check = Check("jagged from padded backward");
    let padded = ("the gradient of the padded", &*padded_gradient);
    fit(check, width, offsets, length, ("the gradient", gradient), padded)?;
    run!(
        device,
        from_padded_backward(gradient, width, offsets, length, accumulate, padded_gradient)
    )
}

fn fit(
    check: Check,
    width: usize,
    offsets: &Offsets,
    length: usize,
    jagged: (&str, &[f32]),
    padded: (&str, &[f32]),
) -> Result<()> {
    check.width(width)?;
    check.longest(offsets, length)?;
    check.shape(jagged.0, jagged.1, &[offsets.total(), width])?;
    check.shape(padded.0, padded.1, &[offsets.rows(), length, width])
}
