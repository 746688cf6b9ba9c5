//! Histories in, their last hidden states out: what a query of retrieval is.

use tensor::{Offsets, Tape, Workspace};

use crate::{Result, Rows, SequenceModel};

/// Tokens of one pass: enough for every thread, little enough for the cache.
const TOKENS: usize = 8192;

/// A history to encode, oldest event first.
#[derive(Debug, Clone, Copy, Default)]
pub struct Past<'a> {
    /// Rows of the items' matrix.
    pub items: &'a [u32],
    /// When each event happened, in milliseconds, as events are kept. Of the same length, or
    /// empty for a model without times.
    pub times_ms: &'a [i64],
    /// When the request is made, in milliseconds.
    pub now_ms: i64,
}

/// Tokens of several histories.
#[derive(Default)]
struct Tokens {
    index: Vec<u32>,
    lengths: Vec<usize>,
    happened_at: Vec<i64>,
    asked_at: Vec<i64>,
}

impl Tokens {
    /// Adds the latest `most` events.
    fn push(&mut self, past: &Past<'_>, most: usize) {
        let from = past.items.len().saturating_sub(most);
        self.index.extend_from_slice(&past.items[from..]);
        self.lengths.push(past.items.len() - from);
        // Unknown times are now: every span is 0.
        let now = seconds(past.now_ms);
        let at = |place: usize| past.times_ms.get(place).map_or(now, |time| seconds(*time));
        for place in from..past.items.len() {
            self.happened_at.push(at(place));
            self.asked_at.push(if place + 1 < past.items.len() { at(place + 1) } else { now });
        }
    }
}

/// Whole seconds, rounded down.
pub fn seconds(ms: i64) -> i64 {
    ms.div_euclid(1000)
}

impl SequenceModel {
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
        histories: &[Past<'_>],
    ) -> Result<Vec<f32>> {
        let (dim, most) = {
            let config = self.config();
            (config.dim() as usize, config.length_max() as usize)
        };
        let mut states = vec![0.0; histories.len() * dim];
        let mut first = 0;
        while first < histories.len() {
            let mut tokens = Tokens::default();
            let mut next = first;
            while let Some(history) = histories.get(next) {
                let length = history.items.len().min(most);
                if next > first && tokens.index.len() + length > TOKENS {
                    break;
                }
                tokens.push(history, most);
                next += 1;
            }
            let states = &mut states[first * dim..next * dim];
            self.encode_some(workspace, items, &tokens, states)?;
            first = next;
        }
        Ok(states)
    }

    fn encode_some(
        &self,
        workspace: &mut Workspace,
        items: &[f32],
        tokens: &Tokens,
        states: &mut [f32],
    ) -> Result<()> {
        let config = self.config();
        let dim = config.dim() as usize;
        let offsets = Offsets::from_lengths(&tokens.lengths)?;
        let mut positions = Vec::new();
        config.positions().places(&offsets, &mut positions);
        let mut tape = Tape::inference(self.parameters(), workspace);
        let table = tape.leaf(items, dim)?;
        let rows = Rows {
            index: &tokens.index,
            positions: &positions,
            offsets: &offsets,
            happened_at: &tokens.happened_at,
            asked_at: &tokens.asked_at,
        };
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
