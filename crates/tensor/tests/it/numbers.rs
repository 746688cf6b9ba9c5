//! Seeded numbers for tests, the same on every machine.

/// SplitMix64.
pub(crate) struct Numbers(u64);

impl Numbers {
    pub(crate) fn new(seed: u64) -> Numbers {
        Numbers(seed)
    }

    pub(crate) fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    /// In −1..1.
    pub(crate) fn wide(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1u64 << 52) as f64 - 1.0
    }
}

/// `count` numbers in −1..1.
pub(crate) fn numbers(seed: u64, count: usize) -> Vec<f32> {
    wide(seed, count).into_iter().map(|number| number as f32).collect()
}

/// `count` numbers in −1..1, in f64.
pub(crate) fn wide(seed: u64, count: usize) -> Vec<f64> {
    let mut numbers = Numbers::new(seed);
    (0..count).map(|_| numbers.wide()).collect()
}
