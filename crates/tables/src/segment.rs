//! Keys whose hashes end alike, in buckets.
//!
//! A key goes to the emptier one of its two buckets, so that they fill evenly and few have to move
//! before the segment is nearly full (Azar et al. 1999); to the first one where that is not much
//! fuller, so that most look-ups of many keys (`lookup`) end there. Where both are full, somebody of
//! either moves whose other bucket has room; a bit a bucket tells that without a look at it, which
//! would be another wait for memory.

use std::collections::BTreeMap;

use crate::bucket::{Bucket, FREE, NOBODY, WAYS};
use crate::memory::Memory;
use crate::mix::{mix, unmix};
use crate::prefetch::prefetch;

/// Keys that are moved on before a segment counts as full.
const KICKS: usize = 64;
/// A segment grows at this load even where there would be room: moving takes too long. Growing early
/// and by little is slower, as each time all keys move.
const LOAD_MAX: f64 = 0.96;
/// It grows by one bucket in so many.
const GROWTH: usize = 8;
/// The second bucket takes a key if it has so many more free ways: with 1 more, a third of all look-ups
/// go on to it; where it takes only what the first has no room for, more keys have to move.
const EMPTIER: usize = 2;
/// Load of a segment that has been split.
const LOAD_FRESH: f64 = 0.86;
/// Load of a segment when as many keys have come as it was told of.
const LOAD_TOLD: f64 = 0.92;
/// One that is emptier than this and has no place for a key is not full; its keys are ill-chosen.
const LOAD_CROWDED: f64 = 0.75;
/// Up to so many buckets that happens by chance, too.
const BUCKETS_FEW: usize = 64;
/// Makes another hash of a hash.
const OTHER: u64 = 0x9e37_79b9_7f4a_7c15;

/// Hashes of keys that have no place in their segment, with their rows.
pub(crate) type Crowded = BTreeMap<u64, u32>;

/// Makes this hash independent of others.
const INCREMENT: u64 = 0x2545_f491_4f6c_dd1d;

/// Spreads a key: the lower bits choose its segment, the upper ones its buckets.
#[inline(always)]
pub(crate) fn hash(key: u64) -> u64 {
    mix(key, INCREMENT)
}

/// The key of a hash.
pub(crate) fn key(hash: u64) -> u64 {
    unmix(hash, INCREMENT)
}

/// The two buckets of a hash, of so many in its segment.
#[inline(always)]
pub(crate) fn places(hash: u64, buckets: usize) -> [usize; 2] {
    // Multiplied, not divided: buckets are far fewer than 2^32.
    let below = |bits: u64| (((bits >> 32) * buckets as u64) >> 32) as usize;
    [below(hash), below(hash.wrapping_mul(OTHER))]
}

/// Buckets of one segment. It is asked for as one line.
#[derive(Debug, Clone)]
#[repr(align(64))]
pub(crate) struct Segment {
    len: u32,
    pub(crate) buckets: Memory<Bucket>,
    /// A bit for a bucket that has room.
    room: Box<[u64]>,
}

impl Segment {
    fn new(buckets: usize) -> Segment {
        let room = vec![u64::MAX; buckets.div_ceil(64)].into_boxed_slice();
        Segment { len: 0, buckets: Memory::zeros_or_end(buckets), room }
    }

    pub(crate) fn for_about(keys: usize) -> Segment {
        Segment::new(buckets_at(keys, LOAD_TOLD).max(1))
    }

    fn load_with(&self, more: u32) -> f64 {
        f64::from(self.len + more) / (self.buckets.len() * WAYS) as f64
    }

    /// Whether a larger one would not help a key that has no place.
    fn is_roomy(&self) -> bool {
        self.buckets.len() > BUCKETS_FEW && self.load_with(0) < LOAD_CROWDED
    }

    #[inline(always)]
    fn places(&self, hash: u64) -> [usize; 2] {
        places(hash, self.buckets.len())
    }

    #[inline(always)]
    fn has_room(&self, at: usize) -> bool {
        self.room[at / 64] >> (at % 64) & 1 != 0
    }

    #[inline(always)]
    fn set_room(&mut self, at: usize, has: bool) {
        let word = &mut self.room[at / 64];
        *word = *word & !(1 << (at % 64)) | u64::from(has) << (at % 64);
    }

    /// Asks memory for both buckets of a hash, and whether they have room.
    #[inline(always)]
    pub(crate) fn prefetch(&self, hash: u64) {
        for at in self.places(hash) {
            prefetch(&self.buckets, at, 1);
            prefetch(&self.room, at / 64, 1);
        }
    }

    /// Asks memory for where somebody would go who makes room for a hash.
    #[inline(always)]
    pub(crate) fn prefetch_room(&self, hash: u64) {
        let places = self.places(hash);
        if places.iter().all(|at| !self.has_room(*at)) {
            prefetch(&self.buckets, self.eviction(places, hash).to, 1);
        }
    }

    #[inline(always)]
    fn place(&self, hash: u64) -> Option<(usize, usize)> {
        let find = |at: usize| self.buckets[at].way(hash).map(|way| (at, way));
        let [first, second] = self.places(hash);
        find(first).or_else(|| find(second))
    }

    /// The buckets where a hash would be.
    #[inline(always)]
    pub(crate) fn buckets_of(&self, hash: u64) -> [&Bucket; 2] {
        let buckets = &self.buckets[..];
        places(hash, buckets.len()).map(|at| &buckets[at])
    }

    /// Gives a hash another row; false where it has none.
    #[inline(always)]
    pub(crate) fn set(&mut self, hash: u64, row: u32) -> bool {
        let place = self.place(hash);
        place.inspect(|(at, way)| self.buckets[*at].put(*way, (hash, row))).is_some()
    }

    pub(crate) fn remove(&mut self, hash: u64) -> Option<u32> {
        let (at, way) = self.place(hash)?;
        self.len -= 1;
        self.set_room(at, true);
        Some(self.buckets[at].swap(way, (NOBODY, FREE)).1)
    }

    /// Takes a new hash in, and grows for it where it must.
    pub(crate) fn insert(&mut self, hash: u64, row: u32, crowded: &mut Crowded) {
        if self.load_with(1) > LOAD_MAX {
            self.grow(crowded);
        }
        let mut homeless = self.put((hash, row));
        if let Some(entry) = homeless
            && !self.is_roomy()
        {
            self.grow(crowded);
            homeless = self.put(entry);
        }
        crowded.extend(homeless);
    }

    fn grow(&mut self, crowded: &mut Crowded) {
        *self = filled(|| self.entries(), larger(self.buckets.len()), crowded);
    }

    pub(crate) fn entries(&self) -> impl Iterator<Item = (u64, u32)> + '_ {
        self.buckets.iter().flat_map(Bucket::entries)
    }

    /// Two segments: hashes that lack a bit, and those that have it.
    pub(crate) fn split(&self, bit: u64, crowded: &mut Crowded) -> [Segment; 2] {
        let mut sides = [const { Vec::new() }; 2];
        self.entries().for_each(|entry| sides[usize::from(entry.0 & bit != 0)].push(entry));
        sides.map(|own| {
            let buckets = buckets_at(own.len(), LOAD_FRESH).max(1);
            filled(|| own.iter().copied(), buckets, crowded)
        })
    }

    #[inline(always)]
    fn put_in(&mut self, at: usize, entry: (u64, u32)) -> bool {
        let free = self.buckets[at].free();
        if free != 0 {
            self.buckets[at].put(free.trailing_zeros() as usize, entry);
        }
        if free & free.wrapping_sub(1) == 0 {
            self.set_room(at, false);
        }
        free != 0
    }

    /// Puts a new one somewhere, moving others on; gives back who found no place.
    #[inline(always)]
    fn put(&mut self, entry: (u64, u32)) -> Option<(u64, u32)> {
        let [first, second] = self.places(entry.0);
        let free = [first, second].map(|at| self.buckets[at].free().count_ones() as usize);
        let at = if is_second(free) { second } else { first };
        let homeless =
            if self.put_in(at, entry) { None } else { self.push([first, second], entry) };
        self.len += u32::from(homeless.is_none());
        homeless
    }

    /// Into one of two full buckets, from which somebody must go.
    fn push(&mut self, mut full: [usize; 2], mut entry: (u64, u32)) -> Option<(u64, u32)> {
        // Who must go is as good as random, and the same every time.
        let mut dice = entry.0;
        for _ in 0..KICKS {
            let Eviction { from, way, to } = self.eviction(full, dice);
            entry = self.buckets[from].swap(way, entry);
            if self.put_in(to, entry) {
                return None;
            }
            full = [to, to];
            dice = dice.wrapping_mul(OTHER).wrapping_add(1);
        }
        Some(entry)
    }

    /// Who goes from one of two full buckets: somebody whose other one has room, if there is anybody.
    #[inline(always)]
    fn eviction(&self, [first, second]: [usize; 2], dice: u64) -> Eviction {
        if let Some(eviction) = self.victim(first, dice) {
            return eviction;
        }
        if first != second
            && let Some(eviction) = self.victim(second, dice)
        {
            return eviction;
        }
        let way = some_way(dice);
        let to = self.other(first, self.buckets[first].hash(way));
        Eviction { from: first, way, to }
    }

    /// The other bucket of a hash that is in this one.
    #[inline(always)]
    fn other(&self, at: usize, hash: u64) -> usize {
        let [first, second] = self.places(hash);
        if at == first { second } else { first }
    }

    /// Somebody in a full bucket whose other one has room.
    #[inline(always)]
    fn victim(&self, from: usize, dice: u64) -> Option<Eviction> {
        let bucket = &self.buckets[from];
        (0..WAYS).find_map(|way| {
            let way = (way + some_way(dice)) % WAYS;
            let to = self.other(from, bucket.hash(way));
            (to != from && self.has_room(to)).then_some(Eviction { from, way, to })
        })
    }
}

/// A move from one bucket to another.
struct Eviction {
    from: usize,
    way: usize,
    to: usize,
}

/// A way of a bucket, as good as random.
#[inline(always)]
fn some_way(dice: u64) -> usize {
    (((dice >> 32) * WAYS as u64) >> 32) as usize
}

/// Whether a key goes to the second one of two buckets, of which so many ways are free.
#[inline(always)]
fn is_second([first, second]: [usize; 2]) -> bool {
    first == 0 || second >= first + EMPTIER
}

/// Buckets for so many keys.
fn buckets_at(keys: usize, load: f64) -> usize {
    (keys as f64 / load / WAYS as f64) as usize
}

/// Buckets of a segment that had so many.
fn larger(buckets: usize) -> usize {
    buckets + (buckets / GROWTH).max(1)
}

/// A segment of these hashes, which differ, with as many buckets or more.
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
        entries().for_each(|entry| {
            let [first, second] = segment.places(entry.0);
            let free = [first, second].map(|at| WAYS - usize::from(taken[at]));
            let (at, free) = if is_second(free) { (second, free[1]) } else { (first, free[0]) };
            if free > 0 {
                segment.buckets[at].put(WAYS - free, entry);
                taken[at] = (WAYS - free + 1) as u8;
            } else {
                late.push(entry);
            }
        });
        for (at, taken) in taken.into_iter().enumerate() {
            segment.len += u32::from(taken);
            if usize::from(taken) == WAYS {
                segment.set_room(at, false);
            }
        }
        let mut homeless = Vec::new();
        for entry in late {
            homeless.extend(segment.put(entry));
        }
        if homeless.is_empty() || segment.is_roomy() {
            crowded.extend(homeless);
            return segment;
        }
        count = larger(count);
    }
}
