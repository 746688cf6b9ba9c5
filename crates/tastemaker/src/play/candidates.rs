//! What a policy chooses from: items of the catalogue, drawn uniformly for a request, so that two
//! policies who meet the same person at the same time choose from the same.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use world::{Catalogue, Request};

/// Chance that belongs to one request of one run.
#[derive(Debug)]
pub(super) struct Chance(ChaCha8Rng);

/// What the chance is for.
#[derive(Debug, Clone, Copy)]
pub(super) enum Draw {
    Candidates = 1,
    Slate,
}

impl Chance {
    /// Of a person's request: who and when tell requests apart. Visitors without a name are told
    /// apart by their place in the round.
    pub(super) fn new(seed: u64, draw: Draw, request: &Request, at: usize) -> Chance {
        let who = request.user.map_or(at as u64 | 1 << 32, u64::from);
        let mut rng =
            ChaCha8Rng::seed_from_u64(seed ^ (request.time_ms as u64).rotate_left(20));
        rng.set_stream(((draw as u64) << 40) | who);
        Chance(rng)
    }

    /// Uniform below `n`.
    pub(super) fn below(&mut self, n: u32) -> u32 {
        ((u64::from(self.0.next_u32()) * u64::from(n.max(1))) >> 32) as u32
    }

    /// Uniform in [0, 1).
    pub(super) fn share(&mut self) -> f64 {
        (self.0.next_u64() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Puts them in any order, each equally likely (Fisher and Yates).
    pub(super) fn shuffle(&mut self, items: &mut [u32]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last as u32 + 1) as usize);
        }
    }
}

/// `count` different items that are alive, or all where there are fewer, in any order.
pub(super) fn draw(catalogue: &Catalogue, count: usize, chance: &mut Chance) -> Vec<u32> {
    let (first, alive) = (catalogue.first(), catalogue.end() - catalogue.first());
    let count = count.min(alive as usize);
    let mut found: Vec<u32> = Vec::with_capacity(count);
    // Floyd's way: as many draws as items, whatever the catalogue.
    for upto in alive - count as u32..alive {
        let drawn = first + chance.below(upto + 1);
        found.push(if found.contains(&drawn) { first + upto } else { drawn });
    }
    chance.shuffle(&mut found);
    found
}
