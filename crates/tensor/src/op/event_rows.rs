//! Rows of events in time, and which of them a token sees.
//!
//! ```text
//! a row:   context … context | event, event, … event | candidate … candidate
//! ```
//!
//! Context tokens (a language, a market) see each other; everyone sees them. An event sees the
//! context and the events up to itself, the latest `window` of them. A candidate sees the context,
//! the events, and itself: it stands where the next event would, so that many are scored at once
//! as if each were alone (M-FALCON, Zhai et al. 2024).

use std::ops::Range;

use crate::Offsets;
use crate::error::{Result, refused};

/// Tokens of jagged rows, their times, and their roles.
#[derive(Debug, Clone, Copy)]
pub struct EventRows<'a> {
    /// Where rows lie.
    pub offsets: &'a Offsets,
    /// When the event of each token happened, in seconds.
    pub happened_at: &'a [i64],
    /// When it is asked, at each token, what comes next: the time of the event after it, and of
    /// the request after the last. In seconds.
    pub asked_at: &'a [i64],
    /// Tokens at the beginning of each row that are context.
    pub context: u32,
    /// Tokens at the end of each row that are candidates, one count a row; none at all if empty.
    pub candidates: &'a [u32],
    /// Events that a token sees, itself among them; 0: all.
    pub window: u32,
}

/// The roles in one row, and what its tokens see. Places are counted from the row's beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RowRoles {
    /// Tokens.
    pub(crate) count: usize,
    /// First event.
    pub(crate) context: usize,
    /// First candidate.
    pub(crate) events_end: usize,
    /// Events seen at most.
    window: usize,
}

impl RowRoles {
    /// Where a token stands: all candidates stand where the next event would.
    #[inline(always)]
    pub(crate) fn place(self, token: usize) -> usize {
        token.min(self.events_end)
    }

    /// Tokens before `context` are seen by everyone. Of the others, a token sees these, and itself.
    #[inline(always)]
    pub(crate) fn events_seen(self, token: usize) -> Range<usize> {
        if token < self.context {
            return self.context..self.context;
        }
        let place = self.place(token);
        let first = (place + 1).saturating_sub(self.window).max(self.context);
        let end = (token + 1).min(self.events_end);
        first.min(end)..end
    }

    /// Whether `token` sees `key`.
    pub(crate) fn sees(self, token: usize, key: usize) -> bool {
        key < self.context || key == token || self.events_seen(token).contains(&key)
    }

    /// Events and context between a key and a token: 0 for itself, and for later context.
    #[inline(always)]
    pub(crate) fn distance(self, token: usize, key: usize) -> usize {
        self.place(token).saturating_sub(self.place(key))
    }
}

impl<'a> EventRows<'a> {
    /// Histories alone: no context, no candidates, no window.
    pub fn histories(
        offsets: &'a Offsets,
        happened_at: &'a [i64],
        asked_at: &'a [i64],
    ) -> EventRows<'a> {
        EventRows { offsets, happened_at, asked_at, context: 0, candidates: &[], window: 0 }
    }

    /// Refuses times and counts that do not fit the offsets.
    pub(crate) fn check(&self, op: &'static str, rows: usize) -> Result<()> {
        let total = self.offsets.total();
        if total != rows {
            return refused(op, format!("offsets over {total} tokens for {rows} rows"));
        }
        for (name, times) in [("happened_at", self.happened_at), ("asked_at", self.asked_at)] {
            if times.len() != total {
                return refused(op, format!("{} times {name} for {total} tokens", times.len()));
            }
        }
        if !self.candidates.is_empty() && self.candidates.len() != self.offsets.rows() {
            let (counts, rows) = (self.candidates.len(), self.offsets.rows());
            return refused(op, format!("{counts} counts of candidates for {rows} rows"));
        }
        for (row, range) in self.offsets.ranges().enumerate() {
            let candidates = self.candidates_of(row);
            if candidates > range.len() {
                let count = range.len();
                return refused(
                    op,
                    format!("row {row}: {candidates} candidates of {count} tokens"),
                );
            }
        }
        Ok(())
    }

    fn candidates_of(&self, row: usize) -> usize {
        self.candidates.get(row).map_or(0, |count| *count as usize)
    }

    /// The roles in row `row` of `count` tokens.
    pub(crate) fn roles(&self, row: usize, count: usize) -> RowRoles {
        let events_end = count - self.candidates_of(row);
        let window = if self.window == 0 { usize::MAX } else { self.window as usize };
        RowRoles { count, context: (self.context as usize).min(events_end), events_end, window }
    }

    /// Tokens of the longest row, candidates counted as one: what a table of positions must hold.
    pub(crate) fn places(&self) -> usize {
        let rows = self.offsets.ranges().enumerate();
        rows.map(|(row, range)| {
            let roles = self.roles(row, range.len());
            roles.count.min(roles.events_end + 1)
        })
        .max()
        .unwrap_or(0)
    }

    /// Pairs of a token and what it sees.
    pub(crate) fn pairs(&self) -> u64 {
        let rows = self.offsets.ranges().enumerate();
        rows.map(|(row, range)| {
            let roles = self.roles(row, range.len());
            let (n, c) = (roles.events_end as u64, roles.context as u64);
            let events = n - c;
            let reach = events.min(roles.window as u64);
            let among = reach * (reach + 1) / 2 + (events - reach) * reach;
            let candidates = (roles.count - roles.events_end) as u64;
            let before = events.min(roles.window as u64 - 1);
            c * c + events * c + among + candidates * (c + before + 1)
        })
        .sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(count: usize, context: usize, candidates: usize, window: usize) -> Vec<String> {
        let window = if window == 0 { usize::MAX } else { window };
        let roles = RowRoles { count, context, events_end: count - candidates, window };
        let line = |token| -> String {
            (0..count).map(|key| if roles.sees(token, key) { 'x' } else { '.' }).collect()
        };
        (0..count).map(line).collect()
    }

    #[test]
    fn who_sees_whom() {
        assert_eq!(picture(3, 0, 0, 0), ["x..", "xx.", "xxx"]);
        assert_eq!(picture(4, 0, 0, 2), ["x...", "xx..", ".xx.", "..xx"]);
        assert_eq!(picture(4, 2, 0, 1), ["xx..", "xx..", "xxx.", "xx.x"]);
        assert_eq!(picture(4, 0, 2, 0), ["x...", "xx..", "xxx.", "xx.x"]);
        // A candidate's own place is one of its window.
        assert_eq!(picture(5, 1, 2, 2), ["x....", "xx...", "xxx..", "x.xx.", "x.x.x"]);
    }

    #[test]
    fn pairs_are_what_is_seen() {
        for (count, context, candidates, window) in
            [(7, 0, 0, 0), (7, 2, 0, 3), (7, 2, 3, 0), (6, 0, 6, 2), (9, 4, 1, 100)]
        {
            let offsets = Offsets::from_lengths(&[count]).unwrap();
            let times = vec![0; count];
            let rows = EventRows {
                context: context as u32,
                candidates: &[candidates as u32],
                window,
                ..EventRows::histories(&offsets, &times, &times)
            };
            let seen = picture(count, context, candidates, window as usize);
            let seen = seen.iter().flat_map(|line| line.chars()).filter(|x| *x == 'x').count();
            assert_eq!(rows.pairs() as usize, seen, "{count} {context} {candidates}");
        }
    }
}
