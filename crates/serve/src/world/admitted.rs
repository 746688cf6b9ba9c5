//! Which items may come back for one request: one bit an item, so that a scan over the whole
//! catalogue asks one bit a time.

use retrieve::Filter;

/// Items that may come back.
#[derive(Debug, Clone)]
pub(crate) struct Admitted {
    words: Vec<u64>,
    items: u32,
}

impl Admitted {
    /// All of `items`.
    pub(crate) fn all(items: u32) -> Admitted {
        let mut admitted = Admitted { words: vec![u64::MAX; words(items)], items };
        admitted.clear_tail();
        admitted
    }

    /// None of `items`.
    pub(crate) fn none(items: u32) -> Admitted {
        Admitted { words: vec![0; words(items)], items }
    }

    /// Those of `items` whose bit is not set in `blocked` (which may be shorter).
    pub(crate) fn without(items: u32, blocked: &[u64]) -> Admitted {
        let mut admitted = Admitted::all(items);
        for (word, blocked) in admitted.words.iter_mut().zip(blocked) {
            *word &= !blocked;
        }
        admitted
    }

    /// Lets this item in.
    pub(crate) fn let_in(&mut self, item: u32) {
        if item < self.items {
            self.words[item as usize / 64] |= 1 << (item % 64);
        }
    }

    /// Keeps this item out; whether it was in.
    pub(crate) fn keep_out(&mut self, item: u32) -> bool {
        if item >= self.items {
            return false;
        }
        let (word, bit) = (&mut self.words[item as usize / 64], 1 << (item % 64));
        let was_in = *word & bit != 0;
        *word &= !bit;
        was_in
    }

    /// Keeps out what `other` does not let in.
    pub(crate) fn only(&mut self, other: &Admitted) {
        for (word, other) in self.words.iter_mut().zip(&other.words) {
            *word &= other;
        }
    }

    /// Number of items that may come back.
    pub(crate) fn count(&self) -> u32 {
        self.words.iter().map(|word| word.count_ones()).sum()
    }

    fn clear_tail(&mut self) {
        let used = self.items % 64;
        if used != 0
            && let Some(last) = self.words.last_mut()
        {
            *last &= (1 << used) - 1;
        }
    }
}

fn words(items: u32) -> usize {
    (items as usize).div_ceil(64)
}

impl Filter for Admitted {
    #[inline]
    fn admits(&self, item: u32) -> bool {
        item < self.items && self.words[item as usize / 64] >> (item % 64) & 1 != 0
    }
}
