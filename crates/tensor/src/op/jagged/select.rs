//! Some tokens of a jagged tensor: any, in any order, also more than once.

use super::check::Check;
use super::run;
use crate::device::Device;
use crate::error::Result;
use crate::jagged::Offsets;
use crate::pick::Pick;

/// `out[i]` is the token of pick `i`, or zeros: `[Σn, d] → [m, d]`. The last token of each row is
/// [`Pick::last`].
///
/// # Errors
/// Where a pick is of no token, a size does not fit, or there is no such device.
pub fn select(
    device: Device,
    values: &[f32],
    width: usize,
    offsets: &Offsets,
    picks: &[Pick],
    out: &mut [f32],
) -> Result<()> {
    let check = Check("jagged select");
    check.width(width)?;
    check.picks(offsets, picks)?;
    check.shape("values", values, &[offsets.total(), width])?;
    check.shape("out", out, &[picks.len(), width])?;
    run!(device, select(values, width, offsets, picks, out))
}

/// Gradient of [`select`]: each token gets the sum over its picks, added in their order.
/// `gradient` is `[m, d]`, `values_gradient` is `[Σn, d]`.
///
/// # Errors
/// Where a pick is of no token, a size does not fit, or there is no such device.
pub fn select_backward(
    device: Device,
    gradient: &[f32],
    width: usize,
    offsets: &Offsets,
    picks: &[Pick],
    accumulate: bool,
    values_gradient: &mut [f32],
) -> Result<()> {
    let check = Check("jagged select backward");
    check.width(width)?;
    check.picks(offsets, picks)?;
    check.shape("the gradient", gradient, &[picks.len(), width])?;
    check.shape("the gradient of the values", values_gradient, &[offsets.total(), width])?;
    run!(device, select_backward(gradient, width, offsets, picks, accumulate, values_gradient))
}
