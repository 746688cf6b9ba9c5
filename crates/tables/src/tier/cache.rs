//! Which rows are in the fast tier, and which leave it: a set-associative cache as FBGEMM's.
//!
//! A row belongs to one set of [`WAYS`] slots, `fmix64(row) mod sets`. A row that the batch at hand or
//! the one ahead needs is locked; it never leaves. Rows that find no way are conflict misses and go
//! to a pad beside the cache. LRU counts time in batches; LFU counts batches a row was in, and lets it
//! in only where its count is at least the victim's.

use pulp::{Arch, Simd, WithSimd};

use crate::prefetch::prefetch;

/// Slots of a set.
pub const WAYS: usize = 32;
/// The tag of a slot without a row.
const EMPTY: u64 = u64::MAX;
/// Ids whose sets memory is asked for ahead.
const AHEAD: usize = 12;

/// Who leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Policy {
    /// The row that was not used for the most batches.
    Lru,
    /// The row that was in the fewest batches; takes 4 bytes of memory for each row of the table.
    Lfu,
}

/// What a cache has done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counters {
    /// Batches.
    pub batches: u64,
    /// Ids in them.
    pub requested: u64,
    /// Different ids of each.
    pub unique: u64,
    /// Those that were not there.
    pub unique_misses: u64,
    /// Those that found no way into their set.
    pub conflict_misses: u64,
    /// Dirty rows that left, and were written.
    pub written_back: u64,
}

/// A row that comes, and what it drives out.
#[derive(Debug, Clone, Copy)]
pub(super) struct Coming {
    pub(super) row: u64,
    pub(super) victim: u64,
    pub(super) slot: u32,
    pub(super) dirty: bool,
}

impl Coming {
    pub(super) fn victim(&self) -> Option<u64> {
        (self.victim != EMPTY && self.dirty).then_some(self.victim)
    }
}

/// An id that is not there.
#[derive(Debug, Clone, Copy)]
struct Miss {
    set: u32,
    at: u32,
    row: u64,
}

/// What is to be done for a batch.
pub(super) struct Plan {
    /// Rows that come into a slot.
    pub(super) coming: Vec<Coming>,
    misses: Vec<Miss>,
    /// Conflict misses.
    fell: usize,
}

impl Plan {
    pub(super) fn for_ids(ids: usize) -> Plan {
        Plan { coming: Vec::with_capacity(ids), misses: Vec::with_capacity(ids), fell: 0 }
    }

    pub(super) fn bytes(&self) -> usize {
        self.coming.capacity() * size_of::<Coming>()
            + self.misses.capacity() * size_of::<Miss>()
    }

    /// Bytes of a plan for so many ids.
    pub(super) fn bytes_for(ids: usize) -> usize {
        ids * (size_of::<Coming>() + size_of::<Miss>())
    }
}

/// Tags, times and locks of all slots.
pub(super) struct Cache {
    sets: usize,
    tags: Vec<u64>,
    times: Vec<u32>,
    /// Batches, the one at hand and the one ahead, that need it.
    locks: Vec<u8>,
    dirty: Vec<bool>,
    /// Batches each row was in; LFU's alone.
    counts: Vec<u32>,
    now: u32,
    pub(super) counters: Counters,
}

/// 64-bit finaliser of MurmurHash3.
#[inline(always)]
pub(super) fn fmix64(mut x: u64) -> u64 {
    x = (x ^ (x >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    x = (x ^ (x >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    x ^ (x >> 33)
}

impl Cache {
    /// An empty one.
    pub(super) fn new(sets: usize, policy: Policy, rows: u64) -> Cache {
        let slots = sets * WAYS;
        Cache {
            sets,
            tags: vec![EMPTY; slots],
            times: vec![0; slots],
            locks: vec![0; slots],
            dirty: vec![false; slots],
            counts: vec![0; if policy == Policy::Lfu { rows as usize } else { 0 }],
            now: 0,
            counters: Counters::default(),
        }
    }

    /// Bytes of a slot.
    pub(super) const SLOT_BYTES: usize = 8 + 4 + 1 + 1;

    pub(super) fn bytes(&self) -> usize {
        self.tags.capacity() * Self::SLOT_BYTES + self.counts.capacity() * 4
    }

    pub(super) fn slots(&self) -> usize {
        self.tags.len()
    }

    #[inline(always)]
    fn set_of(&self, row: u64) -> usize {
        (fmix64(row) % self.sets as u64) as usize
    }

    /// The slot of a row.
    #[inline(always)]
    pub(super) fn find(&self, row: u64) -> Option<usize> {
        self.find_in(self.set_of(row), row)
    }

    #[inline(always)]
    fn find_in(&self, set: usize, row: u64) -> Option<usize> {
        let ways = self.tags.as_chunks::<WAYS>().0.get(set)?;
        let mut found = 0u32;
        for (way, tag) in ways.iter().enumerate() {
            found |= u32::from(*tag == row) << way;
        }
        (found != 0).then(|| set * WAYS + found.trailing_zeros() as usize)
    }

    /// Finds a place for every id, in place: `ids` become numbers of slots, or `pad` and above for
    /// `conflicts`. Slots of the batch are locked, once each, and listed in `used`. How many conflicts there were; what is beyond the capacity of
    /// `conflicts` is not listed.
    pub(super) fn plan(
        &mut self,
        ids: &mut [u64],
        pad: u64,
        plan: &mut Plan,
        used: &mut Vec<u32>,
        conflicts: &mut Vec<u64>,
    ) -> usize {
        if self.now == u32::MAX {
            // In 2³² batches everything is as old as everything.
            self.times.fill(0);
            self.now = 0;
        }
        self.now += 1;
        plan.coming.clear();
        plan.misses.clear();
        used.clear();
        conflicts.clear();
        self.counters.batches += 1;
        self.counters.requested += ids.len() as u64;
        let misses = &mut plan.misses;
        Arch::new().dispatch(Probe { cache: self, ids, misses, used });
        // By set, then row: rows of a set compete, and duplicates of a row lie together.
        plan.misses.sort_unstable_by_key(|miss| (miss.set, miss.row, miss.at));
        let hits = used.len();
        let misses = std::mem::take(&mut plan.misses);
        let mut unique = 0;
        plan.fell = 0;
        for of_set in misses.chunk_by(|a, b| a.set == b.set) {
            unique += self.insert(of_set, ids, pad, plan, used, conflicts);
        }
        plan.misses = misses;
        self.counters.unique += (hits + unique) as u64;
        self.counters.unique_misses += unique as u64;
        self.counters.conflict_misses += plan.fell as u64;
        plan.fell
    }

    /// Rows that miss in a set: how many they are.
    fn insert(
        &mut self,
        misses: &[Miss],
        ids: &mut [u64],
        pad: u64,
        plan: &mut Plan,
        used: &mut Vec<u32>,
        conflicts: &mut Vec<u64>,
    ) -> usize {
        let lfu = !self.counts.is_empty();
        let first = misses[0].set as usize * WAYS;
        // Ways in the order in which they are given up.
        let mut ways: [usize; WAYS] = std::array::from_fn(|way| first + way);
        let count_of = |cache: &Cache, tag: u64| match tag {
            EMPTY => 0,
            row => cache.counts[row as usize],
        };
        match lfu {
            false => ways.sort_by_key(|slot| self.times[*slot]),
            true => ways.sort_by_key(|slot| (count_of(self, self.tags[*slot]), *slot)),
        }
        let mut ways = ways.into_iter().filter(|slot| {
            self.locks[*slot] == 0
                && (self.tags[*slot] == EMPTY || self.times[*slot] != self.now)
        });
        // At most a set's worth of candidates can come; the best ones do.
        let mut best: Vec<(u32, u64)> = Vec::new();
        let mut unique = 0;
        for same in misses.chunk_by(|a, b| a.row == b.row) {
            unique += 1;
            if lfu {
                let count = self.counts[same[0].row as usize].saturating_add(1);
                self.counts[same[0].row as usize] = count;
                best.push((u32::MAX - count, same[0].row));
                if best.len() == 4 * WAYS {
                    best.sort_unstable();
                    best.truncate(WAYS);
                }
            } else if best.len() < WAYS {
                best.push((0, same[0].row));
            }
        }
        best.sort_unstable();
        best.truncate(WAYS);
        let from = plan.coming.len();
        for (less, row) in best {
            let Some(slot) = ways.next() else { break };
            let victim = self.tags[slot];
            if lfu && victim != EMPTY && u32::MAX - less < self.counts[victim as usize] {
                break;
            }
            let dirty = self.dirty[slot];
            plan.coming.push(Coming { row, victim, slot: slot as u32, dirty });
        }
        let now = self.now;
        for come in &plan.coming[from..] {
            let slot = come.slot as usize;
            (self.tags[slot], self.times[slot]) = (come.row, now);
            (self.locks[slot], self.dirty[slot]) = (1, false);
            used.push(come.slot);
        }
        for same in misses.chunk_by(|a, b| a.row == b.row) {
            let came = plan.coming[from..].iter().find(|come| come.row == same[0].row);
            let place = came.map_or(pad + plan.fell as u64, |come| u64::from(come.slot));
            if came.is_none() {
                plan.fell += 1;
                // Their memory is counted; more of them than that are refused anyway.
                if conflicts.len() < conflicts.capacity() {
                    conflicts.push(same[0].row);
                }
            }
            same.iter().for_each(|miss| ids[miss.at as usize] = place);
        }
        unique
    }

    /// Takes a plan back that could not be carried out. Where victims may be `gone` from their slots
    /// already, all of which were written, the slots are empty; else they are as they were.
    pub(super) fn undo(&mut self, plan: &Plan, used: &[u32], gone: bool) {
        self.unlock(used);
        for come in &plan.coming {
            let slot = come.slot as usize;
            self.times[slot] = 0;
            self.tags[slot] = if gone { EMPTY } else { come.victim };
            self.dirty[slot] = !gone && come.dirty;
        }
    }

    /// A batch needs its slots no more.
    pub(super) fn unlock(&mut self, used: &[u32]) {
        used.iter().for_each(|slot| self.locks[*slot as usize] -= 1);
    }

    /// Rows of these slots have changed.
    pub(super) fn soil(&mut self, used: &[u32]) {
        used.iter().for_each(|slot| self.dirty[*slot as usize] = true);
    }

    /// The row of a dirty slot.
    pub(super) fn dirty(&self, slot: usize) -> Option<u64> {
        (self.dirty[slot] && self.tags[slot] != EMPTY).then(|| self.tags[slot])
    }

    /// The slot has been written.
    pub(super) fn clean(&mut self, slot: usize) {
        self.dirty[slot] = false;
    }
}

/// Looks for all ids.
struct Probe<'a> {
    cache: &'a mut Cache,
    ids: &'a mut [u64],
    misses: &'a mut Vec<Miss>,
    used: &'a mut Vec<u32>,
}

impl WithSimd for Probe<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Probe { cache, ids, misses, used } = self;
        let mut sets = [0usize; AHEAD];
        for at in 0..ids.len() + AHEAD {
            if let Some(at) = at.checked_sub(AHEAD) {
                let (set, row) = (sets[at % AHEAD], ids[at]);
                match cache.find_in(set, row) {
                    Some(slot) => {
                        if cache.times[slot] != cache.now {
                            cache.times[slot] = cache.now;
                            cache.locks[slot] += 1;
                            if let Some(count) = cache.counts.get_mut(row as usize) {
                                *count = count.saturating_add(1);
                            }
                            used.push(slot as u32);
                        }
                        ids[at] = slot as u64;
                    }
                    None => misses.push(Miss { set: set as u32, at: at as u32, row }),
                }
            }
            if at < ids.len() {
                let set = cache.set_of(ids[at]);
                sets[at % AHEAD] = set;
                prefetch(&cache.tags, set * WAYS, WAYS);
            }
        }
    }
}

#[cfg(test)]
mod tests;
