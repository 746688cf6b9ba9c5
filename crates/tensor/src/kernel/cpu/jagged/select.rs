//! Some tokens of a jagged tensor.

use super::tasks::{each, step, token_runs};
use crate::jagged::Offsets;
use crate::kernel::put::put_all;
use crate::pick::Pick;

pub(crate) fn select(
    values: &[f32],
    width: usize,
    offsets: &Offsets,
    picks: &[Pick],
    out: &mut [f32],
) {
    let step = step(width);
    each(
        picks.chunks(step).zip(out.chunks_mut(step * width)).collect(),
        #[inline(always)]
        |(picks, out)| {
            for (pick, out) in picks.iter().zip(out.chunks_exact_mut(width)) {
                match pick.token(offsets) {
                    Some(token) => {
                        out.copy_from_slice(&values[token * width..(token + 1) * width])
                    }
                    None => out.fill(0.0),
                }
            }
        },
    );
}

pub(crate) fn select_backward(
    gradient: &[f32],
    width: usize,
    offsets: &Offsets,
    picks: &[Pick],
    accumulate: bool,
    values_gradient: &mut [f32],
) {
    // By token, and the picks of one token in their order: each task finds its own together, and
    // the sums are those of the reference.
    let tokens = picks.iter().enumerate();
    let mut order: Vec<(usize, usize)> =
        tokens.filter_map(|(at, pick)| Some((pick.token(offsets)?, at))).collect();
    order.sort_unstable();
    each(
        token_runs(values_gradient, width, step(width)),
        #[inline(always)]
        |(tokens, piece)| {
            if !accumulate {
                piece.fill(0.0);
            }
            let begin = order.partition_point(|(token, _)| *token < tokens.start);
            for (token, at) in &order[begin..] {
                if *token >= tokens.end {
                    break;
                }
                let start = (token - tokens.start) * width;
                let slots = &mut piece[start..start + width];
                put_all(slots, &gradient[at * width..(at + 1) * width], true);
            }
        },
    );
}
