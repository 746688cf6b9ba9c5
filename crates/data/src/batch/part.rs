//! Which events of which user make a row of a batch.

use std::ops::Range;

use crate::{Error, Result, Sequences};

/// Part of one user's history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// User index.
    pub user: u32,
    /// Which of the user's events, the oldest being 0.
    pub events: Which,
}

/// Events of a history, by their places in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Which {
    /// Neighbours.
    Range(Range<usize>),
    /// Some of them, ascending.
    Places(Vec<usize>),
}

impl Part {
    /// Number of events.
    pub fn len(&self) -> usize {
        match &self.events {
            Which::Range(range) => range.len(),
            Which::Places(places) => places.len(),
        }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Refuses events that the history has not, no event at all, and another order.
    pub(super) fn check(&self, sequences: &Sequences) -> Result<()> {
        let events = sequences.user(self.user).len();
        let end = match &self.events {
            Which::Range(range) => range.end,
            Which::Places(places) if places.is_sorted_by(|a, b| a < b) => {
                places.last().map_or(0, |last| last + 1)
            }
            Which::Places(_) => {
                let what = format!("a part of user {}: its places do not ascend", self.user);
                return Err(Error::Refused(what));
            }
        };
        if self.is_empty() || end > events {
            return Err(Error::Refused(format!(
                "a part of {} events up to {end} of the {events} of user {}",
                self.len(),
                self.user
            )));
        }
        Ok(())
    }

    /// Its share of a column of the user's history.
    pub(super) fn of<'a, T: Copy>(
        &'a self,
        column: &'a [T],
    ) -> impl Iterator<Item = T> + use<'a, T> {
        // A row is one of the two, and the other is empty.
        let (range, places) = match &self.events {
            Which::Range(range) => (range.clone(), &[][..]),
            Which::Places(places) => (0..0, &places[..]),
        };
        column[range].iter().copied().chain(places.iter().map(|place| column[*place]))
    }
}
