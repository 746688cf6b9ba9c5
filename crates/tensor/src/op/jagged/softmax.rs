//! Softmax over the tokens of each row.

use super::check::Check;
use super::run;
use crate::device::Device;
use crate::error::Result;
use crate::jagged::Offsets;

/// Softmax over the tokens of each row, for each column (head) on its own; both `[Σn, h]`. The
/// largest value is subtracted first, so that large scores do not overflow. A column that is −∞
/// all through a row (masked) gives zeros.
///
/// # Errors
/// Where a size does not fit, or there is no such device.
pub fn softmax(
    device: Device,
    values: &[f32],
    width: usize,
    offsets: &Offsets,
    out: &mut [f32],
) -> Result<()> {
    let check = Check("jagged softmax");
    let shape = [offsets.total(), width];
    check.width(width)?;
    check.shape("values", values, &shape)?;
    check.shape("out", out, &shape)?;
    run!(device, softmax(values, width, offsets, out))
}

/// Gradient of [`softmax`] from its `output` `y`: `y · (ḡ − Σ y ḡ)`. All `[Σn, h]`.
///
/// # Errors
/// Where a size does not fit, or there is no such device.
pub fn softmax_backward(
    device: Device,
    output: &[f32],
    gradient: &[f32],
    width: usize,
    offsets: &Offsets,
    accumulate: bool,
    values_gradient: &mut [f32],
) -> Result<()> {
    let check = Check("jagged softmax backward");
    let shape = [offsets.total(), width];
    check.width(width)?;
    check.shape("output", output, &shape)?;
    check.shape("the gradient", gradient, &shape)?;
    check.shape("the gradient of the values", values_gradient, &shape)?;
    run!(
        device,
        softmax_backward(output, gradient, width, offsets, accumulate, values_gradient)
    )
}
