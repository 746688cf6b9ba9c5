//! What was drawn.

use std::ops::Range;

use super::config::Layout;

/// Lists of negatives, all of one length, and the log-probability behind each item.
///
/// For every kind, `log_q` of item i is the log of the expected number of times that i is in the
/// list, by the list's length: `n q_i` is that expectation. Drawn with replacement, q is the
/// probability of one draw. A list that holds each item once (unique labels) has
/// `n q_i = 1 - (1 - q)^B`, the probability that i is in it at all; a mixture of B and B' draws
/// has `q_i = (B q + B' u) / (B + B')`. So one formula with `log(n q)` serves them all.
#[derive(Debug, Clone, PartialEq)]
pub struct Sampled {
    /// Who shares a list.
    pub layout: Layout,
    /// n, the length of each list.
    pub count: usize,
    /// One list (shared), one a row or one a token, each of `count` items.
    pub items: Vec<u32>,
    /// Log-probability of each of `items`.
    pub log_q: Vec<f32>,
    /// Log-probability of each token's target under the same draw. Where draws leave out what a
    /// user interacted with, it is that of the draw without this exclusion.
    pub positive_log_q: Vec<f32>,
    /// Whether a token's target may be among its negatives: compare ids and mask. Where not, the
    /// target cannot be drawn, and a corrected loss has `1 - q_p = 1`.
    pub hits: bool,
}

impl Sampled {
    /// The place in `items` and `log_q` of the list for `token` (counted over the batch), which
    /// is in `row`.
    pub fn list(&self, row: usize, token: usize) -> Range<usize> {
        let list = match self.layout {
            Layout::Shared => 0,
            Layout::PerRow => row,
            Layout::PerToken => token,
        };
        list * self.count..(list + 1) * self.count
    }
}
