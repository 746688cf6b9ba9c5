//! What the model ranks high now, for hard negatives.

use tensor::{Device, Meter, Offsets, scores};

use crate::Result;
use crate::rank::best;

/// Scores of every item for the last state of each row.
#[derive(Debug)]
pub(crate) struct Mined {
    /// `[rows, items]`
    scores: Vec<f32>,
    items: usize,
    seed: u64,
}

impl Mined {
    /// Of `hidden [tokens, dim]` in the rows of `offsets`, each of a token at least, and
    /// `table [items, dim]`.
    pub(crate) fn new(
        device: Device,
        dim: usize,
        hidden: &[f32],
        offsets: &Offsets,
        table: &[f32],
        seed: u64,
    ) -> Result<Mined> {
        let mut last = Vec::with_capacity(offsets.rows() * dim);
        for range in offsets.ranges() {
            let token = range.end.saturating_sub(1);
            last.extend_from_slice(&hidden[token * dim..][..dim]);
        }
        let items = table.len() / dim;
        let mut all = vec![0.0; offsets.rows() * items];
        // Its own meter: mining is no part of the step's arithmetic.
        scores(device, &Meter::new(), dim, &last, table, &mut all)?;
        Ok(Mined { scores: all, items, seed })
    }

    /// The `n` items of the largest scores of `row`, best first.
    pub(crate) fn best(&self, row: usize, n: usize) -> Vec<u32> {
        best(&self.scores[row * self.items..][..self.items], n, self.seed)
    }
}
