//! Where the record of an id is, for one writer and any number of readers without a lock: open addressing
//! with steps of one. A place gets its key once and keeps it, so a reader never sees a key of one time
//! with the record of another; an id that goes leaves its place behind, until all are laid out anew.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use crate::mix::{below, mix};
use crate::prefetch::prefetch;

/// No id was ever here.
const FREE: u32 = u32::MAX;
/// The id that was here is gone.
const GONE: u32 = u32::MAX - 1;
/// Seed of the hash; another one than those of the trainer's index.
const SEED: u64 = 0x6a09_e667_f3bc_c909;

#[derive(Debug)]
pub(super) struct Places {
    places: Box<[Place]>,
}

#[derive(Debug)]
struct Place {
    key: AtomicU64,
    record: AtomicU32,
}

impl Places {
    /// With room for so many ids and some more.
    pub(super) fn for_ids(ids: usize) -> Places {
        let place = || Place { key: AtomicU64::new(0), record: AtomicU32::new(FREE) };
        let count = (ids + ids / 2 + 16).min(u32::MAX as usize);
        Places { places: std::iter::repeat_with(place).take(count).collect() }
    }

    /// Whether chains get long with so many places taken.
    pub(super) fn is_full(&self, taken: usize) -> bool {
        taken + 1 > self.places.len() / 10 * 8
    }

    pub(super) fn bytes(&self) -> usize {
        self.places.len() * size_of::<Place>()
    }

    #[inline(always)]
    fn begin(&self, id: u64) -> usize {
        below(mix(id, SEED), self.places.len() as u32)
    }

    #[inline(always)]
    pub(super) fn prefetch(&self, id: u64) {
        prefetch(&self.places, self.begin(id), 1);
    }

    /// The record of an id.
    #[inline(always)]
    pub(super) fn get(&self, id: u64) -> Option<u32> {
        match self.find(id) {
            (_, record) if record < GONE => Some(record),
            _ => None,
        }
    }

    /// The place of an id and what is there; that where it would be put where it never was.
    #[inline(always)]
    fn find(&self, id: u64) -> (&Place, u32) {
        let mut at = self.begin(id);
        loop {
            let place = &self.places[at];
            // A key was written before its record, and never again.
            let record = place.record.load(Ordering::Acquire);
            if record == FREE || place.key.load(Ordering::Relaxed) == id {
                return (place, record);
            }
            at = if at + 1 == self.places.len() { 0 } else { at + 1 };
        }
    }

    /// Gives an id its record; whether a place was taken. By the one writer, which keeps a place free.
    pub(super) fn put(&self, id: u64, record: u32) -> bool {
        let (place, before) = self.find(id);
        if before == FREE {
            place.key.store(id, Ordering::Relaxed);
        }
        place.record.store(record, Ordering::Release);
        before == FREE
    }

    /// Takes an id out. By the one writer.
    pub(super) fn remove(&self, id: u64) {
        let (place, before) = self.find(id);
        if before != FREE {
            place.record.store(GONE, Ordering::Release);
        }
    }

    /// Every id with its record.
    pub(super) fn all(&self) -> impl Iterator<Item = (u64, u32)> + '_ {
        self.places.iter().filter_map(|place| {
            let record = place.record.load(Ordering::Acquire);
            (record < GONE).then(|| (place.key.load(Ordering::Relaxed), record))
        })
    }
}
