//! How work is cut for the pool: into runs of rows where a row is summed, into runs of tokens
//! where each token stands for itself.

use std::ops::Range;

use rayon::prelude::*;

use crate::jagged::Offsets;

/// Values that one task handles, about: 64 KiB, some 10 µs. A constant, so that the cut does not
/// depend on the machine.
const TASK_VALUES: usize = 16 * 1024;

/// Runs `work` on every task over the pool, compiled for the SIMD of this machine. `work` and
/// what it calls must be `#[inline(always)]`, else they are compiled for the oldest machine.
pub(super) fn each<T: Send>(tasks: Vec<T>, work: impl Fn(T) + Sync) {
    let arch = pulp::Arch::new();
    let run = |task| {
        arch.dispatch(
            #[inline(always)]
            || work(task),
        )
    };
    match tasks.len() {
        // Not worth waking the pool.
        0 | 1 => tasks.into_iter().for_each(run),
        _ => tasks.into_par_iter().with_max_len(1).for_each(run),
    }
}

/// Items that fill a task where each costs `cost` values; at least one.
pub(super) fn step(cost: usize) -> usize {
    (TASK_VALUES / cost.max(1)).max(1)
}

/// Runs of whole rows that cost about the same, where a row costs `cost` for each token and
/// `cost` besides.
pub(super) fn row_runs(offsets: &Offsets, cost: usize) -> Vec<Range<usize>> {
    let full = step(cost);
    let (mut runs, mut first, mut filled) = (Vec::new(), 0, 0);
    for row in 0..offsets.rows() {
        filled += offsets.length(row) + 1;
        if filled >= full || row + 1 == offsets.rows() {
            runs.push(first..row + 1);
            (first, filled) = (row + 1, 0);
        }
    }
    runs
}

/// `values` in one piece for each run; `end` says where a row ends among them.
pub(super) fn cut<'a, T>(
    mut values: &'a mut [T],
    runs: &[Range<usize>],
    end: impl Fn(usize) -> usize,
) -> Vec<&'a mut [T]> {
    let mut done = 0;
    let mut pieces = Vec::with_capacity(runs.len());
    for run in runs {
        let next = end(run.end - 1);
        let (piece, rest) = values.split_at_mut(next - done);
        pieces.push(piece);
        (values, done) = (rest, next);
    }
    pieces
}

/// [`cut`] of values `[Σn, width]`.
pub(super) fn cut_tokens<'a>(
    values: &'a mut [f32],
    runs: &[Range<usize>],
    offsets: &Offsets,
    width: usize,
) -> Vec<&'a mut [f32]> {
    cut(values, runs, |row| offsets.range(row).end * width)
}

/// [`cut`] of values `[B, width]`.
pub(super) fn cut_rows<'a, T>(
    values: &'a mut [T],
    runs: &[Range<usize>],
    width: usize,
) -> Vec<&'a mut [T]> {
    cut(values, runs, |row| (row + 1) * width)
}

/// The rows that `tokens` touch, each with those of its tokens that are among them.
#[inline(always)]
pub(super) fn rows_of(
    offsets: &Offsets,
    tokens: Range<usize>,
) -> impl Iterator<Item = (usize, Range<usize>)> + '_ {
    let first = offsets.as_slice().partition_point(|start| *start as usize <= tokens.start);
    (first.saturating_sub(1)..offsets.rows())
        .map(|row| (row, offsets.range(row)))
        .take_while({
            let end = tokens.end;
            move |(_, range)| range.start < end
        })
        .map(move |(row, range)| {
            (row, range.start.max(tokens.start)..range.end.min(tokens.end))
        })
        .filter(|(_, range)| !range.is_empty())
}

/// Runs of at most `step` tokens of `values` (`[Σn, width]`), whatever their rows.
pub(super) fn token_runs(
    values: &mut [f32],
    width: usize,
    step: usize,
) -> Vec<(Range<usize>, &mut [f32])> {
    let runs = values.chunks_mut(step * width).enumerate();
    runs.map(|(at, piece)| (at * step..at * step + piece.len() / width, piece)).collect()
}
