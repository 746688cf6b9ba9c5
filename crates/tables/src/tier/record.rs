//! A row and its state as bytes, little-endian.

use crate::Table;

/// A row of the fast table into its record.
pub(super) fn take(fast: &Table, place: usize, bytes: &mut [u8]) {
    let (row, state) = fast.parts(place);
    let (places, _) = bytes.as_chunks_mut::<4>();
    for (bytes, value) in places.iter_mut().zip(row.iter().chain(state)) {
        *bytes = value.to_le_bytes();
    }
}

/// A record into a row of the fast table.
pub(super) fn put(fast: &mut Table, place: usize, bytes: &[u8]) {
    let (row, state) = fast.parts_mut(place);
    let (values, _) = bytes.as_chunks::<4>();
    for (value, bytes) in row.iter_mut().chain(state).zip(values) {
        *value = f32::from_le_bytes(*bytes);
    }
}

/// A row that has learnt nothing.
pub(super) fn begin(fast: &mut Table, place: usize, values: &[f32]) {
    let (row, state) = fast.parts_mut(place);
    row.copy_from_slice(values);
    state.fill(0.0);
}

/// The numbers of a record, without its state.
pub(super) fn numbers(bytes: &[u8], out: &mut [f32]) {
    for (value, bytes) in out.iter_mut().zip(bytes.as_chunks::<4>().0) {
        *value = f32::from_le_bytes(*bytes);
    }
}
