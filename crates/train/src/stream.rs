//! Randomness by place: the numbers of (purpose, seed, step, place) do not depend on what was
//! drawn before, nor on which thread draws.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Words of a step's stream that one place has: 2^32 of 2^68.
const PLACE_BITS: u32 = 32;

/// The random numbers of one step, or of one epoch.
#[derive(Debug, Clone)]
pub(crate) struct Stream {
    start: ChaCha8Rng,
}

impl Stream {
    /// `purpose`: a number of its own for everything that a run draws with one seed.
    pub(crate) fn new(purpose: u64, seed: u64, step: u64) -> Stream {
        let mut start = ChaCha8Rng::seed_from_u64(seed ^ purpose);
        start.set_stream(step);
        Stream { start }
    }

    /// The numbers of `place`, below 2^36.
    pub(crate) fn at(&self, place: usize) -> ChaCha8Rng {
        let mut rng = self.start.clone();
        rng.set_word_pos((place as u128) << PLACE_BITS);
        rng
    }
}

/// One of `0..n`, and the rest of the number drawn, uniform on its own. One 64-bit number a draw
/// and no rejection, so that a draw's place in the stream is known; the bias is below n / 2^64.
#[inline]
pub(crate) fn below(rng: &mut impl Rng, n: usize) -> (usize, u64) {
    let product = u128::from(rng.next_u64()) * n as u128;
    ((product >> 64) as usize, product as u64)
}

/// A fraction in `0.0..1.0`.
#[inline]
pub(crate) fn fraction(rng: &mut impl Rng) -> f64 {
    (rng.next_u64() >> 11) as f64 * (-53f64).exp2()
}

/// `count` of `values`, each subset as likely as another, in the order they had.
pub(crate) fn subset(rng: &mut impl Rng, values: Vec<u32>, count: usize) -> Vec<u32> {
    if values.len() <= count {
        return values;
    }
    let mut places: Vec<usize> = (0..values.len()).collect();
    for at in 0..count {
        let (chosen, _) = below(rng, places.len() - at);
        places.swap(at, at + chosen);
    }
    places.truncate(count);
    places.sort_unstable();
    places.into_iter().map(|place| values[place]).collect()
}
