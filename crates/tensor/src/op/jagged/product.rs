//! Matrix products row by row of the jagged tensor.

use super::check::Check;
use super::run;
use crate::device::Device;
use crate::error::Result;
use crate::jagged::Offsets;
use crate::kernel::pair::{Pair, PairMut};

/// `out_b = left_b · right_b`: `[Σn, d] × [B, d, e] → [Σn, e]`, `widths` is `(d, e)`.
///
/// # Errors
/// Where a size does not fit, or there is no such device.
pub fn dense_product(
    device: Device,
    operands: Pair<'_>,
    widths: (usize, usize),
    offsets: &Offsets,
    out: &mut [f32],
) -> Result<()> {
    let check = Check("jagged dense product");
    check.widths(widths)?;
    check.shape("left", operands.left, &[offsets.total(), widths.0])?;
    check.shape("right", operands.right, &[offsets.rows(), widths.0, widths.1])?;
    check.shape("out", out, &[offsets.total(), widths.1])?;
    run!(device, dense_product(operands, widths, offsets, out))
}

/// Gradients of [`dense_product`]: `ḡ_b · right_bᵀ` (`[Σn, d]`) and `left_bᵀ · ḡ_b`
/// (`[B, d, e]`), `ḡ` being `[Σn, e]`.
///
/// # Errors
/// Where a size does not fit, or there is no such device.
pub fn dense_product_backward(
    device: Device,
    operands: Pair<'_>,
    gradient: &[f32],
    widths: (usize, usize),
    offsets: &Offsets,
    accumulate: bool,
    gradients: PairMut<'_>,
) -> Result<()> {
    let check = Check("jagged dense product backward");
    check.widths(widths)?;
    let left = [offsets.total(), widths.0];
    let right = [offsets.rows(), widths.0, widths.1];
    check.shape("left", operands.left, &left)?;
    check.shape("right", operands.right, &right)?;
    check.shape("the gradient", gradient, &[offsets.total(), widths.1])?;
    check.shape("the left gradient", gradients.left, &left)?;
    check.shape("the right gradient", gradients.right, &right)?;
    run!(
        device,
        dense_product_backward(operands, gradient, widths, offsets, accumulate, gradients)
    )
}

/// `out_b = left_bᵀ · right_b`, summed over the tokens of the row:
/// `[Σn, d] × [Σn, e] → [B, d, e]`, `widths` is `(d, e)`. Both sides have the same offsets; an
/// empty row gives zeros.
///
/// # Errors
/// Where a size does not fit, or there is no such device.
pub fn jagged_product(
    device: Device,
    operands: Pair<'_>,
    widths: (usize, usize),
    offsets: &Offsets,
    out: &mut [f32],
) -> Result<()> {
    let check = Check("jagged jagged product");
    check.widths(widths)?;
    check.shape("left", operands.left, &[offsets.total(), widths.0])?;
    check.shape("right", operands.right, &[offsets.total(), widths.1])?;
    check.shape("out", out, &[offsets.rows(), widths.0, widths.1])?;
    run!(device, jagged_product(operands, widths, offsets, out))
}

/// Gradients of [`jagged_product`]: `right_b · ḡ_bᵀ` (`[Σn, d]`) and `left_b · ḡ_b` (`[Σn, e]`),
/// `ḡ` being `[B, d, e]`.
///
/// # Errors
/// Where a size does not fit, or there is no such device.
pub fn jagged_product_backward(
    device: Device,
    operands: Pair<'_>,
    gradient: &[f32],
    widths: (usize, usize),
    offsets: &Offsets,
    accumulate: bool,
    gradients: PairMut<'_>,
) -> Result<()> {
    let check = Check("jagged jagged product backward");
    check.widths(widths)?;
    let left = [offsets.total(), widths.0];
    let right = [offsets.total(), widths.1];
    check.shape("left", operands.left, &left)?;
    check.shape("right", operands.right, &right)?;
    check.shape("the gradient", gradient, &[offsets.rows(), widths.0, widths.1])?;
    check.shape("the left gradient", gradients.left, &left)?;
    check.shape("the right gradient", gradients.right, &right)?;
    run!(
        device,
        jagged_product_backward(operands, gradient, widths, offsets, accumulate, gradients)
    )
}
