//! A jagged tensor and one dense vector per row.

use super::check::Check;
use super::run;
use crate::device::Device;
use crate::error::Result;
use crate::jagged::Offsets;
use crate::kernel::pair::{Pair, PairMut};

/// `out[t] = left[t] + right[b]` for every token `t` of row `b`: `left` and `out` are `[Σn, d]`,
/// `right` is `[B, d]`.
///
/// # Errors
/// Where a size does not fit, or there is no such device.
pub fn broadcast_add(
    device: Device,
    operands: Pair<'_>,
    width: usize,
    offsets: &Offsets,
    out: &mut [f32],
) -> Result<()> {
    let check = Check("jagged broadcast add");
    operands_fit(check, operands, width, offsets)?;
    check.shape("out", out, &[offsets.total(), width])?;
    run!(device, broadcast_add(operands, width, offsets, out))
}

/// Gradients of [`broadcast_add`]: `ḡ`, and its sum over the tokens of each row.
///
/// # Errors
/// Where a size does not fit, or there is no such device.
pub fn broadcast_add_backward(
    device: Device,
    gradient: &[f32],
    width: usize,
    offsets: &Offsets,
    accumulate: bool,
    gradients: PairMut<'_>,
) -> Result<()> {
    let check = Check("jagged broadcast add backward");
    gradients_fit(check, gradient, width, offsets, &gradients)?;
    run!(device, broadcast_add_backward(gradient, width, offsets, accumulate, gradients))
}

/// `out[t] = left[t] · right[b]` for every token `t` of row `b`: `left` and `out` are `[Σn, d]`,
/// `right` is `[B, d]`.
///
/// # Errors
/// Where a size does not fit, or there is no such device.
pub fn broadcast_multiply(
    device: Device,
    operands: Pair<'_>,
    width: usize,
    offsets: &Offsets,
    out: &mut [f32],
) -> Result<()> {
    let check = Check("jagged broadcast multiply");
    operands_fit(check, operands, width, offsets)?;
    check.shape("out", out, &[offsets.total(), width])?;
    run!(device, broadcast_multiply(operands, width, offsets, out))
}

/// Gradients of [`broadcast_multiply`]: `ḡ · right`, and the sum of `ḡ · left` over the tokens of
/// each row.
///
/// # Errors
/// Where a size does not fit, or there is no such device.
pub fn broadcast_multiply_backward(
    device: Device,
    operands: Pair<'_>,
    gradient: &[f32],
    width: usize,
    offsets: &Offsets,
    accumulate: bool,
    gradients: PairMut<'_>,
) -> Result<()> {
    let check = Check("jagged broadcast multiply backward");
    operands_fit(check, operands, width, offsets)?;
    gradients_fit(check, gradient, width, offsets, &gradients)?;
    run!(
        device,
        broadcast_multiply_backward(operands, gradient, width, offsets, accumulate, gradients)
    )
}

fn operands_fit(
    check: Check,
    operands: Pair<'_>,
    width: usize,
    offsets: &Offsets,
) -> Result<()> {
    check.width(width)?;
    check.shape("left", operands.left, &[offsets.total(), width])?;
    check.shape("right", operands.right, &[offsets.rows(), width])
}

fn gradients_fit(
    check: Check,
    gradient: &[f32],
    width: usize,
    offsets: &Offsets,
    gradients: &PairMut<'_>,
) -> Result<()> {
    check.width(width)?;
    check.shape("the gradient", gradient, &[offsets.total(), width])?;
    check.shape("the left gradient", gradients.left, &[offsets.total(), width])?;
    check.shape("the right gradient", gradients.right, &[offsets.rows(), width])
}
