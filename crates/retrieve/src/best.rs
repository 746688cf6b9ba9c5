//! The k best of a stream of scored items, in the house's score order.

use data::order;

use crate::Candidate;

/// Keeps the k best of what is pushed. What cannot win any more is turned away by one
/// comparison, so the filter and the tie hash are asked only for serious candidates.
#[derive(Debug)]
pub(crate) struct Best {
    k: usize,
    seed: u64,
    /// No score below this one can be among the k best.
    floor: f32,
    buffer: Vec<(u32, f32)>,
}

impl Best {
    /// For the `k` best, ties by `seed`.
    pub(crate) fn new(k: usize, seed: u64) -> Best {
        Best { k, seed, floor: f32::NEG_INFINITY, buffer: Vec::new() }
    }

    /// Whether an item with this score may still get in. Non-finite scores never do.
    #[inline]
    pub(crate) fn wants(&self, score: f32) -> bool {
        score >= self.floor && score.is_finite() && self.k > 0
    }

    /// Takes an item in; ask [`Best::wants`] first.
    #[inline]
    pub(crate) fn push(&mut self, item: u32, score: f32) {
        self.buffer.push((item, score));
        if self.buffer.len() >= self.k.saturating_mul(2).max(64) {
            self.cut();
        }
    }

    fn cut(&mut self) {
        let (k, seed) = (self.k, self.seed);
        if self.buffer.len() <= k {
            return;
        }
        let at = k - 1;
        self.buffer.select_nth_unstable_by(at, |a, b| order::descending(*a, *b, seed));
        self.buffer.truncate(k);
        self.floor = self.buffer[at].1;
    }

    /// The k best, best first; the buffer stays for the next stream.
    pub(crate) fn take(&mut self) -> Vec<(u32, f32)> {
        order::top_k(&mut self.buffer, self.k, self.seed);
        self.floor = f32::NEG_INFINITY;
        std::mem::take(&mut self.buffer)
    }

    /// The k best as candidates, best first.
    pub(crate) fn candidates(mut self) -> Vec<Candidate> {
        self.take().into_iter().map(|(item, score)| Candidate { item, score }).collect()
    }
}

#[cfg(test)]
mod tests;
