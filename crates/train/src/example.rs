//! A batch of training examples: each history but its last event in, each but its first out.

use data::Sequences;
use data::batch::{Batch, BatchSpec, Batches};
use models::SasRecConfig;
use tensor::Offsets;

use crate::Result;

/// Histories of some users as inputs and next items.
#[derive(Debug, Clone)]
pub struct Examples {
    /// User index of each row.
    pub users: Vec<u32>,
    /// Where rows lie.
    pub offsets: Offsets,
    /// Item of each token.
    pub inputs: Vec<u32>,
    /// The item after each token.
    pub targets: Vec<u32>,
    /// Place of each token in its row.
    pub positions: Vec<u32>,
}

impl Examples {
    /// Rows of one event have no next item: they are not in a batch that [`epoch`] cuts.
    fn of(batch: Batch, model: &SasRecConfig) -> Result<Examples> {
        let rows = batch.features.cells();
        let (mut inputs, mut targets) = (Vec::new(), Vec::new());
        let mut lengths = Vec::with_capacity(rows.rows());
        for row in 0..rows.rows() {
            let row = rows.row(row);
            let length = row.len().saturating_sub(1);
            inputs.extend_from_slice(&row[..length]);
            targets.extend_from_slice(&row[row.len() - length..]);
            lengths.push(length);
        }
        let offsets = Offsets::from_lengths(&lengths)?;
        let mut positions = Vec::new();
        model.positions.places(&offsets, &mut positions);
        Ok(Examples { users: batch.users, offsets, inputs, targets, positions })
    }

    /// Tokens in it.
    pub fn tokens(&self) -> usize {
        self.inputs.len()
    }
}

/// The batches of epoch `number`: every user with two events or more once, in the order of
/// (seed, number), the latest `length_max` inputs of each and the event after each of them.
/// A batch holds at most `batch_tokens` events.
///
/// # Errors
/// Where one history does not fit a batch.
pub fn epoch<'a>(
    sequences: &'a Sequences,
    batch_tokens: u32,
    model: &'a SasRecConfig,
    seed: u64,
    number: u32,
) -> Result<impl Iterator<Item = Result<Examples>> + Send + 'a> {
    let spec = BatchSpec {
        // A history brings one event more than inputs.
        tokens_max: batch_tokens as usize,
        length_max: model.length_max as usize + 1,
        length_min: 2,
        seed: seed ^ u64::from(number).wrapping_mul(0x9e37_79b9_7f4a_7c15),
    };
    let batches = Batches::new(sequences, spec)?;
    Ok(batches.map(|batch| Examples::of(batch?, model)))
}
