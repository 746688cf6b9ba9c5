//! A batch of training examples: each row but its last event in, each but its first out.

use data::batch::Batch;
use models::Positions;
use tensor::Offsets;

use crate::Result;

/// Parts of some histories as inputs and next items.
#[derive(Debug, Clone, PartialEq)]
pub struct Examples {
    /// User index of each row; a user may have several.
    pub users: Vec<u32>,
    /// Where rows lie.
    pub offsets: Offsets,
    /// Item of each token.
    pub inputs: Vec<u32>,
    /// The item of the event after each token; after each of [`Examples::scored`], where not all
    /// tokens are learned from.
    pub targets: Vec<u32>,
    /// Which tokens have a target.
    pub scored: Option<Scored>,
    /// Place of each token in its row.
    pub positions: Vec<u32>,
    /// When each token happened, seconds since 1970, rounded down. In an order-only log, which has
    /// positions for instants, they say nothing.
    pub happened_at: Vec<i64>,
    /// When its target happened, likewise: the instant of which the next item is asked.
    pub asked_at: Vec<i64>,
}

/// Tokens that are learned from, where the others are only read.
#[derive(Debug, Clone, PartialEq)]
pub struct Scored {
    /// Their places among all tokens, rising.
    pub places: Vec<u32>,
    /// Which of them are each row's.
    pub offsets: Offsets,
}

impl Examples {
    /// Rows of one event have no next item: they are not in a batch that [`epoch`](crate::epoch())
    /// cuts.
    pub(crate) fn of(batch: Batch, count: Positions) -> Result<Examples> {
        let rows = batch.features.cells();
        let (mut inputs, mut targets) = (Vec::new(), Vec::new());
        let (mut happened_at, mut asked_at) = (Vec::new(), Vec::new());
        let mut lengths = Vec::with_capacity(rows.rows());
        for row in 0..rows.rows() {
            let (items, times_ms) = (rows.row(row), batch.times_ms.row(row));
            let length = items.len().saturating_sub(1);
            inputs.extend_from_slice(&items[..length]);
            targets.extend_from_slice(&items[items.len() - length..]);
            // Rounded down before 1970 too.
            let seconds = |time_ms: &i64| time_ms.div_euclid(1000);
            happened_at.extend(times_ms[..length].iter().map(seconds));
            asked_at.extend(times_ms[items.len() - length..].iter().map(seconds));
            lengths.push(length);
        }
        let offsets = Offsets::from_lengths(&lengths)?;
        let mut positions = Vec::new();
        count.places(&offsets, &mut positions);
        let users = batch.users;
        let scored = None;
        Ok(Examples {
            users,
            offsets,
            inputs,
            targets,
            scored,
            positions,
            happened_at,
            asked_at,
        })
    }

    /// Leaves the last targets of each row alone, as many as `last` says: what came before was
    /// learned from.
    pub(crate) fn only_last(mut self, last: &[usize]) -> Result<Examples> {
        let (mut places, mut targets) = (Vec::new(), Vec::new());
        let mut lengths = Vec::with_capacity(last.len());
        for (range, last) in self.offsets.ranges().zip(last) {
            let from = range.end - (*last).min(range.len());
            places.extend(from as u32..range.end as u32);
            targets.extend_from_slice(&self.targets[from..range.end]);
            lengths.push(range.end - from);
        }
        self.targets = targets;
        self.scored = Some(Scored { places, offsets: Offsets::from_lengths(&lengths)? });
        Ok(self)
    }

    /// Where the targets of each row lie.
    pub fn target_offsets(&self) -> &Offsets {
        self.scored.as_ref().map_or(&self.offsets, |scored| &scored.offsets)
    }

    /// Tokens in it.
    pub fn tokens(&self) -> usize {
        self.inputs.len()
    }
}
