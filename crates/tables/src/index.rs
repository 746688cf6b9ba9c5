//! Which row a 64-bit key has: a bucketised cuckoo table (Pagh and Rodler 2004; buckets: Dietzfelbinger
//! and Weidling 2007) in segments. A key has two buckets of eight in its segment, and is in one of
//! them; no two keys share a row. A segment that is full grows by a tenth, so the load stays
//! high and nothing as large as the table is ever copied at once.

use crate::mix::{below, mix};
use crate::prefetch::prefetch;
use crate::{Error, Result};

/// Keys of a bucket.
const WAYS: usize = 8;
/// Keys that are moved on before a segment counts as full.
const KICKS: usize = 200;
/// A segment is full at this load even where there would be room.
const LOAD_MAX: f64 = 0.96;
/// Nobody's row.
const FREE: u32 = u32::MAX;

/// Rows by key.
#[derive(Debug, Clone)]
pub struct Index {
    segments: Vec<Segment>,
    len: usize,
}

/// Keys whose hash begins alike.
#[derive(Debug, Clone)]
struct Segment {
    buckets: u32,
    len: usize,
    keys: Vec<u64>,
    rows: Vec<u32>,
}

impl Index {
    /// Empty, for about as many keys; more are welcome.
    pub fn for_about(keys: usize) -> Index {
        // Segments of a few thousand keys grow within a cache.
        let segments = (keys / 4096).next_power_of_two().clamp(256, 1 << 16);
        Index { segments: vec![Segment::new(1); segments], len: 0 }
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
        let places: usize = self.segments.iter().map(|segment| segment.rows.len()).sum();
        self.len as f64 / places as f64
    }

    /// Bytes of all segments.
    pub fn bytes(&self) -> usize {
        self.segments.iter().map(|segment| segment.rows.len() * 12).sum()
    }

    #[inline(always)]
    fn segment(&self, key: u64) -> usize {
        let bits = self.segments.len().trailing_zeros();
        (mix(key, SEGMENT) >> (64 - bits)) as usize
    }

    /// The row of a key.
    #[inline(always)]
    pub fn get(&self, key: u64) -> Option<u32> {
        self.segments[self.segment(key)].get(key)
    }

    /// Asks memory for where a key would be.
    #[inline(always)]
    pub(crate) fn prefetch(&self, key: u64) {
        let segment = &self.segments[self.segment(key)];
        for which in [FIRST, SECOND] {
            let from = segment.bucket(key, which);
            prefetch(&segment.keys, from, WAYS);
            prefetch(&segment.rows, from, WAYS);
        }
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
        let at = self.segment(key);
        self.len += usize::from(self.segments[at].insert(key, row));
        Ok(())
    }

    /// All keys, in the order of their places.
    pub(crate) fn keys(&self) -> impl Iterator<Item = u64> + '_ {
        let places = self.segments.iter().flat_map(|it| it.keys.iter().zip(&it.rows));
        places.filter(|(_, row)| **row != FREE).map(|(key, _)| *key)
    }

    /// Takes a key out; its row is free then.
    pub fn remove(&mut self, key: u64) -> Option<u32> {
        let at = self.segment(key);
        let segment = &mut self.segments[at];
        let place = segment.place(key)?;
        segment.len -= 1;
        self.len -= 1;
        Some(std::mem::replace(&mut segment.rows[place], FREE))
    }
}

// Different uses of a key get different hashes.
const SEGMENT: u64 = 0x2545_f491_4f6c_dd1d;
const FIRST: u64 = 0x9e37_79b9_7f4a_7c15;
const SECOND: u64 = 0xd1b5_4a32_d192_ed03;

impl Segment {
    fn new(buckets: u32) -> Segment {
        let places = buckets as usize * WAYS;
        Segment { buckets, len: 0, keys: vec![0; places], rows: vec![FREE; places] }
    }

    #[inline(always)]
    fn bucket(&self, key: u64, which: u64) -> usize {
        below(mix(key, which), self.buckets) * WAYS
    }

    #[inline(always)]
    fn get(&self, key: u64) -> Option<u32> {
        self.place(key).map(|place| self.rows[place])
    }

    #[inline(always)]
    fn place(&self, key: u64) -> Option<usize> {
        [FIRST, SECOND].into_iter().find_map(|which| {
            let from = self.bucket(key, which);
            let keys = &self.keys.as_chunks::<WAYS>().0[from / WAYS];
            let rows = &self.rows.as_chunks::<WAYS>().0[from / WAYS];
            // All at once: which way it is cannot be foreseen.
            let same = (0..WAYS).fold(0u32, |same, at| {
                same | (u32::from(keys[at] == key && rows[at] != FREE) << at)
            });
            (same != 0).then(|| from + same.trailing_zeros() as usize)
        })
    }

    /// Whether the key is new.
    fn insert(&mut self, key: u64, row: u32) -> bool {
        if let Some(place) = self.place(key) {
            self.rows[place] = row;
            return false;
        }
        if (self.len + 1) as f64 > LOAD_MAX * self.rows.len() as f64 {
            self.grow();
        }
        let mut homeless = self.put(key, row);
        while let Some((key, row)) = homeless {
            self.grow();
            homeless = self.put(key, row);
        }
        self.len += 1;
        true
    }

    /// Puts a new key somewhere, moving others on; gives back who found no place.
    fn put(&mut self, mut key: u64, mut row: u32) -> Option<(u64, u32)> {
        let mut avoided = usize::MAX;
        for kick in 0..KICKS {
            let buckets = [self.bucket(key, FIRST), self.bucket(key, SECOND)];
            for from in buckets {
                if let Some(at) = (from..from + WAYS).find(|at| self.rows[*at] == FREE) {
                    (self.keys[at], self.rows[at]) = (key, row);
                    return None;
                }
            }
            // On to the other bucket than the one it was pushed out of; who goes there is as good
            // as random, and the same every time.
            let from = if buckets[0] == avoided { buckets[1] } else { buckets[0] };
            let at = from + (mix(key, kick as u64) >> 61) as usize;
            std::mem::swap(&mut self.keys[at], &mut key);
            std::mem::swap(&mut self.rows[at], &mut row);
            avoided = from;
        }
        Some((key, row))
    }

    fn grow(&mut self) {
        let mut buckets = self.buckets + (self.buckets / 10).max(1);
        'again: loop {
            let mut larger = Segment::new(buckets);
            for (key, row) in self.keys.iter().zip(&self.rows) {
                if *row != FREE && larger.put(*key, *row).is_some() {
                    buckets += (buckets / 10).max(1);
                    continue 'again;
                }
            }
            larger.len = self.len;
            *self = larger;
            return;
        }
    }
}
