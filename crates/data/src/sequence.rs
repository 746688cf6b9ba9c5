//! Every user's events in order: what models train on and what a split cuts.

use crate::{Error, Result};

/// One user's events, oldest first. The three columns have one length.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct History<'a> {
    /// Item indices.
    pub items: &'a [u32],
    /// Instants, milliseconds since the epoch (or positions in an order-only log).
    pub times_ms: &'a [i64],
    /// The event's value (a rating, seconds watched), 1 where it had none.
    pub values: &'a [f32],
}

impl<'a> History<'a> {
    /// Number of events.
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// The last `n` events (all where there are fewer).
    pub fn last(&self, n: usize) -> History<'a> {
        self.slice(self.len().saturating_sub(n), self.len())
    }

    /// Events `from..to`.
    ///
    /// # Panics
    /// Where the range is not inside the history.
    pub fn slice(&self, from: usize, to: usize) -> History<'a> {
        History {
            items: &self.items[from..to],
            times_ms: &self.times_ms[from..to],
            values: &self.values[from..to],
        }
    }
}

/// The histories of all users of a log, row `u` being user index `u`, in (time, seq) order.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Sequences {
    offsets: Vec<usize>,
    items: Vec<u32>,
    times_ms: Vec<i64>,
    values: Vec<f32>,
    item_count: u32,
}

impl Sequences {
    /// Checks and wraps columns that already lie user after user. `item_count` is the size of
    /// the catalogue: one more than the largest index an item may have.
    pub fn new(
        offsets: Vec<usize>,
        items: Vec<u32>,
        times_ms: Vec<i64>,
        values: Vec<f32>,
        item_count: u32,
    ) -> Result<Self> {
        let ends = offsets.first() == Some(&0)
            && offsets.last() == Some(&items.len())
            && offsets.is_sorted();
        if !ends || times_ms.len() != items.len() || values.len() != items.len() {
            return Err(Error::Refused(
                "sequence offsets and columns do not fit together".into(),
            ));
        }
        if let Some(item) = items.iter().find(|item| **item >= item_count) {
            return Err(Error::Refused(format!("item index {item} of {item_count}")));
        }
        Ok(Self { offsets, items, times_ms, values, item_count })
    }

    /// Sorts `events` of (user, item, time, value), given in the log's order, into rows; stable,
    /// so equal times keep the order they came in.
    ///
    /// # Errors
    /// Where a user or an item index is not below its count.
    pub fn from_events(
        users: usize,
        item_count: u32,
        events: &[(u32, u32, i64, f32)],
    ) -> Result<Self> {
        let mut offsets = vec![0usize; users + 1];
        for (user, item, _, _) in events {
            if *user as usize >= users || *item >= item_count {
                return Err(Error::Refused(format!(
                    "user {user} of {users}, item {item} of {item_count}"
                )));
            }
            offsets[*user as usize + 1] += 1;
        }
        for row in 0..users {
            offsets[row + 1] += offsets[row];
        }
        let mut next = offsets.clone();
        let mut items = vec![0; events.len()];
        let mut times_ms = vec![0; events.len()];
        let mut values = vec![0.0; events.len()];
        for (user, item, time_ms, value) in events {
            let at = &mut next[*user as usize];
            items[*at] = *item;
            times_ms[*at] = *time_ms;
            values[*at] = *value;
            *at += 1;
        }
        Self::new(offsets, items, times_ms, values, item_count)
    }

    /// Number of users, those without an event included.
    pub fn users(&self) -> usize {
        self.offsets.len().saturating_sub(1)
    }

    /// Number of events.
    pub fn events(&self) -> usize {
        self.items.len()
    }

    /// Size of the catalogue.
    pub fn item_count(&self) -> u32 {
        self.item_count
    }

    /// The history of `user`; empty where the log does not know it.
    pub fn user(&self, user: u32) -> History<'_> {
        let row = user as usize;
        if row + 1 >= self.offsets.len() {
            return History::default();
        }
        let (from, to) = (self.offsets[row], self.offsets[row + 1]);
        History {
            items: &self.items[from..to],
            times_ms: &self.times_ms[from..to],
            values: &self.values[from..to],
        }
    }

    /// Where each user's row starts, and the end: `users + 1` numbers.
    pub fn offsets(&self) -> &[usize] {
        &self.offsets
    }

    /// The item column, user after user.
    pub fn items(&self) -> &[u32] {
        &self.items
    }

    /// The time column, user after user.
    pub fn times_ms(&self) -> &[i64] {
        &self.times_ms
    }

    /// The value column, user after user.
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// Latest instant in it, where there is an event.
    pub fn last_ms(&self) -> Option<i64> {
        self.times_ms.iter().copied().max()
    }

    /// Events by item.
    pub fn popularity(&self) -> Vec<u32> {
        let mut counts = vec![0u32; self.item_count as usize];
        for item in &self.items {
            counts[*item as usize] += 1;
        }
        counts
    }
}
