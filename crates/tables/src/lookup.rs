//! Rows of many keys. A processor that waits for the bucket of each key in turn is idle most of the time:
//! keys go through in blocks, memory is asked for what one of them needs while another is compared, and
//! each step is a short loop whose turns do not wait for one another.

use pulp::{Arch, Simd, WithSimd};

use crate::Index;
use crate::bucket::{Bucket, FREE};
use crate::prefetch::prefetch;
use crate::segment::{hash, places};

/// Keys that go through a step together: enough for what memory brings at once.
const BLOCK: usize = 64;
/// A block is compared, the next one is asked for, and one waits for its second buckets.
const STEPS: usize = 3;

/// Keys on their way.
#[derive(Clone, Copy)]
struct Block<'a> {
    hashes: [u64; BLOCK],
    /// Where a key is in most cases.
    firsts: [&'a Bucket; BLOCK],
    /// Keys that are not there, by their places in the block, and where else they would be.
    late: [(u32, &'a Bucket); BLOCK],
    late_len: usize,
}

impl Index {
    /// Rows of keys, 2^32 − 1 for one that has none.
    pub fn rows(&self, keys: &[u64]) -> Vec<u32> {
        let mut rows = Vec::new();
        Arch::new().dispatch(All { index: self, keys, rows: &mut rows });
        rows
    }

    /// The same, compiled into a loop of the caller, into numbers that it has already.
    #[inline(always)]
    pub(crate) fn rows_of<S: Simd>(&self, simd: S, keys: &[u64], rows: &mut Vec<u32>) {
        rows.clear();
        rows.resize(keys.len(), FREE);
        // Where memory of a segment begins takes a while to find out: for many keys that is asked once.
        if self.segments().len() <= keys.len() / 4 {
            let all: Vec<&[Bucket]> =
                self.segments().iter().map(|own| &own.buckets[..]).collect();
            self.rows_in(simd, &|hash| all[self.segment(hash)], keys, rows);
        } else {
            let own = |hash| &self.segments()[self.segment(hash)].buckets[..];
            self.rows_in(simd, &own, keys, rows);
        }
    }

    #[inline(always)]
    fn rows_in<'a, S: Simd>(
        &'a self,
        simd: S,
        segment: &impl Fn(u64) -> &'a [Bucket],
        keys: &[u64],
        rows: &mut [u32],
    ) {
        let nowhere = &segment(0)[0];
        let fresh = Block {
            hashes: [0; BLOCK],
            firsts: [nowhere; BLOCK],
            late: [(0, nowhere); BLOCK],
            late_len: 0,
        };
        let mut blocks = [fresh; STEPS];
        for step in 0..keys.len().div_ceil(BLOCK) + STEPS - 1 {
            if let Some(keys) = keys.chunks(BLOCK).nth(step) {
                blocks[step % STEPS].ask(segment, keys);
            }
            let before = |steps: usize| step.checked_sub(steps);
            if let Some(at) = before(1)
                && let Some(rows) = rows.chunks_mut(BLOCK).nth(at)
            {
                blocks[at % STEPS].find(simd, segment, rows);
            }
            if let Some(at) = before(2)
                && let Some(rows) = rows.chunks_mut(BLOCK).nth(at)
            {
                blocks[at % STEPS].find_late(simd, self, rows);
            }
        }
    }
}

struct All<'a> {
    index: &'a Index,
    keys: &'a [u64],
    rows: &'a mut Vec<u32>,
}

impl WithSimd for All<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        self.index.rows_of(simd, self.keys, self.rows);
    }
}

impl<'a> Block<'a> {
    #[inline(always)]
    fn ask(&mut self, segment: &impl Fn(u64) -> &'a [Bucket], keys: &[u64]) {
        for (own, key) in self.hashes.iter_mut().zip(keys) {
            *own = hash(*key);
        }
        for (own, hash) in self.firsts.iter_mut().zip(&self.hashes[..keys.len()]) {
            *own = asked_for(segment(*hash), *hash, 0);
        }
    }

    #[inline(always)]
    fn find<S: Simd>(
        &mut self,
        simd: S,
        segment: &impl Fn(u64) -> &'a [Bucket],
        rows: &mut [u32],
    ) {
        // Which keys are late cannot be foreseen, so there is no branch: each is written down, and the next
        // one writes over it unless it is late.
        let mut late = [0u32; BLOCK];
        let mut len = 0;
        for (at, row) in rows.iter_mut().enumerate() {
            *row = self.firsts[at].find_by(simd, self.hashes[at]);
            late[len % BLOCK] = at as u32;
            len += usize::from(*row == FREE);
        }
        self.late_len = len;
        for (own, at) in self.late.iter_mut().zip(&late[..len]) {
            let hash = self.hashes[*at as usize];
            *own = (*at, asked_for(segment(hash), hash, 1));
        }
    }

    #[inline(always)]
    fn find_late<S: Simd>(&self, simd: S, index: &Index, rows: &mut [u32]) {
        for (at, second) in &self.late[..self.late_len] {
            let hash = self.hashes[*at as usize];
            rows[*at as usize] = index.row_of(hash, second.find_by(simd, hash));
        }
    }
}

/// The first or second bucket of a hash in its segment, which memory is asked for.
#[inline(always)]
fn asked_for(segment: &[Bucket], hash: u64, which: usize) -> &Bucket {
    let at = places(hash, segment.len())[which];
    prefetch(segment, at, 1);
    &segment[at]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_keys_have_the_rows_that_each_has() {
        // In one segment and in many: keys that are there, that left, that never came.
        for (about, keys) in [(0, 1000u64), (0, 50_000), (1 << 20, 1_000_000)] {
            let key = |at: u64| at.wrapping_mul(0x9e37_79b9_7f4a_7c15);
            let mut index = Index::for_about(about);
            for at in 0..keys {
                index.insert_new(key(at), at as u32);
            }
            for at in (0..keys).step_by(7) {
                index.remove(key(at));
            }
            // The hash that stands for nobody has its place beside.
            index.insert_new(crate::segment::key(0), 77);
            let mut asked: Vec<u64> = (0..keys + keys / 3).rev().map(key).collect();
            asked.insert(5, crate::segment::key(0));
            for count in [0, 1, 5, 6, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK, asked.len()] {
                let rows = index.rows(&asked[..count]);
                let each = asked[..count].iter().map(|key| index.get(*key).unwrap_or(FREE));
                assert!(rows.iter().copied().eq(each), "{count} of {keys} keys");
                assert_eq!(rows.get(5).copied().unwrap_or(77), 77);
            }
        }
    }
}
