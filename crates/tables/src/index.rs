//! Which row a 64-bit key has: a bucketised cuckoo table (Pagh and Rodler 2004; buckets: Dietzfelbinger
//! and Weidling 2007) in segments. A key has two buckets of five in its segment, and is in one of
//! them; no two keys share a row. A segment that is full grows by an eighth, and segments are split
//! one after another as keys come (linear hashing: Litwin 1980), so that the load stays high, a
//! segment fits a cache, and nothing as large as the table is ever copied at once.

use crate::bucket::{Bucket, FREE, NOBODY, WAYS};
use crate::prefetch::prefetch;
use crate::segment::{Crowded, Segment, hash, key};
use crate::{Error, Result};

/// Keys of a segment, in the mean: it grows within a cache.
const SEGMENT_KEYS: usize = 1 << 14;
/// The same where so many keys are announced that segments will hardly grow: each is some huge
/// pages, so that the processor knows where they are.
const SEGMENT_KEYS_TOLD: usize = 1 << 18;
/// From so many announced keys on.
const TOLD_FROM: usize = 1 << 17;
/// Room for more announced keys is not made before they come: who announces may be wrong.
const TOLD_MAX: usize = 1 << 26;

/// Rows by key.
#[derive(Debug, Clone)]
pub struct Index {
    /// At least one.
    segments: Vec<Segment>,
    /// Keys of a segment in the mean, before there is one segment more.
    segment_keys: usize,
    /// The next power of two, less one.
    mask: usize,
    len: usize,
    /// Keys whose buckets are full of others while there is room elsewhere. Nobody is here but where
    /// somebody chose keys for their hashes: a segment that grew for these would grow for ever. And the
    /// key whose hash stands for nobody.
    crowded: Crowded,
}

impl Index {
    /// Empty, with room for about as many keys; more are welcome. Of an index that is told nothing, each
    /// part grows with its keys.
    pub fn for_about(keys: usize) -> Index {
        let segment_keys = if keys < TOLD_FROM { SEGMENT_KEYS } else { SEGMENT_KEYS_TOLD };
        let keys = keys.min(TOLD_MAX);
        let segments = (keys / segment_keys).max(1);
        let mask = segments.next_power_of_two() - 1;
        // Those that have been split, and what was split off, have half of what others have.
        let whole = mask.div_ceil(2).max(1);
        let halved = |at: usize| at >= whole || at < segments - whole;
        let share = |at| keys / whole / (1 + usize::from(halved(at)));
        let segments = (0..segments).map(|at| Segment::for_about(share(at))).collect();
        Index { segments, segment_keys, mask, len: 0, crowded: Crowded::new() }
    }

    /// Keys.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Keys over places for keys.
    pub fn load(&self) -> f64 {
        self.len as f64 / (self.buckets() * WAYS) as f64
    }

    /// Bytes of all segments.
    pub fn bytes(&self) -> usize {
        // A bit a bucket says where there is room.
        let buckets = self.buckets();
        buckets * size_of::<Bucket>() + buckets / 8 + self.segments.len() * size_of::<Segment>()
    }

    fn buckets(&self) -> usize {
        self.segments.iter().map(|segment| segment.buckets.len()).sum()
    }

    /// Keys with their rows: in the same order after the same history, but in no other one.
    pub fn iter(&self) -> impl Iterator<Item = (u64, u32)> + '_ {
        let housed = self.segments.iter().flat_map(Segment::entries);
        let all = housed.chain(self.crowded.iter().map(|(hash, row)| (*hash, *row)));
        all.map(|(hash, row)| (key(hash), row))
    }

    /// The number of a hash's segment.
    #[inline(always)]
    pub(crate) fn segment(&self, hash: u64) -> usize {
        let at = hash as usize & self.mask;
        // Not split yet: keys are still with those whose next bit is 0. Without a branch, as nobody can tell
        // which one a key is in.
        at & self.mask >> u32::from(at >= self.segments.len())
    }

    /// The row of a key.
    #[inline(always)]
    pub fn get(&self, key: u64) -> Option<u32> {
        let hash = hash(key);
        let [first, second] = self.segments[self.segment(hash)].buckets_of(hash);
        let found = first.find(hash).min(second.find(hash));
        let row = self.row_of(hash, found);
        (row != FREE).then_some(row)
    }

    /// The row of a hash whose buckets say that it has this one.
    #[inline(always)]
    pub(crate) fn row_of(&self, hash: u64, found: u32) -> u32 {
        match found {
            FREE if self.crowded.is_empty() => FREE,
            FREE => self.crowded.get(&hash).copied().unwrap_or(FREE),
            row => row,
        }
    }

    pub(crate) fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// Asks memory for what [`Index::prefetch`] will read.
    #[inline(always)]
    pub(crate) fn prefetch_segment(&self, key: u64) {
        prefetch(&self.segments, self.segment(hash(key)), 1);
    }

    /// Asks memory for both buckets of a key, where its segment is there already.
    #[inline(always)]
    pub(crate) fn prefetch(&self, key: u64) {
        let hash = hash(key);
        self.segments[self.segment(hash)].prefetch(hash);
    }

    /// Asks memory for where others would go if a key came that is prefetched.
    #[inline(always)]
    pub(crate) fn prefetch_room(&self, key: u64) {
        let hash = hash(key);
        self.segments[self.segment(hash)].prefetch_room(hash);
    }

    /// Gives a key its row, in place of one that it has.
    ///
    /// # Errors
    /// Where the row is nobody's number, 2^32 − 1.
    pub fn insert(&mut self, key: u64, row: u32) -> Result<()> {
        if row == FREE {
            let what = format!("{row} is no row");
            return Err(Error::Setting { field: "row", what });
        }
        let hash = hash(key);
        let at = self.segment(hash);
        if self.segments[at].set(hash, row) {
            return Ok(());
        }
        match self.crowded.get_mut(&hash) {
            Some(own) => *own = row,
            None => self.insert_new(key, row),
        }
        Ok(())
    }

    /// Gives its row to a key that has none.
    pub(crate) fn insert_new(&mut self, key: u64, row: u32) {
        debug_assert!(row != FREE && self.get(key).is_none(), "key {key}, row {row}");
        let hash = hash(key);
        let at = self.segment(hash);
        match hash {
            NOBODY => drop(self.crowded.insert(hash, row)),
            _ => self.segments[at].insert(hash, row, &mut self.crowded),
        }
        self.len += 1;
        if self.len > self.segments.len() * self.segment_keys {
            self.split();
        }
    }

    /// Takes a key out; its row is free then.
    pub fn remove(&mut self, key: u64) -> Option<u32> {
        let hash = hash(key);
        let at = self.segment(hash);
        let row = self.segments[at].remove(hash).or_else(|| self.crowded.remove(&hash))?;
        self.len -= 1;
        Some(row)
    }

    /// The segment whose turn it is gives half of its keys to a new one.
    fn split(&mut self) {
        let count = self.segments.len();
        let half = if count.is_power_of_two() { count } else { count.next_power_of_two() / 2 };
        let [low, high] = self.segments[count - half].split(half as u64, &mut self.crowded);
        self.segments[count - half] = low;
        self.segments.push(high);
        self.mask = self.segments.len().next_power_of_two() - 1;
    }
}
