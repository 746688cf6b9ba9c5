//! Dense working memory of a query, kept by each thread between queries.
//!
//! A query adds up scores for a few thousand items of a catalogue of any size. A dense array
//! beats a hash map many times over, and clearing only what was touched makes its cost that of
//! the query, not of the catalogue.

use std::cell::Cell;

use crate::best::Best;
use crate::{Candidate, Query};

/// Scores by item, all zero between uses, and the items that are not zero.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    scores: Vec<f32>,
    touched: Vec<u32>,
    /// How much of each score was passed on already, for the walk.
    spent: Vec<f32>,
    /// Equal to `round` where the item was marked in this round.
    marks: Vec<u32>,
    round: u32,
}

thread_local! {
    static KEPT: Cell<Scratch> = Cell::default();
}

/// Lends this thread's working memory, for a catalogue of `items`. Taken out of its place
/// while it is used: a panic drops it, and a retriever within a retriever gets its own.
pub(crate) fn with_scratch<T>(items: usize, work: impl FnOnce(&mut Scratch) -> T) -> T {
    let mut scratch = KEPT.take();
    scratch.fit(items);
    let answer = work(&mut scratch);
    scratch.clear();
    KEPT.set(scratch);
    answer
}

impl Scratch {
    /// Makes room for a catalogue of `items`.
    pub(crate) fn fit(&mut self, items: usize) {
        if self.scores.len() < items {
            self.scores.resize(items, 0.0);
            self.spent.resize(items, 0.0);
            self.marks.resize(items, 0);
        }
    }

    /// Adds to the score of an item, by an amount that is not below zero.
    #[inline]
    pub(crate) fn add(&mut self, item: u32, amount: f32) {
        let score = &mut self.scores[item as usize];
        if *score == 0.0 && amount > 0.0 {
            self.touched.push(item);
        }
        *score += amount;
    }

    /// What of an item's score was not passed on yet.
    #[inline]
    pub(crate) fn unspent(&self, item: u32) -> f32 {
        self.scores[item as usize] - self.spent[item as usize]
    }

    /// Marks all of an item's score as passed on; returns what was not before.
    #[inline]
    pub(crate) fn spend(&mut self, item: u32) -> f32 {
        let unspent = self.unspent(item);
        self.spent[item as usize] = self.scores[item as usize];
        unspent
    }

    /// Unmarks all items.
    pub(crate) fn new_round(&mut self) {
        self.round = self.round.wrapping_add(1);
        if self.round == 0 {
            self.marks.fill(0);
            self.round = 1;
        }
    }

    /// Marks an item; whether it was not marked yet in this round.
    #[inline]
    pub(crate) fn mark(&mut self, item: u32) -> bool {
        let mark = &mut self.marks[item as usize];
        let first = *mark != self.round;
        *mark = self.round;
        first
    }

    /// The best of what was scored that the query's filter admits.
    pub(crate) fn best(&self, query: &Query<'_>) -> Vec<Candidate> {
        let mut best = Best::new(query.k, query.seed);
        for item in &self.touched {
            let score = self.scores[*item as usize];
            if best.wants(score) && query.filter.admits(*item) {
                best.push(*item, score);
            }
        }
        best.candidates()
    }

    /// Back to all zero.
    pub(crate) fn clear(&mut self) {
        for item in self.touched.drain(..) {
            self.scores[item as usize] = 0.0;
            self.spent[item as usize] = 0.0;
        }
    }
}
