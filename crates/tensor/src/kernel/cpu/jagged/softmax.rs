//! Softmax over the tokens of each row, column by column.

use super::super::lanes::exp;
use super::columns::Columns;
use super::tasks::{cut_tokens, each, row_runs};
use crate::jagged::Offsets;
use crate::kernel::put::put;

/// What a value costs more than one that is only copied.
const COST: usize = 4;

pub(crate) fn softmax(values: &[f32], width: usize, offsets: &Offsets, out: &mut [f32]) {
    let runs = row_runs(offsets, COST * width);
    let out = cut_tokens(out, &runs, offsets, width);
    each(
        runs.into_iter().zip(out).collect(),
        #[inline(always)]
        |(rows, out)| {
            let mut numbers = Columns::new(width);
            let first = offsets.range(rows.start).start;
            for row in rows {
                let tokens = offsets.range(row);
                let values = &values[tokens.start * width..tokens.end * width];
                let out =
                    &mut out[(tokens.start - first) * width..(tokens.end - first) * width];
                numbers.reduce(values, f32::NEG_INFINITY, f32::max);
                // −∞ all through: −∞ − −∞ would be no number.
                numbers.apply(
                    #[inline(always)]
                    |peak| if peak == f32::NEG_INFINITY { 0.0 } else { peak },
                );
                numbers.map(
                    values,
                    out,
                    #[inline(always)]
                    |slot, value, peak| *slot = exp(value - peak),
                );
                numbers.reduce(
                    out,
                    0.0,
                    #[inline(always)]
                    |sum, value| sum + value,
                );
                numbers.apply(
                    #[inline(always)]
                    |sum| if sum == 0.0 { 0.0 } else { 1.0 / sum },
                );
                numbers.spread(
                    out,
                    #[inline(always)]
                    |slot, scale| *slot *= scale,
                );
            }
        },
    );
}

pub(crate) fn softmax_backward(
    output: &[f32],
    gradient: &[f32],
    width: usize,
    offsets: &Offsets,
    accumulate: bool,
    values_gradient: &mut [f32],
) {
    let runs = row_runs(offsets, width);
    let pieces = cut_tokens(values_gradient, &runs, offsets, width);
    each(
        runs.into_iter().zip(pieces).collect(),
        #[inline(always)]
        |(rows, piece)| {
            let mut numbers = Columns::new(width);
            let first = offsets.range(rows.start).start;
            for row in rows {
                let tokens = offsets.range(row);
                let values = tokens.start * width..tokens.end * width;
                let pairs = (&output[values.clone()], &gradient[values]);
                numbers.sum_products(pairs.0, pairs.1);
                numbers.map_pairs(
                    pairs,
                    &mut piece[(tokens.start - first) * width..(tokens.end - first) * width],
                    #[inline(always)]
                    |slot, output, gradient, mean| {
                        put(slot, output * (gradient - mean), accumulate);
                    },
                );
            }
        },
    );
}
