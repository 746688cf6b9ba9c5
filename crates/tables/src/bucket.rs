//! Five keys with their rows, side by side: a line of a cache. A key is kept as its hash, from which it
//! comes back (`mix`): who moves or is compared is not hashed again.

use bytemuck::{Pod, Zeroable};
use pulp::Simd;

/// Keys of a bucket.
pub(crate) const WAYS: usize = 5;
/// Nobody's row.
pub(crate) const FREE: u32 = u32::MAX;
/// The hash in places that are nobody's. The key that has it lives elsewhere.
pub(crate) const NOBODY: u64 = 0;

/// Places for keys.
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C, align(64))]
pub(crate) struct Bucket {
    hashes: [u64; WAYS],
    /// The complement of the row, so that fresh memory is free; the last one is behind all ways.
    rows: [u32; WAYS + 1],
}

impl Bucket {
    /// Where a hash is.
    #[inline(always)]
    pub(crate) fn way(&self, hash: u64) -> Option<usize> {
        // All at once: which way it is cannot be foreseen.
        let same = (0..WAYS)
            .fold(0u32, |same, way| same | u32::from(self.hashes[way] == hash) << way)
            & !self.free();
        (same != 0).then(|| same.trailing_zeros() as usize)
    }

    /// The row of a hash, [`FREE`] where it is not here. No branch, here and below.
    #[inline(always)]
    pub(crate) fn find(&self, hash: u64) -> u32 {
        let own = |way| if self.hashes[way] == hash { self.rows[way] } else { !FREE };
        !(0..WAYS).fold(!FREE, |found, way| found.max(own(way)))
    }

    /// The same.
    #[inline(always)]
    pub(crate) fn find_by<S: Simd>(&self, simd: S, hash: u64) -> u32 {
        let words: &[u64; 8] = bytemuck::cast_ref(self);
        match S::as_simd_u64s(words).0 {
            // One vector, and a bit a word.
            [all] if size_of::<S::m64s>() == 1 => {
                let same = simd.equal_u64s(*all, simd.splat_u64s(hash));
                let same: u8 = bytemuck::cast(same);
                !self.rows[(same.trailing_zeros() as usize).min(WAYS)]
            }
            _ => self.find(hash),
        }
    }

    /// Ways that are nobody's, a bit each.
    #[inline(always)]
    pub(crate) fn free(&self) -> u32 {
        (0..WAYS).fold(0, |free, way| free | u32::from(self.rows[way] == !FREE) << way)
    }

    #[inline(always)]
    pub(crate) fn hash(&self, way: usize) -> u64 {
        self.hashes[way]
    }

    #[inline(always)]
    pub(crate) fn put(&mut self, way: usize, (hash, row): (u64, u32)) {
        (self.hashes[way], self.rows[way]) = (hash, !row);
    }

    /// Puts another one there, and gives back who it was.
    #[inline(always)]
    pub(crate) fn swap(&mut self, way: usize, other: (u64, u32)) -> (u64, u32) {
        let was = (self.hashes[way], !self.rows[way]);
        self.put(way, other);
        was
    }

    /// Hashes with their rows.
    #[inline(always)]
    pub(crate) fn entries(&self) -> impl Iterator<Item = (u64, u32)> + '_ {
        let all = self.hashes.iter().copied().zip(self.rows.map(|row| !row));
        all.filter(|(_, row)| *row != FREE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_is_found_in_every_way() {
        struct Find(Bucket, u64);
        impl pulp::WithSimd for Find {
            type Output = u32;
            fn with_simd<S: Simd>(self, simd: S) -> u32 {
                self.0.find_by(simd, self.1)
            }
        }
        let mut bucket = Bucket::zeroed();
        for way in 0..WAYS {
            bucket.put(way, (way as u64 + 7, 10 * way as u32));
            for hash in 1..20u64 {
                let row = (7..=way as u64 + 7).contains(&hash).then(|| 10 * (hash as u32 - 7));
                assert_eq!(bucket.find(hash), row.unwrap_or(FREE), "{hash}");
                assert_eq!(pulp::Arch::new().dispatch(Find(bucket, hash)), bucket.find(hash));
                assert_eq!(bucket.way(hash).is_some(), row.is_some());
            }
            // Rows are no hashes, though they lie beside them.
            let words: [u64; 8] = bytemuck::cast(bucket);
            for word in &words[WAYS..] {
                assert_eq!(pulp::Arch::new().dispatch(Find(bucket, *word)), bucket.find(*word));
            }
        }
        assert_eq!((bucket.free(), bucket.entries().count()), (0, WAYS));
        assert_eq!((bucket.swap(2, (NOBODY, FREE)), bucket.free()), ((9, 20), 4));
    }
}
