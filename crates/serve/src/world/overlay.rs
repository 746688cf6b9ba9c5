//! Items and users that came after the log was read, over the catalogue of the log.
//!
//! Readers take a snapshot without a lock; a writer copies what it touches (one of many small
//! maps), changes the copy and swaps it in. Writers take turns: the intake's lock.

use std::collections::BTreeMap;
use std::sync::Arc;

use arc_swap::ArcSwap;
use data::{Dictionary, order};

use crate::limits::NEW_IDS_MAX;

/// Small maps that one overlay is cut into: a write copies one of them.
const SHARDS: usize = 128;

/// What changed since the log was read.
#[derive(Debug)]
pub(crate) struct Overlay<T> {
    /// Ids in the log's dictionary: new indices follow.
    base: u32,
    now: ArcSwap<Snapshot<T>>,
}

/// The state of an overlay at one moment.
#[derive(Debug)]
pub(crate) struct Snapshot<T> {
    added: u32,
    /// Indices of new ids, by hash of the id.
    index_by_id: Vec<Arc<BTreeMap<Arc<str>, u32>>>,
    /// New ids and changed facts, by index.
    entries: Vec<Arc<BTreeMap<u32, Entry<T>>>>,
}

/// Too many new ids between two loads of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TooManyIds;

#[derive(Debug)]
struct Entry<T> {
    /// Set for an id that the log's dictionary lacks.
    id: Option<Arc<str>>,
    facts: Option<Arc<T>>,
}

impl<T> Clone for Entry<T> {
    fn clone(&self) -> Self {
        Self { id: self.id.clone(), facts: self.facts.clone() }
    }
}

impl<T> Clone for Snapshot<T> {
    fn clone(&self) -> Self {
        Self {
            added: self.added,
            index_by_id: self.index_by_id.clone(),
            entries: self.entries.clone(),
        }
    }
}

impl<T> Overlay<T> {
    /// An empty one over a dictionary of `base` ids.
    pub(crate) fn new(base: u32) -> Overlay<T> {
        let shards = |_| Arc::new(BTreeMap::new());
        let now = Snapshot {
            added: 0,
            index_by_id: (0..SHARDS).map(shards).collect(),
            entries: (0..SHARDS).map(|_| Arc::new(BTreeMap::new())).collect(),
        };
        Overlay { base, now: ArcSwap::from_pointee(now) }
    }

    /// Its state now.
    pub(crate) fn snapshot(&self) -> Arc<Snapshot<T>> {
        self.now.load_full()
    }

    /// The index of `id`, a new one where nobody knows it yet. The caller holds the intake's
    /// lock.
    pub(crate) fn intern(&self, ids: &Dictionary, id: &str) -> Result<u32, TooManyIds> {
        match ids.get(id).or_else(|| self.now.load().index(id)) {
            Some(index) => Ok(index),
            None => self.change(ids, |changing| changing.intern(id)).ok_or(TooManyIds),
        }
    }

    /// Applies changes and shows them at once. The caller holds the intake's lock.
    pub(crate) fn change<R>(
        &self,
        ids: &Dictionary,
        apply: impl FnOnce(&mut Changing<'_, T>) -> R,
    ) -> R {
        let mut changing = Changing {
            base: self.base,
            ids,
            next: Snapshot::clone(&self.now.load()),
            touched: false,
        };
        let result = apply(&mut changing);
        if changing.touched {
            self.now.store(Arc::new(changing.next));
        }
        result
    }
}

/// A snapshot that is being changed.
pub(crate) struct Changing<'a, T> {
    base: u32,
    ids: &'a Dictionary,
    next: Snapshot<T>,
    touched: bool,
}

impl<T> Changing<'_, T> {
    /// The index of `id`, a new one where nobody knows it yet; `None` once there are too many
    /// new ones.
    pub(crate) fn intern(&mut self, id: &str) -> Option<u32> {
        if let Some(index) = self.ids.get(id).or_else(|| self.next.index(id)) {
            return Some(index);
        }
        if self.next.added >= NEW_IDS_MAX {
            return None;
        }
        let index = self.base.checked_add(self.next.added).filter(|index| *index < u32::MAX)?;
        let id: Arc<str> = id.into();
        Arc::make_mut(&mut self.next.index_by_id[shard_of_id(&id)]).insert(id.clone(), index);
        let entry = Entry { id: Some(id), facts: None };
        Arc::make_mut(&mut self.next.entries[shard_of(index)]).insert(index, entry);
        self.next.added += 1;
        self.touched = true;
        Some(index)
    }

    /// Sets or replaces what is known of it.
    pub(crate) fn put(&mut self, index: u32, facts: T) {
        let entries = Arc::make_mut(&mut self.next.entries[shard_of(index)]);
        let entry = entries.entry(index).or_insert(Entry { id: None, facts: None });
        entry.facts = Some(Arc::new(facts));
        self.touched = true;
    }
}

impl<T> Snapshot<T> {
    /// Ids that the log's dictionary lacks.
    pub(crate) fn added(&self) -> u32 {
        self.added
    }

    /// The index of a new id.
    pub(crate) fn index(&self, id: &str) -> Option<u32> {
        if self.added == 0 {
            return None;
        }
        self.index_by_id[shard_of_id(id)].get(id).copied()
    }

    /// The id at a new index.
    pub(crate) fn id(&self, index: u32) -> Option<&str> {
        self.entries[shard_of(index)].get(&index)?.id.as_deref()
    }

    /// New or changed facts.
    pub(crate) fn facts(&self, index: u32) -> Option<&T> {
        self.entries[shard_of(index)].get(&index)?.facts.as_deref()
    }

    /// All new or changed facts, by index within a shard.
    pub(crate) fn all_facts(&self) -> impl Iterator<Item = (u32, &T)> {
        self.entries
            .iter()
            .flat_map(|entries| entries.iter())
            .filter_map(|(index, entry)| Some((*index, entry.facts.as_deref()?)))
    }
}

fn shard_of(index: u32) -> usize {
    index as usize % SHARDS
}

fn shard_of_id(id: &str) -> usize {
    // Any spread does; the seeded hash of the house is at hand.
    let folded =
        id.bytes().fold(0u32, |sum, byte| sum.wrapping_mul(31).wrapping_add(u32::from(byte)));
    order::tie(folded, 0) as usize % SHARDS
}
