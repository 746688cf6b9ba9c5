//! Two jagged tensors joined row by row, and taken apart again.

use super::tasks::{cut, cut_tokens, each, row_runs};
use crate::jagged::Offsets;
use crate::kernel::pair::{Pair, PairMut};
use crate::kernel::put::put_all;

pub(crate) fn concat(
    operands: Pair<'_>,
    width: usize,
    offsets: (&Offsets, &Offsets),
    out: &mut [f32],
) {
    split_backward(operands, width, offsets, false, out);
}

pub(crate) fn concat_backward(
    gradient: &[f32],
    width: usize,
    offsets: (&Offsets, &Offsets),
    accumulate: bool,
    gradients: PairMut<'_>,
) {
    // Each side is cut by its own lengths, and copies on its own.
    part(gradient, width, offsets, accumulate, (Side::Front, gradients.left));
    part(gradient, width, offsets, accumulate, (Side::Back, gradients.right));
}

pub(crate) fn split(
    values: &[f32],
    width: usize,
    offsets: (&Offsets, &Offsets),
    parts: PairMut<'_>,
) {
    concat_backward(values, width, offsets, false, parts);
}

pub(crate) fn split_backward(
    gradient: Pair<'_>,
    width: usize,
    offsets: (&Offsets, &Offsets),
    accumulate: bool,
    values_gradient: &mut [f32],
) {
    let (front, back) = offsets;
    // The longer side tells the cost of a row within a factor of two.
    let longer = if front.total() > back.total() { front } else { back };
    let runs = row_runs(longer, width);
    let pieces =
        cut(values_gradient, &runs, |row| (front.range(row).end + back.range(row).end) * width);
    each(
        runs.into_iter().zip(pieces).collect(),
        #[inline(always)]
        |(rows, piece)| {
            let mut rest = piece;
            for row in rows {
                let (front, back) = (front.range(row), back.range(row));
                let (to_front, after) = rest.split_at_mut(front.len() * width);
                let (to_back, after) = after.split_at_mut(back.len() * width);
                put_all(
                    to_front,
                    &gradient.left[front.start * width..front.end * width],
                    accumulate,
                );
                put_all(
                    to_back,
                    &gradient.right[back.start * width..back.end * width],
                    accumulate,
                );
                rest = after;
            }
        },
    );
}

/// Which part of a row.
#[derive(Clone, Copy)]
enum Side {
    Front,
    Back,
}

/// One side of the whole, to where it belongs.
fn part(
    whole: &[f32],
    width: usize,
    offsets: (&Offsets, &Offsets),
    accumulate: bool,
    (side, out): (Side, &mut [f32]),
) {
    let (front, back) = offsets;
    let own = match side {
        Side::Front => front,
        Side::Back => back,
    };
    let runs = row_runs(own, width);
    let pieces = cut_tokens(out, &runs, own, width);
    each(
        runs.into_iter().zip(pieces).collect(),
        #[inline(always)]
        |(rows, piece)| {
            let mut rest = piece;
            for row in rows {
                let start = match side {
                    Side::Front => front.range(row).start + back.range(row).start,
                    Side::Back => front.range(row).end + back.range(row).start,
                };
                let (out, after) = rest.split_at_mut(own.length(row) * width);
                let start = start * width;
                put_all(out, &whole[start..start + out.len()], accumulate);
                rest = after;
            }
        },
    );
}
