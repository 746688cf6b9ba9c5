//! What the model ranks high now, for hard negatives.

use tensor::{Device, Meter, Offsets, scores};

use crate::rank::best;

/// Scores held at a time: a batch of short histories has thousands of rows, and all scores of
/// all rows would not fit memory.
const SCORES: usize = 4 << 20;

/// The catalogue ranked for the last state of each row, a block of rows at a time.
#[derive(Debug)]
pub(crate) struct Mined<'a> {
    device: Device,
    dim: usize,
    /// `[rows, dim]`
    states: Vec<f32>,
    /// `[items, dim]`
    table: &'a [f32],
    seed: u64,
    /// Rows of a block.
    block: usize,
    /// Which block `scores [block, items]` are of.
    current: Option<usize>,
    scores: Vec<f32>,
}

impl<'a> Mined<'a> {
    /// Of `hidden [tokens, dim]` in the rows of `offsets`, each of a token at least, and
    /// `table [items, dim]`.
    pub(crate) fn new(
        device: Device,
        dim: usize,
        hidden: &[f32],
        offsets: &Offsets,
        table: &'a [f32],
        seed: u64,
    ) -> Mined<'a> {
        let mut states = Vec::with_capacity(offsets.rows() * dim);
        for range in offsets.ranges() {
            let token = range.end.saturating_sub(1);
            states.extend_from_slice(&hidden[token * dim..][..dim]);
        }
        let items = (table.len() / dim).max(1);
        let block = (SCORES / items).clamp(1, offsets.rows().max(1));
        Mined { device, dim, states, table, seed, block, current: None, scores: Vec::new() }
    }

    /// The `n` items of the largest scores of `row`, best first. Quick where rows are asked for
    /// in their order.
    pub(crate) fn best(&mut self, row: usize, n: usize) -> Vec<u32> {
        let items = self.table.len() / self.dim;
        let (at, within) = (row / self.block, row % self.block);
        if self.current != Some(at) {
            let stride = self.block * self.dim;
            let states = &self.states[at * stride..];
            let states = &states[..states.len().min(stride)];
            self.scores.resize(states.len() / self.dim * items, 0.0);
            // Its own meter: mining is no part of the step's arithmetic.
            let meter = Meter::new();
            scores(self.device, &meter, self.dim, states, self.table, &mut self.scores)
                .expect("states and items of one width, and a device that ran the model");
            self.current = Some(at);
        }
        best(&self.scores[within * items..][..items], n, self.seed)
    }
}

#[cfg(test)]
mod tests;
