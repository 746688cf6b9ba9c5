//! Keys whose hashes end alike, in buckets.
//!
//! A key goes to the emptier one of its two buckets, so that they fill evenly and few have to move
//! before the segment is nearly full (Azar et al. 1999). Where both are full, somebody moves whose other
//! bucket has room; a bit a bucket tells that without a look at it, which would be another wait for
//! memory.

use std::collections::BTreeMap;

use crate::bucket::{Bucket, FREE, WAYS};
use crate::mix::mix;
use crate::prefetch::prefetch;

/// Keys that are moved on before a segment counts as full.
const KICKS: usize = 64;
/// A segment grows at this load even where there would be room: moving takes too long.
const LOAD_MAX: f64 = 0.97;
/// It grows by one bucket in so many.
const GROWTH: usize = 8;
/// Load of a segment that has been split.
const LOAD_FRESH: f64 = 0.88;
/// One that is emptier than this and has no place for a key is not full; its keys are ill-chosen.
const LOAD_CROWDED: f64 = 0.75;
/// Up to so many buckets that happens by chance, too.
const BUCKETS_FEW: usize = 64;
/// Words of bits for buckets with room: as many as a segment of usual size has buckets.
const WORDS: usize = 10;
/// Makes another hash of a hash.
const OTHER: u64 = 0x9e37_79b9_7f4a_7c15;

/// Keys that have no place in their segment, with their rows.
pub(crate) type Crowded = BTreeMap<u64, u32>;

/// Spreads a key: the lower bits choose its segment, the upper ones its buckets.
#[inline(always)]
pub(crate) fn hash(key: u64) -> u64 {
    mix(key, 0x2545_f491_4f6c_dd1d)
}

/// Buckets of one segment.
#[derive(Debug, Clone)]
pub(crate) struct Segment {
    len: u32,
    pub(crate) buckets: Box<[Bucket]>,
    /// A bit for a bucket that has room, or for several of a segment of unusual size: a hint, then.
    room: [u64; WORDS],
}

impl Segment {
    pub(crate) fn new(buckets: usize) -> Segment {
        let buckets = vec![Bucket::EMPTY; buckets].into_boxed_slice();
        Segment { len: 0, buckets, room: [u64::MAX; WORDS] }
    }

    fn load_with(&self, more: u32) -> f64 {
        f64::from(self.len + more) / (self.buckets.len() * WAYS) as f64
    }

    /// Whether a larger one would not help a key that has no place.
    fn is_roomy(&self) -> bool {
        self.buckets.len() > BUCKETS_FEW && self.load_with(0) < LOAD_CROWDED
    }

    /// The two buckets of a hash.
    #[inline(always)]
    fn places(&self, hash: u64) -> [usize; 2] {
        // Multiplied, not divided: buckets are far fewer than 2^32.
        let below = |bits: u64| (((bits >> 32) * self.buckets.len() as u64) >> 32) as usize;
        [below(hash), below(hash.wrapping_mul(OTHER))]
    }

    #[inline(always)]
    fn has_room(&self, at: usize) -> bool {
        let at = at % (WORDS * 64);
        self.room[at / 64] >> (at % 64) & 1 != 0
    }

    #[inline(always)]
    fn set_room(&mut self, at: usize, has: bool) {
        let at = at % (WORDS * 64);
        let word = &mut self.room[at / 64];
        *word = *word & !(1 << (at % 64)) | u64::from(has) << (at % 64);
    }

    /// Asks memory for where a key would be.
    #[inline(always)]
    pub(crate) fn prefetch(&self, hash: u64) {
        self.places(hash).into_iter().for_each(|at| prefetch(&self.buckets, at, 1));
    }

    /// Asks memory for where somebody would go who makes room for a key.
    #[inline(always)]
    pub(crate) fn prefetch_room(&self, hash: u64) {
        let [first, second] = self.places(hash);
        if !self.has_room(first)
            && !self.has_room(second)
            && let Some((_, other)) = self.victim(first, hash)
        {
            prefetch(&self.buckets, other, 1);
        }
    }

    #[inline(always)]
    fn place(&self, key: u64, hash: u64) -> Option<(usize, usize)> {
        let find = |at: usize| self.buckets[at].way(key).map(|way| (at, way));
        let [first, second] = self.places(hash);
        find(first).or_else(|| find(second))
    }

    #[inline(always)]
    pub(crate) fn get(&self, key: u64, hash: u64) -> Option<u32> {
        self.place(key, hash).map(|(at, way)| self.buckets[at].row(way))
    }

    /// Gives a key another row; false where it has none.
    #[inline(always)]
    pub(crate) fn set(&mut self, key: u64, hash: u64, row: u32) -> bool {
        let place = self.place(key, hash);
        place.inspect(|(at, way)| self.buckets[*at].put(*way, key, row)).is_some()
    }

    pub(crate) fn remove(&mut self, key: u64, hash: u64) -> Option<u32> {
        let (at, way) = self.place(key, hash)?;
        self.len -= 1;
        self.set_room(at, true);
        Some(self.buckets[at].swap(way, 0, FREE).1)
    }

    /// Takes a new key in, and grows for it where it must.
    pub(crate) fn insert(&mut self, key: u64, hash: u64, row: u32, crowded: &mut Crowded) {
        if self.load_with(1) > LOAD_MAX {
            self.grow(crowded);
        }
        let mut homeless = self.put(key, hash, row);
        if let Some((key, row)) = homeless
            && !self.is_roomy()
        {
            self.grow(crowded);
            homeless = self.put(key, self::hash(key), row);
        }
        crowded.extend(homeless);
    }

    fn grow(&mut self, crowded: &mut Crowded) {
        *self = filled(|| self.entries(), larger(self.buckets.len()), crowded);
    }

    pub(crate) fn entries(&self) -> impl Iterator<Item = (u64, u32)> + '_ {
        self.buckets.iter().flat_map(Bucket::entries)
    }

    /// Two segments: keys whose hash lacks a bit, and those that have it.
    pub(crate) fn split(&self, bit: u64, crowded: &mut Crowded) -> [Segment; 2] {
        let high = self.entries().filter(|(key, _)| hash(*key) & bit != 0).count();
        [(0, self.len as usize - high), (bit, high)].map(|(side, keys)| {
            let buckets = (keys as f64 / LOAD_FRESH / WAYS as f64) as usize;
            let own = || self.entries().filter(|(key, _)| hash(*key) & bit == side);
            filled(own, buckets.max(1), crowded)
        })
    }

    #[inline(always)]
    fn put_in(&mut self, at: usize, key: u64, row: u32) -> bool {
        let free = self.buckets[at].free();
        if free != 0 {
            self.buckets[at].put(free.trailing_zeros() as usize, key, row);
        }
        if free & free.wrapping_sub(1) == 0 {
            self.set_room(at, false);
        }
        free != 0
    }

    /// Puts a new key somewhere, moving others on; gives back who found no place.
    #[inline(always)]
    fn put(&mut self, key: u64, hash: u64, row: u32) -> Option<(u64, u32)> {
        let [first, second] = self.places(hash);
        let free = [first, second].map(|at| self.buckets[at].free().count_ones());
        let at = if free[1] > free[0] { second } else { first };
        let homeless =
            if self.put_in(at, key, row) { None } else { self.push(first, key, hash, row) };
        self.len += u32::from(homeless.is_none());
        homeless
    }

    /// Into a full bucket, from which somebody must go.
    fn push(
        &mut self,
        mut at: usize,
        mut key: u64,
        hash: u64,
        mut row: u32,
    ) -> Option<(u64, u32)> {
        // Who must go is as good as random, and the same every time.
        let mut dice = hash;
        for _ in 0..KICKS {
            let victim = self.victim(at, dice);
            let way = victim.map_or((dice >> 61) as usize, |(way, _)| way);
            (key, row) = self.buckets[at].swap(way, key, row);
            at = victim.map_or_else(|| self.other(at, key), |(_, other)| other);
            if self.put_in(at, key, row) {
                return None;
            }
            dice = dice.wrapping_mul(OTHER).wrapping_add(1);
        }
        Some((key, row))
    }

    /// The other bucket of a key that is in this one.
    #[inline(always)]
    fn other(&self, at: usize, key: u64) -> usize {
        let [first, second] = self.places(hash(key));
        if at == first { second } else { first }
    }

    /// Somebody in a full bucket who could go, and where to.
    #[inline(always)]
    fn victim(&self, at: usize, dice: u64) -> Option<(usize, usize)> {
        let bucket = &self.buckets[at];
        (0..WAYS).find_map(|way| {
            let way = (way + (dice >> 61) as usize) % WAYS;
            let other = self.other(at, bucket.key(way));
            (other != at && self.has_room(other)).then_some((way, other))
        })
    }
}

/// Buckets of a segment that had so many.
fn larger(buckets: usize) -> usize {
    buckets + (buckets / GROWTH).max(1)
}

/// A segment of these keys, which differ, with as many buckets or more.
fn filled<I: Iterator<Item = (u64, u32)>>(
    entries: impl Fn() -> I,
    mut count: usize,
    crowded: &mut Crowded,
) -> Segment {
    loop {
        let mut segment = Segment::new(count);
        // Ways are taken in order, so that a number a bucket says which are free.
        let mut taken = vec![0u8; count];
        let mut late = Vec::new();
        for (key, row) in entries() {
            let [first, second] = segment.places(hash(key));
            let at = if taken[second] < taken[first] { second } else { first };
            let way = usize::from(taken[at]);
            if way < WAYS {
                segment.buckets[at].put(way, key, row);
                taken[at] += 1;
                segment.len += 1;
            } else {
                late.push((key, row));
            }
        }
        for (at, taken) in taken.into_iter().enumerate() {
            if usize::from(taken) == WAYS {
                segment.set_room(at, false);
            }
        }
        let mut homeless = Vec::new();
        for (key, row) in late {
            homeless.extend(segment.put(key, hash(key), row));
        }
        if homeless.is_empty() || segment.is_roomy() {
            crowded.extend(homeless);
            return segment;
        }
        count = larger(count);
    }
}
