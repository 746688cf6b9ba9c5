//! What came in and what was shown, until it is sealed in the log.
//!
//! Slates are pushed from the hot path: many small lists, a bound, a count of what did not fit;
//! a push never waits for the disk. Events, items and users are never dropped: where they do not
//! fit, the request is refused. Nothing leaves the count before it is in the log.

use std::collections::{HashSet, VecDeque};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};

use data::{Item, NewEvent, Shown, Slate, User};

use crate::limits::RECENT_IDS_MAX;
use crate::world::Names;

const SHARDS: usize = 16;

/// A slate whose item indices are those of the world it was made in.
#[derive(Debug, Clone)]
pub(crate) struct PendingSlate {
    /// Arrival number of the request.
    pub(crate) number: u64,
    pub(crate) slate: Slate,
    pub(crate) names: Names,
}

/// Events, items and users in the order of their arrival.
#[derive(Debug, Default, Clone)]
pub(crate) struct PendingRecords {
    pub(crate) events: Vec<NewEvent>,
    pub(crate) items: Vec<Item>,
    pub(crate) users: Vec<User>,
}

impl PendingRecords {
    pub(crate) fn len(&self) -> usize {
        self.events.len() + self.items.len() + self.users.len()
    }
}

/// The records, and what is known about events that were accepted.
#[derive(Debug, Default)]
pub(crate) struct Records {
    pub(crate) pending: PendingRecords,
    /// Ids of events that were accepted lately, the oldest first.
    recent: VecDeque<String>,
    /// Only asked, never walked.
    recent_set: HashSet<String>,
    /// Kinds of live events that the log did not have when it was read.
    pub(crate) kinds_new: Vec<String>,
}

impl Records {
    /// Whether an event with this id was accepted lately.
    pub(crate) fn is_recent(&self, id: &str) -> bool {
        self.recent_set.contains(id)
    }

    /// Remembers the id of an event.
    pub(crate) fn remember(&mut self, id: &str) {
        if self.recent.len() == RECENT_IDS_MAX
            && let Some(oldest) = self.recent.pop_front()
        {
            self.recent_set.remove(&oldest);
        }
        self.recent.push_back(id.to_owned());
        self.recent_set.insert(id.to_owned());
    }
}

/// Both.
#[derive(Debug)]
pub(crate) struct Buffer {
    most: usize,
    records: Mutex<Records>,
    records_len: AtomicUsize,
    slates: Vec<Mutex<Vec<PendingSlate>>>,
    slates_len: AtomicUsize,
    slates_dropped: AtomicU64,
}

impl Buffer {
    /// Keeps at most `most` slates, and at most `most` other records.
    pub(crate) fn new(most: usize) -> Buffer {
        Buffer {
            most,
            records: Mutex::default(),
            records_len: AtomicUsize::new(0),
            slates: (0..SHARDS).map(|_| Mutex::default()).collect(),
            slates_len: AtomicUsize::new(0),
            slates_dropped: AtomicU64::new(0),
        }
    }

    /// Takes the intake's lock: whoever changes the world holds it.
    pub(crate) fn intake(&self) -> MutexGuard<'_, Records> {
        // Records are pushed whole; a panic elsewhere leaves them as they were.
        self.records.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Records that fit before the buffer is full.
    pub(crate) fn room(&self) -> usize {
        self.most.saturating_sub(self.records_len.load(Ordering::Relaxed))
    }

    /// Counts records that were pushed under the intake's lock.
    pub(crate) fn pushed(&self, count: usize) {
        self.records_len.fetch_add(count, Ordering::Relaxed);
    }

    /// Keeps a slate, or counts it where there are too many.
    pub(crate) fn push_slate(&self, pending: PendingSlate) {
        if self.slates_len.fetch_add(1, Ordering::Relaxed) >= self.most {
            self.slates_len.fetch_sub(1, Ordering::Relaxed);
            self.slates_dropped.fetch_add(1, Ordering::Relaxed);
            return;
        }
        let first = pending.number as usize % SHARDS;
        for step in 0..SHARDS {
            match self.slates[(first + step) % SHARDS].try_lock() {
                Ok(mut shard) => return shard.push(pending),
                Err(TryLockError::Poisoned(shard)) => return shard.into_inner().push(pending),
                Err(TryLockError::WouldBlock) => {}
            }
        }
        // All shards busy at once: pushes last nanoseconds, so this waits as long.
        self.shard(first).push(pending);
    }

    /// Slates and other records that wait.
    pub(crate) fn len(&self) -> (usize, usize) {
        (self.slates_len.load(Ordering::Relaxed), self.records_len.load(Ordering::Relaxed))
    }

    /// Slates that did not fit.
    pub(crate) fn slates_dropped(&self) -> u64 {
        self.slates_dropped.load(Ordering::Relaxed)
    }

    /// Counts slates that could not be kept.
    pub(crate) fn count_dropped(&self, count: usize) {
        self.slates_dropped.fetch_add(count as u64, Ordering::Relaxed);
    }

    /// Takes all slates for a flush, in the order of their requests. They stay counted.
    pub(crate) fn take_slates(&self) -> Vec<PendingSlate> {
        let mut all: Vec<PendingSlate> = Vec::new();
        for shard in 0..SHARDS {
            let taken = std::mem::take(&mut *self.shard(shard));
            all.extend(taken);
        }
        all.sort_unstable_by_key(|pending| pending.number);
        all
    }

    /// Puts slates back that could not be written.
    pub(crate) fn put_back_slates(&self, slates: Vec<PendingSlate>) {
        self.shard(0).extend(slates);
    }

    /// Forgets that many slates and records: they are in the log.
    pub(crate) fn written(&self, slates: usize, records: usize) {
        self.slates_len.fetch_sub(slates, Ordering::Relaxed);
        self.records_len.fetch_sub(records, Ordering::Relaxed);
    }

    fn shard(&self, at: usize) -> MutexGuard<'_, Vec<PendingSlate>> {
        self.slates[at].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The same slate with the item indices of the log's dictionary; what the log does not know
/// yet is left out of the candidates and must not be among the shown.
pub(crate) fn in_terms_of(
    pending: &PendingSlate,
    dictionary: &data::Dictionary,
) -> Option<Slate> {
    let mut slate = pending.slate.clone();
    let names = &pending.names;
    if slate.candidates.iter().all(|item| names.in_log(*item))
        && slate.shown.iter().all(|shown| names.in_log(shown.item))
    {
        return Some(slate);
    }
    let translated = |item: &u32| names.translate_item(*item, dictionary);
    slate.candidates = slate.candidates.iter().filter_map(translated).collect();
    let shown = |shown: &Shown| Some(Shown { item: translated(&shown.item)?, ..*shown });
    slate.shown = slate.shown.iter().map(shown).collect::<Option<Vec<_>>>()?;
    Some(slate)
}
