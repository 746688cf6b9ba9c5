//! Two jagged tensors joined row by row, and taken apart again: a cached prefix and its suffix.
//!
//! `offsets` are always those of the front and of the back.

use super::check::Check;
use super::run;
use crate::device::Device;
use crate::error::{Result, refused};
use crate::jagged::Offsets;
use crate::kernel::pair::{Pair, PairMut};

/// The offsets of what [`concat()`] gives.
///
/// # Errors
/// Where the numbers of rows differ, or the values in all would pass `i32::MAX`.
pub fn concat_offsets(offsets: (&Offsets, &Offsets)) -> Result<Offsets> {
    Check("jagged concat").same_rows(offsets)?;
    let rows = offsets.0.ranges().zip(offsets.1.ranges());
    let lengths: Vec<usize> = rows.map(|(front, back)| front.len() + back.len()).collect();
    Offsets::from_lengths(&lengths)
}

/// The offsets of both parts where row `b` is cut after its first `lengths[b]` tokens.
///
/// # Errors
/// Where there is not one length for each row, or a row is shorter than its length.
pub fn split_offsets(whole: &Offsets, lengths: &[usize]) -> Result<(Offsets, Offsets)> {
    let check = Check("jagged split");
    check.shape("lengths", lengths, &[whole.rows()])?;
    let mut rest = Vec::with_capacity(lengths.len());
    for (row, (tokens, front)) in whole.ranges().zip(lengths).enumerate() {
        match tokens.len().checked_sub(*front) {
            Some(back) => rest.push(back),
            None => {
                let length = tokens.len();
                return refused(check.0, format!("row {row} has {length} tokens, not {front}"));
            }
        }
    }
    Ok((Offsets::from_lengths(lengths)?, Offsets::from_lengths(&rest)?))
}

/// Row `b` of `out` is row `b` of `left`, then row `b` of `right`: `[Σn, d]` and `[Σm, d]` to
/// `[Σ(n + m), d]`, whose offsets are [`concat_offsets`].
///
/// # Errors
/// Where a size does not fit, or there is no such device.
pub fn concat(
    device: Device,
    operands: Pair<'_>,
    width: usize,
    offsets: (&Offsets, &Offsets),
    out: &mut [f32],
) -> Result<()> {
    fit(Check("jagged concat"), width, offsets, operands, ("out", out))?;
    run!(device, concat(operands, width, offsets, out))
}

/// Gradients of [`concat()`]: its gradient, split.
///
/// # Errors
/// Where a size does not fit, or there is no such device.
pub fn concat_backward(
    device: Device,
    gradient: &[f32],
    width: usize,
    offsets: (&Offsets, &Offsets),
    accumulate: bool,
    gradients: PairMut<'_>,
) -> Result<()> {
    let parts = Pair { left: gradients.left, right: gradients.right };
    fit(Check("jagged concat backward"), width, offsets, parts, ("the gradient", gradient))?;
    run!(device, concat_backward(gradient, width, offsets, accumulate, gradients))
}

/// The inverse of [`concat()`]: `[Σ(n + m), d]` to `[Σn, d]` and `[Σm, d]`. [`split_offsets`] makes
/// the offsets of the parts.
///
/// # Errors
/// Where a size does not fit, or there is no such device.
pub fn split(
    device: Device,
    values: &[f32],
    width: usize,
    offsets: (&Offsets, &Offsets),
    parts: PairMut<'_>,
) -> Result<()> {
    let read = Pair { left: parts.left, right: parts.right };
    fit(Check("jagged split"), width, offsets, read, ("values", values))?;
    run!(device, split(values, width, offsets, parts))
}

/// Gradient of [`split`]: those of both parts, concatenated.
///
/// # Errors
/// Where a size does not fit, or there is no such device.
pub fn split_backward(
    device: Device,
    gradient: Pair<'_>,
    width: usize,
    offsets: (&Offsets, &Offsets),
    accumulate: bool,
    values_gradient: &mut [f32],
) -> Result<()> {
    let whole = ("the gradient of the values", &*values_gradient);
    fit(Check("jagged split backward"), width, offsets, gradient, whole)?;
    run!(device, split_backward(gradient, width, offsets, accumulate, values_gradient))
}

fn fit(
    check: Check,
    width: usize,
    offsets: (&Offsets, &Offsets),
    parts: Pair<'_>,
    whole: (&str, &[f32]),
) -> Result<()> {
    check.width(width)?;
    check.same_rows(offsets)?;
    let (front, back) = (offsets.0.total(), offsets.1.total());
    check.shape("left", parts.left, &[front, width])?;
    check.shape("right", parts.right, &[back, width])?;
    check.shape(whole.0, whole.1, &[front + back, width])
}
