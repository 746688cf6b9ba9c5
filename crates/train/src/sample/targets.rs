//! What a batch asks negatives for.

use super::interacted::Interacted;
use crate::{Error, Result};

/// The positives of a batch: jagged rows of target items.
#[derive(Debug, Clone, Copy)]
pub struct Targets<'a> {
    /// User index of each row.
    pub users: &'a [u32],
    /// Where each row starts, and the end: rows + 1 numbers.
    pub offsets: &'a [i32],
    /// The target item of each token, row after row.
    pub items: &'a [u32],
    /// What each user has interacted with, targets included.
    pub interacted: &'a Interacted,
}

impl Targets<'_> {
    /// Refuses offsets that do not fit and items beyond the catalogue of `items`.
    pub(super) fn check(&self, items: usize) -> Result<()> {
        let fits = self.offsets.len() == self.users.len() + 1
            && self.offsets.first() == Some(&0)
            && self.offsets.last().and_then(|end| usize::try_from(*end).ok())
                == Some(self.items.len())
            && self.offsets.is_sorted();
        if !fits {
            return Err(Error::Refused(format!(
                "offsets of {} rows do not fit {} users and {} targets",
                self.offsets.len().saturating_sub(1),
                self.users.len(),
                self.items.len()
            )));
        }
        match self.items.iter().find(|item| **item as usize >= items) {
            Some(item) => Err(Error::Refused(format!("target item {item} of {items}"))),
            None => Ok(()),
        }
    }

    /// Tokens of `row`.
    pub(super) fn tokens(&self, row: usize) -> std::ops::Range<usize> {
        self.offsets[row] as usize..self.offsets[row + 1] as usize
    }

    /// The row of each token.
    pub(super) fn rows(&self) -> Vec<u32> {
        let rows = 0..self.users.len();
        rows.flat_map(|row| self.tokens(row).map(move |_| row as u32)).collect()
    }

    /// Whether every target is in its user's set.
    pub(super) fn all_interacted(&self) -> bool {
        (0..self.users.len()).all(|row| {
            let seen = self.interacted.items(self.users[row]);
            self.items[self.tokens(row)].iter().all(|item| seen.binary_search(item).is_ok())
        })
    }
}
