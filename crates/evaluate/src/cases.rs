//! Who is judged, and by what.

use data::Jagged;
use data::split::Split;

use crate::{Error, Result, SeenPolicy};

/// The cases of a test: one a user who has at least one relevant item in the test part, in the
/// order of user indices. What a user did before the test is frozen at the split.
#[derive(Debug, Clone, PartialEq)]
pub struct Cases {
    users: Vec<u32>,
    asked_ms: Vec<i64>,
    /// Row i: relevant items of case i, sorted by index, each once.
    relevant: Jagged<u32>,
    /// Beside `relevant`: when the user first met the item in the test.
    times_ms: Vec<i64>,
    /// Row i: what case i may not be shown again, sorted, each once.
    seen_items: Jagged<u32>,
    history: Vec<u32>,
    nothing_new: usize,
    seen: SeenPolicy,
}

impl Cases {
    /// Relevant are the items of the test part; with [`SeenPolicy::Exclude`] those that the user
    /// already had in the training or validation part are not, and who has no other is no case.
    ///
    /// # Errors
    /// Where nobody is left to judge by.
    pub fn new(split: &Split, seen: SeenPolicy) -> Result<Cases> {
        let mut cases = Cases {
            users: Vec::new(),
            asked_ms: Vec::new(),
            relevant: Jagged::default(),
            times_ms: Vec::new(),
            seen_items: Jagged::default(),
            history: Vec::new(),
            nothing_new: 0,
            seen,
        };
        let mut before: Vec<u32> = Vec::new();
        let mut met: Vec<(u32, i64)> = Vec::new();
        for user in 0..split.test.users() as u32 {
            let (train, test) = (split.train.user(user), split.test.user(user));
            if test.is_empty() {
                continue;
            }
            before.clear();
            if seen == SeenPolicy::Exclude {
                before.extend(train.items);
                before.extend(split.validation.user(user).items);
                before.sort_unstable();
                before.dedup();
            }
            met.clear();
            met.extend(test.items.iter().copied().zip(test.times_ms.iter().copied()));
            met.retain(|(item, _)| before.binary_search(item).is_err());
            met.sort_unstable();
            // The first of equal items is the earliest.
            met.dedup_by_key(|(item, _)| *item);
            if met.is_empty() {
                cases.nothing_new += 1;
                continue;
            }
            cases.users.push(user);
            cases.asked_ms.push(test.times_ms.first().copied().unwrap_or_default());
            cases.relevant.push(met.iter().map(|(item, _)| *item))?;
            cases.times_ms.extend(met.iter().map(|(_, time_ms)| *time_ms));
            cases.seen_items.push(before.iter().copied())?;
            cases.history.push(u32::try_from(train.len()).unwrap_or(u32::MAX));
        }
        if cases.is_empty() {
            return Err(Error::Refused(format!(
                "nobody to judge by: the test part has {} events, none of an item that is new to \
                 its user; move the cut, or set evaluate.seen = \"include\"",
                split.test.events()
            )));
        }
        Ok(cases)
    }

    /// Number of cases.
    pub fn len(&self) -> usize {
        self.users.len()
    }

    /// Never true of cases that [`Cases::new`] made.
    pub fn is_empty(&self) -> bool {
        self.users.is_empty()
    }

    /// User index of case `at`.
    ///
    /// # Panics
    /// Where there is no such case, like every method that takes one.
    pub fn user(&self, at: usize) -> u32 {
        self.users[at]
    }

    /// When case `at` came back, its first event of the test, milliseconds since the epoch: the
    /// time of its request, which a server knows as well.
    pub fn asked_ms(&self, at: usize) -> i64 {
        self.asked_ms[at]
    }

    /// Relevant items of case `at`, sorted by index.
    pub fn relevant(&self, at: usize) -> &[u32] {
        self.relevant.row(at)
    }

    /// When case `at` first met each of its relevant items, milliseconds since the epoch.
    pub fn times_ms(&self, at: usize) -> &[i64] {
        let offsets = self.relevant.offsets();
        &self.times_ms[offsets[at] as usize..offsets[at + 1] as usize]
    }

    /// Items that case `at` had before the test, sorted: no ranking may hold them. None with
    /// [`SeenPolicy::Include`].
    pub fn seen_items(&self, at: usize) -> &[u32] {
        self.seen_items.row(at)
    }

    /// Training events of case `at`; 0 makes the user a cold one.
    pub fn history_len(&self, at: usize) -> u32 {
        self.history[at]
    }

    /// Users of the test part who met nothing new there, and so are no case.
    pub fn nothing_new(&self) -> usize {
        self.nothing_new
    }

    /// Whether seen items count.
    pub fn seen(&self) -> SeenPolicy {
        self.seen
    }

    /// All relevant pairs.
    pub(crate) fn pairs(&self) -> usize {
        self.times_ms.len()
    }

    /// First and last instant of the relevant pairs.
    pub(crate) fn time_range_ms(&self) -> (i64, i64) {
        let first = self.times_ms.iter().copied().min().unwrap_or(0);
        (first, self.times_ms.iter().copied().max().unwrap_or(0))
    }
}
