//! Eight keys with their rows, side by side: two lines of a cache, in one page.

/// Keys of a bucket.
pub(crate) const WAYS: usize = 8;
/// Nobody's row.
pub(crate) const FREE: u32 = u32::MAX;

/// Places for keys; those whose row is [`FREE`] are nobody's.
#[derive(Debug, Clone, Copy)]
#[repr(align(32))]
pub(crate) struct Bucket {
    keys: [u64; WAYS],
    rows: [u32; WAYS],
}

impl Bucket {
    pub(crate) const EMPTY: Bucket = Bucket { keys: [0; WAYS], rows: [FREE; WAYS] };

    /// Where a key is.
    #[inline(always)]
    pub(crate) fn way(&self, key: u64) -> Option<usize> {
        // All at once: which way it is cannot be foreseen.
        let same = (0..WAYS).fold(0u32, |same, at| {
            same | (u32::from(self.keys[at] == key && self.rows[at] != FREE) << at)
        });
        (same != 0).then(|| same.trailing_zeros() as usize)
    }

    /// Ways that are nobody's, a bit each.
    #[inline(always)]
    pub(crate) fn free(&self) -> u32 {
        (0..WAYS).fold(0, |free, at| free | (u32::from(self.rows[at] == FREE) << at))
    }

    #[inline(always)]
    pub(crate) fn key(&self, way: usize) -> u64 {
        self.keys[way]
    }

    #[inline(always)]
    pub(crate) fn row(&self, way: usize) -> u32 {
        self.rows[way]
    }

    #[inline(always)]
    pub(crate) fn put(&mut self, way: usize, key: u64, row: u32) {
        (self.keys[way], self.rows[way]) = (key, row);
    }

    /// Puts another key there, and gives back who it was.
    #[inline(always)]
    pub(crate) fn swap(&mut self, way: usize, key: u64, row: u32) -> (u64, u32) {
        let was = (self.keys[way], self.rows[way]);
        self.put(way, key, row);
        was
    }

    #[inline(always)]
    pub(crate) fn entries(&self) -> impl Iterator<Item = (u64, u32)> + '_ {
        let all = self.keys.iter().copied().zip(self.rows.iter().copied());
        all.filter(|(_, row)| *row != FREE)
    }
}
