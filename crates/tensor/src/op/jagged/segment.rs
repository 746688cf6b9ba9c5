//! One vector for each row: sum, mean and maximum of its tokens.

use super::check::Check;
use super::run;
use crate::device::Device;
use crate::error::Result;
use crate::jagged::Offsets;

/// Sum over the tokens of each row: `[Σn, d] → [B, d]`; zeros for an empty one.
///
/// # Errors
/// Where a size does not fit, or there is no such device.
pub fn segment_sum(
    device: Device,
    values: &[f32],
    width: usize,
    offsets: &Offsets,
    out: &mut [f32],
) -> Result<()> {
    fit(Check("jagged segment sum"), width, offsets, ("values", values), ("out", out))?;
    run!(device, segment_sum(values, width, offsets, out))
}

/// Gradient of [`segment_sum`]: that of its row to each token, `[B, d]` to `[Σn, d]`.
///
/// # Errors
/// Where a size does not fit, or there is no such device.
pub fn segment_sum_backward(
    device: Device,
    gradient: &[f32],
    width: usize,
    offsets: &Offsets,
    accumulate: bool,
    values_gradient: &mut [f32],
) -> Result<()> {
    let check = Check("jagged segment sum backward");
    gradients_fit(check, width, offsets, gradient, values_gradient)?;
    run!(device, segment_sum_backward(gradient, width, offsets, accumulate, values_gradient))
}

/// Mean over the tokens of each row: `[Σn, d] → [B, d]`; zeros for an empty one.
///
/// # Errors
/// Where a size does not fit, or there is no such device.
pub fn segment_mean(
    device: Device,
    values: &[f32],
    width: usize,
    offsets: &Offsets,
    out: &mut [f32],
) -> Result<()> {
    fit(Check("jagged segment mean"), width, offsets, ("values", values), ("out", out))?;
    run!(device, segment_mean(values, width, offsets, out))
}

/// Gradient of [`segment_mean`]: that of its row through the row's length to each token, `[B, d]`
/// to `[Σn, d]`.
///
/// # Errors
/// Where a size does not fit, or there is no such device.
pub fn segment_mean_backward(
    device: Device,
    gradient: &[f32],
    width: usize,
    offsets: &Offsets,
    accumulate: bool,
    values_gradient: &mut [f32],
) -> Result<()> {
    let check = Check("jagged segment mean backward");
    gradients_fit(check, width, offsets, gradient, values_gradient)?;
    run!(device, segment_mean_backward(gradient, width, offsets, accumulate, values_gradient))
}

/// Largest over the tokens of each row, column by column: `[Σn, d] → [B, d]`, and in `tokens`
/// (`[B, d]`) which of the `Σn` tokens it was, the first of equals. An empty row gives zeros and
/// `u32::MAX`. A NaN counts as larger than any number, so that it is not lost.
///
/// # Errors
/// Where a size does not fit, or there is no such device.
pub fn segment_max(
    device: Device,
    values: &[f32],
    width: usize,
    offsets: &Offsets,
    out: &mut [f32],
    tokens: &mut [u32],
) -> Result<()> {
    let check = Check("jagged segment max");
    fit(check, width, offsets, ("values", values), ("out", out))?;
    check.shape("tokens", tokens, &[offsets.rows(), width])?;
    run!(device, segment_max(values, width, offsets, out, tokens))
}

/// Gradient of [`segment_max`] from the `tokens` that it told: all of it to the token that was
/// largest, `[B, d]` to `[Σn, d]`.
///
/// # Errors
/// Where a size does not fit, a token is not in its row, or there is no such device.
pub fn segment_max_backward(
    device: Device,
    tokens: &[u32],
    gradient: &[f32],
    width: usize,
    offsets: &Offsets,
    accumulate: bool,
    values_gradient: &mut [f32],
) -> Result<()> {
    let check = Check("jagged segment max backward");
    gradients_fit(check, width, offsets, gradient, values_gradient)?;
    check.tokens(offsets, width, tokens)?;
    run!(
        device,
        segment_max_backward(tokens, gradient, width, offsets, accumulate, values_gradient)
    )
}

fn gradients_fit(
    check: Check,
    width: usize,
    offsets: &Offsets,
    gradient: &[f32],
    values_gradient: &[f32],
) -> Result<()> {
    let values = ("the gradient of the values", values_gradient);
    fit(check, width, offsets, values, ("the gradient", gradient))
}

fn fit(
    check: Check,
    width: usize,
    offsets: &Offsets,
    by_token: (&str, &[f32]),
    by_row: (&str, &[f32]),
) -> Result<()> {
    check.width(width)?;
    check.shape(by_token.0, by_token.1, &[offsets.total(), width])?;
    check.shape(by_row.0, by_row.1, &[offsets.rows(), width])
}
