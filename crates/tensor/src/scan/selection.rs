//! The k best of a row of scores that lies in memory.
//!
//! A block of scores is compared with the k-th best so far in a few instructions; only where
//! one reaches it is the block looked at score by score. What passes goes into a buffer of
//! twice k, and each time it is full the k best are selected and the bar rises. Of n scores in
//! no order about k ln(n / k) pass.

use pulp::Arch;

use super::order::{Tie, descending, keep, sort};

/// Scores compared at once.
const BLOCK: usize = 64;
/// Smallest room beside the k kept ones: below it a selection costs more than it saves.
const ROOM_MIN: usize = 64;

/// The `k` best of `scores` as (index, score), in score order.
///
/// Scores that are no finite numbers never win: fewer than `k` come back where there are fewer
/// finite ones. Equal scores fall by `tie`.
///
/// # Panics
/// Where there are more than 2^32 scores.
pub fn top_k(scores: &[f32], k: usize, tie: Tie<'_>) -> Vec<(u32, f32)> {
    assert!(u32::try_from(scores.len()).is_ok(), "a score's index has 32 bits");
    let k = k.min(scores.len());
    if k == 0 {
        return Vec::new();
    }
    let mut best = Best {
        k,
        room: k.max(ROOM_MIN),
        bar: f32::NEG_INFINITY,
        last: None,
        kept: Vec::new(),
        tie,
    };
    Arch::new().dispatch(|| best.read(scores));
    keep(&mut best.kept, k, tie);
    sort(&mut best.kept, tie);
    best.kept
}

struct Best<'a> {
    k: usize,
    room: usize,
    /// No score below it wins.
    bar: f32,
    /// The k-th best at the last selection: an equal score wins only before it.
    last: Option<(u32, f32)>,
    kept: Vec<(u32, f32)>,
    tie: Tie<'a>,
}

impl Best<'_> {
    #[inline(always)]
    fn read(&mut self, scores: &[f32]) {
        let mut index = 0u32;
        for block in scores.chunks(BLOCK) {
            // A count instead of `any`: no early end, so that it is made of whole registers.
            let reach: u32 = block.iter().map(|score| u32::from(*score >= self.bar)).sum();
            if reach > 0 {
                self.take(index, block);
            }
            index = index.wrapping_add(BLOCK as u32);
        }
    }

    #[inline(never)]
    fn take(&mut self, first: u32, block: &[f32]) {
        for (index, score) in (first..).zip(block) {
            if !score.is_finite() || *score < self.bar {
                continue;
            }
            let scored = (index, *score);
            // Many equal scores would fill the buffer again and again.
            if self.last.is_some_and(|last| descending(last, scored, self.tie).is_lt()) {
                continue;
            }
            self.kept.push(scored);
            if self.kept.len() == self.k + self.room {
                keep(&mut self.kept, self.k, self.tie);
                self.last = self.kept.last().copied();
                self.bar = self.last.map_or(self.bar, |last| last.1);
            }
        }
    }
}
