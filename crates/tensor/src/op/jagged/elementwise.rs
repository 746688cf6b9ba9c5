//! Two jagged tensors of the same offsets, value by value.

use super::check::Check;
use super::run;
use crate::device::Device;
use crate::error::Result;
use crate::jagged::Offsets;
use crate::kernel::pair::{Pair, PairMut};

/// `out = left + right`. All `[Σn, d]`; `offsets` are those of both sides.
///
/// # Errors
/// Where the offsets differ, a size does not fit, or there is no such device.
pub fn add(
    device: Device,
    operands: Pair<'_>,
    width: usize,
    offsets: (&Offsets, &Offsets),
    out: &mut [f32],
) -> Result<()> {
    operands_fit(Check("jagged add"), operands, width, offsets, out)?;
    run!(device, add(operands, out))
}

/// Gradients of [`add`]: `ḡ` and `ḡ`. All slices have one size.
///
/// # Errors
/// Where a size does not fit, or there is no such device.
pub fn add_backward(
    device: Device,
    gradient: &[f32],
    accumulate: bool,
    gradients: PairMut<'_>,
) -> Result<()> {
    gradients_fit(Check("jagged add backward"), gradient, &gradients)?;
    run!(device, add_backward(gradient, accumulate, gradients))
}

/// `out = left − right`. All `[Σn, d]`; `offsets` are those of both sides.
///
/// # Errors
/// Where the offsets differ, a size does not fit, or there is no such device.
pub fn subtract(
    device: Device,
    operands: Pair<'_>,
    width: usize,
    offsets: (&Offsets, &Offsets),
    out: &mut [f32],
) -> Result<()> {
    operands_fit(Check("jagged subtract"), operands, width, offsets, out)?;
    run!(device, subtract(operands, out))
}

/// Gradients of [`subtract`]: `ḡ` and `−ḡ`. All slices have one size.
///
/// # Errors
/// Where a size does not fit, or there is no such device.
pub fn subtract_backward(
    device: Device,
    gradient: &[f32],
    accumulate: bool,
    gradients: PairMut<'_>,
) -> Result<()> {
    gradients_fit(Check("jagged subtract backward"), gradient, &gradients)?;
    run!(device, subtract_backward(gradient, accumulate, gradients))
}

/// `out = left · right`, value by value. All `[Σn, d]`; `offsets` are those of both sides.
///
/// # Errors
/// Where the offsets differ, a size does not fit, or there is no such device.
pub fn multiply(
    device: Device,
    operands: Pair<'_>,
    width: usize,
    offsets: (&Offsets, &Offsets),
    out: &mut [f32],
) -> Result<()> {
    operands_fit(Check("jagged multiply"), operands, width, offsets, out)?;
    run!(device, multiply(operands, out))
}

/// Gradients of [`multiply`]: `ḡ · right` and `ḡ · left`. All slices have one size.
///
/// # Errors
/// Where a size does not fit, or there is no such device.
pub fn multiply_backward(
    device: Device,
    operands: Pair<'_>,
    gradient: &[f32],
    accumulate: bool,
    gradients: PairMut<'_>,
) -> Result<()> {
    let check = Check("jagged multiply backward");
    check.shape("left", operands.left, &[gradient.len()])?;
    check.shape("right", operands.right, &[gradient.len()])?;
    gradients_fit(check, gradient, &gradients)?;
    run!(device, multiply_backward(operands, gradient, accumulate, gradients))
}

fn operands_fit(
    check: Check,
    operands: Pair<'_>,
    width: usize,
    offsets: (&Offsets, &Offsets),
    out: &[f32],
) -> Result<()> {
    check.width(width)?;
    check.same_offsets(offsets)?;
    let shape = [offsets.0.total(), width];
    check.shape("left", operands.left, &shape)?;
    check.shape("right", operands.right, &shape)?;
    check.shape("out", out, &shape)
}

fn gradients_fit(check: Check, gradient: &[f32], gradients: &PairMut<'_>) -> Result<()> {
    check.shape("the left gradient", gradients.left, &[gradient.len()])?;
    check.shape("the right gradient", gradients.right, &[gradient.len()])
}
