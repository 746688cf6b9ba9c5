//! Between a jagged tensor and a padded one.

use super::tasks::{each, rows_of, step, token_runs};
use crate::jagged::Offsets;
use crate::kernel::put::put_all;

pub(crate) fn to_padded(
    values: &[f32],
    width: usize,
    offsets: &Offsets,
    length: usize,
    pad: f32,
    out: &mut [f32],
) {
    by_rows(
        offsets,
        length.saturating_mul(width),
        out,
        #[inline(always)]
        |row, out| {
            let tokens = offsets.range(row);
            let (head, tail) = out.split_at_mut(tokens.len() * width);
            head.copy_from_slice(&values[tokens.start * width..tokens.end * width]);
            tail.fill(pad);
        },
    );
}

pub(crate) fn to_padded_backward(
    gradient: &[f32],
    width: usize,
    offsets: &Offsets,
    length: usize,
    accumulate: bool,
    values_gradient: &mut [f32],
) {
    each(
        token_runs(values_gradient, width, step(width)),
        #[inline(always)]
        |(tokens, piece)| {
            let first = tokens.start;
            for (row, tokens) in rows_of(offsets, tokens) {
                let index = tokens.start - offsets.range(row).start;
                let start = (row * length + index) * width;
                put_all(
                    &mut piece[(tokens.start - first) * width..(tokens.end - first) * width],
                    &gradient[start..start + tokens.len() * width],
                    accumulate,
                );
            }
        },
    );
}

pub(crate) fn from_padded(
    padded: &[f32],
    width: usize,
    offsets: &Offsets,
    length: usize,
    out: &mut [f32],
) {
    to_padded_backward(padded, width, offsets, length, false, out);
}

pub(crate) fn from_padded_backward(
    gradient: &[f32],
    width: usize,
    offsets: &Offsets,
    length: usize,
    accumulate: bool,
    padded_gradient: &mut [f32],
) {
    by_rows(
        offsets,
        length.saturating_mul(width),
        padded_gradient,
        #[inline(always)]
        |row, out| {
            let tokens = offsets.range(row);
            let (head, tail) = out.split_at_mut(tokens.len() * width);
            put_all(head, &gradient[tokens.start * width..tokens.end * width], accumulate);
            if !accumulate {
                tail.fill(0.0);
            }
        },
    );
}

/// `write` on each row of `out` (`[B, size]`).
fn by_rows(
    offsets: &Offsets,
    size: usize,
    out: &mut [f32],
    write: impl Fn(usize, &mut [f32]) + Sync,
) {
    if size == 0 {
        // Only empty rows, and no room for padding.
        return;
    }
    let rows = step(size);
    let runs = out.chunks_mut(rows * size).zip((0..offsets.rows()).step_by(rows));
    each(
        runs.collect(),
        #[inline(always)]
        |(out, first)| {
            for (row, out) in (first..).zip(out.chunks_exact_mut(size)) {
                write(row, out);
            }
        },
    );
}
