//! Histories of users with live events; all others stay in the log's columns.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use data::History;

use crate::limits::HISTORY_EVENTS_MAX;

const SHARDS: usize = 64;

/// One user's events, log and live together, oldest first.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct OwnHistory {
    items: Vec<u32>,
    times_ms: Vec<i64>,
    values: Vec<f32>,
}

impl OwnHistory {
    pub(crate) fn view(&self) -> History<'_> {
        History { items: &self.items, times_ms: &self.times_ms, values: &self.values }
    }

    /// Puts an event in its place: after all that are not later.
    fn insert(&mut self, item: u32, time_ms: i64, value: f32) {
        let at = self.times_ms.partition_point(|known| *known <= time_ms);
        self.items.insert(at, item);
        self.times_ms.insert(at, time_ms);
        self.values.insert(at, value);
        if self.items.len() > HISTORY_EVENTS_MAX {
            let over = self.items.len() - HISTORY_EVENTS_MAX;
            self.items.drain(..over);
            self.times_ms.drain(..over);
            self.values.drain(..over);
        }
    }

    fn of(history: History<'_>) -> OwnHistory {
        OwnHistory {
            items: history.items.to_vec(),
            times_ms: history.times_ms.to_vec(),
            values: history.values.to_vec(),
        }
    }

    /// The items of a session, all now, for a request that brings its history along.
    pub(crate) fn of_session(items: Vec<u32>, now_ms: i64) -> OwnHistory {
        let count = items.len();
        OwnHistory { items, times_ms: vec![now_ms; count], values: vec![1.0; count] }
    }
}

/// By user, in shards: two requests meet only where they ask for neighbours in a shard.
#[derive(Debug)]
pub(crate) struct LiveHistories {
    users: AtomicUsize,
    shards: Vec<Mutex<BTreeMap<u32, Arc<OwnHistory>>>>,
}

impl LiveHistories {
    pub(crate) fn new() -> LiveHistories {
        let shards = (0..SHARDS).map(|_| Mutex::default()).collect();
        LiveHistories { users: AtomicUsize::new(0), shards }
    }

    /// The whole history of a user that has live events.
    pub(crate) fn get(&self, user: u32) -> Option<Arc<OwnHistory>> {
        if self.users.load(Ordering::Acquire) == 0 {
            return None;
        }
        self.lock(user).get(&user).cloned()
    }

    /// Adds an event; `base` is the user's history in the log.
    pub(crate) fn push(
        &self,
        user: u32,
        base: History<'_>,
        item: u32,
        time_ms: i64,
        value: f32,
    ) {
        let mut shard = self.lock(user);
        let history = shard.entry(user).or_insert_with(|| {
            self.users.fetch_add(1, Ordering::Release);
            Arc::new(OwnHistory::of(base))
        });
        Arc::make_mut(history).insert(item, time_ms, value);
    }

    /// Users with live events.
    pub(crate) fn users(&self) -> usize {
        self.users.load(Ordering::Relaxed)
    }

    fn lock(&self, user: u32) -> std::sync::MutexGuard<'_, BTreeMap<u32, Arc<OwnHistory>>> {
        // A history is changed by inserts that do not panic half way.
        self.shards[user as usize % SHARDS].lock().unwrap_or_else(PoisonError::into_inner)
    }
}
