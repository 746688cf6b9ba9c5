//! Histories in, their last hidden states out: what a query of retrieval is.

use tensor::{Offsets, Tape, Workspace};

use crate::{Result, Rows, SasRec};

/// Tokens of one pass: enough for every thread, little enough for the cache.
const TOKENS: usize = 8192;

impl SasRec {
    /// The hidden state of the last event of each history → `[histories, dim]`; zeros for an
    /// empty one. Of longer histories the latest `length_max` events are read. `items [n, dim]`
    /// are the embeddings.
    ///
    /// # Errors
    /// Where an item is not below n.
    pub fn encode(
        &self,
        workspace: &mut Workspace,
        items: &[f32],
        histories: &[&[u32]],
    ) -> Result<Vec<f32>> {
        let dim = self.config().dim as usize;
        let most = self.config().length_max as usize;
        let mut states = vec![0.0; histories.len() * dim];
        let mut first = 0;
        while first < histories.len() {
            let mut index: Vec<u32> = Vec::new();
            let mut lengths = Vec::new();
            let mut next = first;
            while next < histories.len() {
                let history = histories[next];
                let history = &history[history.len().saturating_sub(most)..];
                if !lengths.is_empty() && index.len() + history.len() > TOKENS {
                    break;
                }
                index.extend_from_slice(history);
                lengths.push(history.len());
                next += 1;
            }
            let states = &mut states[first * dim..next * dim];
            self.encode_some(workspace, items, &index, &lengths, states)?;
            first = next;
        }
        Ok(states)
    }

    fn encode_some(
        &self,
        workspace: &mut Workspace,
        items: &[f32],
        index: &[u32],
        lengths: &[usize],
        states: &mut [f32],
    ) -> Result<()> {
        let dim = self.config().dim as usize;
        let offsets = Offsets::from_lengths(lengths)?;
        let mut positions = Vec::new();
        self.config().positions.places(&offsets, &mut positions);
        let mut tape = Tape::inference(&self.parameters, workspace);
        let table = tape.leaf(items, dim)?;
        let rows = Rows { index, positions: &positions, offsets: &offsets };
        let hidden = self.forward(&mut tape, table, rows)?;
        let hidden = tape.value(hidden);
        for (state, range) in states.chunks_exact_mut(dim).zip(offsets.ranges()) {
            if let Some(last) = range.last() {
                state.copy_from_slice(&hidden[last * dim..][..dim]);
            }
        }
        Ok(())
    }
}
