//! How a gradient lands in its buffer.

use std::ops::Add;

/// Adds `value` to `slot` where gradients accumulate, else replaces it, whatever was there (a NaN
/// included).
#[inline(always)]
pub(crate) fn put<F: Copy + Add<Output = F>>(slot: &mut F, value: F, accumulate: bool) {
    *slot = if accumulate { *slot + value } else { value };
}

/// [`put`] for a whole slice.
#[inline(always)]
pub(crate) fn put_all<F: Copy + Add<Output = F>>(
    slots: &mut [F],
    values: &[F],
    accumulate: bool,
) {
    for (slot, value) in slots.iter_mut().zip(values) {
        put(slot, *value, accumulate);
    }
}
