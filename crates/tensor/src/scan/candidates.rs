//! Rows that may be among the k best of a query, with bounds of their scores.
//!
//! The bar is a score that at least k rows reach: the k-th largest lower bound, or the k-th
//! score. A row whose upper bound is below it cannot win. Where bounds tell too little apart
//! (duplicated rows, equal scores) the candidates are scored exactly and k of them kept, so
//! that never more than a small multiple of k is held.

use std::sync::atomic::{AtomicU32, Ordering};

use super::order::{Tie, keep, sort};
use super::product::dot;

/// Smallest room beside k: below it raising the bar costs more than it saves.
const ROOM_MIN: usize = 128;

/// A row and the bounds of its score.
#[derive(Debug, Clone, Copy)]
pub(super) struct Candidate {
    pub(super) row: u32,
    pub(super) lower: f32,
    pub(super) upper: f32,
    /// Both bounds are the score.
    pub(super) exact: bool,
}

/// What exact scores of one query are made of.
#[derive(Clone, Copy)]
pub(super) struct Scoring<'a> {
    /// `[rows, width]`
    pub(super) values: &'a [f32],
    /// `[width]`
    pub(super) query: &'a [f32],
    pub(super) tie: Tie<'a>,
}

impl Scoring<'_> {
    fn score(&self, row: u32) -> f32 {
        let width = self.query.len();
        dot(&self.values[row as usize * width..][..width], self.query)
    }

    /// Scores all of `found` and keeps the `k` best, in no order.
    fn settle(&self, found: &[Candidate], k: usize) -> Vec<(u32, f32)> {
        let score = |one: &Candidate| if one.exact { one.lower } else { self.score(one.row) };
        let mut scored: Vec<(u32, f32)> =
            found.iter().map(|one| (one.row, score(one))).collect();
        keep(&mut scored, k, self.tie);
        scored
    }
}

/// One thread's candidates for one query.
#[derive(Debug)]
pub(super) struct Candidates {
    k: usize,
    room: usize,
    bar: f32,
    found: Vec<Candidate>,
}

impl Candidates {
    /// For the `k` best, of which there is at least one.
    pub(super) fn new(k: usize) -> Candidates {
        Candidates { k, room: (2 * k).max(ROOM_MIN), bar: f32::NEG_INFINITY, found: Vec::new() }
    }

    /// Takes a row in. Gives the new bar where it rises.
    pub(super) fn push(&mut self, one: Candidate, scoring: Scoring<'_>) -> Option<f32> {
        self.found.push(one);
        if self.found.len() < self.k + self.room {
            return None;
        }
        self.raise();
        // Bounds that leave less than a quarter of the room free tell too little apart.
        if self.found.len() > self.k + self.room / 4 * 3 {
            let scored = scoring.settle(&self.found, self.k);
            self.found.clear();
            self.found.extend(scored.into_iter().map(|(row, score)| Candidate {
                row,
                lower: score,
                upper: score,
                exact: true,
            }));
            self.raise();
        }
        Some(self.bar)
    }

    /// Raises the bar to the k-th largest lower bound and drops what cannot reach it.
    fn raise(&mut self) {
        if self.found.len() >= self.k {
            let (_, last, _) = self
                .found
                .select_nth_unstable_by(self.k - 1, |a, b| b.lower.total_cmp(&a.lower));
            self.bar = self.bar.max(last.lower);
        }
        let bar = self.bar;
        self.found.retain(|one| one.upper >= bar);
    }

    /// The `k` best of all threads' candidates, in score order.
    pub(super) fn finish<'a>(
        parts: impl Iterator<Item = &'a Candidates>,
        k: usize,
        scoring: Scoring<'_>,
    ) -> Vec<(u32, f32)> {
        let mut all = Candidates::new(k);
        for part in parts {
            all.bar = all.bar.max(part.bar);
            all.found.extend_from_slice(&part.found);
        }
        all.raise();
        let mut scored = scoring.settle(&all.found, k);
        sort(&mut scored, scoring.tie);
        scored
    }
}

/// The highest bar that any thread has found for a query.
#[derive(Debug)]
pub(super) struct SharedBar(AtomicU32);

impl SharedBar {
    /// Below every score.
    pub(super) fn new() -> SharedBar {
        SharedBar(AtomicU32::new(0))
    }

    /// It only rises, and guards nothing else: an old value is right too.
    pub(super) fn get(&self) -> f32 {
        let place = self.0.load(Ordering::Relaxed);
        let bits = if place >> 31 == 1 { place ^ (1 << 31) } else { !place };
        if place == 0 { f32::NEG_INFINITY } else { f32::from_bits(bits) }
    }

    /// Raises it to `bar`, which is finite, or leaves it where it is higher.
    pub(super) fn raise(&self, bar: f32) {
        let bits = bar.to_bits();
        // Integers in the order of the numbers.
        let place = if bits >> 31 == 1 { !bits } else { bits ^ (1 << 31) };
        self.0.fetch_max(place, Ordering::Relaxed);
    }
}
