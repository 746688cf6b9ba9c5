//! Random numbers without a state: number `index` of stream `seed` is a function of both.
//!
//! Dropout masks are computed twice, forward and backward, and never stored; any thread may
//! compute any part.

/// A well-mixed 32-bit number: two rounds of multiply and xor-shift (the constants are those of
/// the `lowbias32` search by Chris Wellons). Written so that compilers vectorise it.
#[inline(always)]
pub(crate) fn number(seed: u32, index: u32) -> u32 {
    let mut x = index ^ seed;
    x ^= x >> 16;
    x = x.wrapping_mul(0x7feb_352d);
    x ^= x >> 15;
    x = x.wrapping_add(seed.rotate_left(13)).wrapping_mul(0x846c_a68b);
    x ^ (x >> 16)
}

/// Seed of a stream within a stream.
#[inline]
pub(crate) fn stream(seed: u64, which: u64) -> u32 {
    // splitmix64
    let mut x = seed ^ which.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((x ^ (x >> 31)) >> 16) as u32
}

/// Which numbers are dropped, and what the others are multiplied by.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Dropout {
    seed: u32,
    /// Numbers below are dropped.
    threshold: u32,
    scale: f32,
}

impl Dropout {
    /// Drops a share `rate` (0 to below 1) of the stream of `seed`.
    pub fn new(rate: f32, seed: u32) -> Dropout {
        let threshold = (f64::from(rate) * f64::from(u32::MAX)) as u32;
        Dropout { seed, threshold, scale: 1.0 / (1.0 - rate) }
    }

    /// Drops nothing.
    pub const NONE: Dropout = Dropout { seed: 0, threshold: 0, scale: 1.0 };

    /// What number `index` is multiplied by: 0 or 1 / (1 - rate).
    #[inline(always)]
    pub fn factor(self, index: u32) -> f32 {
        if number(self.seed, index) < self.threshold { 0.0 } else { self.scale }
    }

    /// Whether anything is dropped.
    #[inline]
    pub fn is_none(self) -> bool {
        self.threshold == 0
    }
}
