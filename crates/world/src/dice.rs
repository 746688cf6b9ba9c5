//! Where chance comes from: each (purpose, who, how often before) has a stream of its own, so that
//! nothing depends on the order in which threads get to work.

use rand::rand_core::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// What is drawn.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Purpose {
    Topics = 1,
    Item,
    Words,
    User,
    Visit,
    Respond,
    Query,
    Labels,
}

/// The seed of a world.
#[derive(Debug, Clone)]
pub(crate) struct Seed(ChaCha8Rng);

impl Seed {
    pub(crate) fn new(seed: u64) -> Seed {
        Seed(ChaCha8Rng::seed_from_u64(seed))
    }

    /// The `count`-th draw (below 2^32) for `who`. Each has 2^14 words to itself.
    pub(crate) fn dice(&self, purpose: Purpose, who: u64, count: u64) -> Dice {
        let mut rng = self.0.clone();
        rng.set_stream(((purpose as u64) << 56) | (who & ((1 << 56) - 1)));
        rng.set_word_pos(u128::from(count) << 14);
        Dice(rng)
    }
}

/// One stream of chance.
#[derive(Debug)]
pub(crate) struct Dice(ChaCha8Rng);

impl Dice {
    /// Uniform in [0, 1), of 24 bits.
    pub(crate) fn share(&mut self) -> f32 {
        (self.0.next_u32() >> 8) as f32 / (1u32 << 24) as f32
    }

    /// Uniform in [0, 1), of 53 bits.
    pub(crate) fn wide_share(&mut self) -> f64 {
        (self.0.next_u64() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// True with this probability.
    pub(crate) fn chance(&mut self, probability: f32) -> bool {
        self.share() < probability
    }

    /// Standard normal (Box and Muller 1958).
    pub(crate) fn normal(&mut self) -> f32 {
        let radius = (-2.0 * (1.0 - self.share()).ln()).sqrt();
        radius * (std::f32::consts::TAU * self.share()).cos()
    }

    /// Exponential with mean 1.
    pub(crate) fn exponential(&mut self) -> f64 {
        -(1.0 - self.wide_share()).ln()
    }

    /// Uniform below `n`, which is at least 1.
    pub(crate) fn below(&mut self, n: u32) -> u32 {
        ((u64::from(self.0.next_u32()) * u64::from(n)) >> 32) as u32
    }
}
