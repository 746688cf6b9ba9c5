//! The catalogue: items come, and the oldest go, so that memory is that of those alive.

use std::collections::VecDeque;

use crate::WorldConfig;
use crate::dice::{Dice, Seed};
use crate::item::{Item, Origin};
use crate::topic::Topics;

/// Items `first..end`, which are alive; those before are gone.
#[derive(Debug, Clone)]
pub struct Catalogue {
    alive: VecDeque<Item>,
    first: u32,
    alive_max: u32,
    /// Part of an arrival that is still to come.
    owed: f64,
}

impl Catalogue {
    pub(crate) fn new(config: &WorldConfig, topics: &Topics, seed: &Seed) -> Catalogue {
        let mut catalogue = Catalogue {
            alive: VecDeque::new(),
            first: 0,
            alive_max: config.catalogue.alive_max,
            owed: 0.0,
        };
        // Those of the start came within two half-lives before it, one after another.
        let before_ms = f64::from(config.catalogue.half_life_days) * 2.0 * 86_400_000.0;
        for id in 0..config.items {
            let share = f64::from(config.items - id) / f64::from(config.items);
            let born_ms = config.start_ms - (before_ms * share) as i64;
            catalogue.push(Item::new(config, topics, seed, id, Origin { born_ms, by: None }));
        }
        catalogue
    }

    /// The first item that is alive.
    pub fn first(&self) -> u32 {
        self.first
    }

    /// One past the last: how many there ever were.
    pub fn end(&self) -> u32 {
        self.first + self.alive.len() as u32
    }

    /// An item that is alive.
    pub fn get(&self, id: u32) -> Option<&Item> {
        self.alive.get(id.checked_sub(self.first)? as usize)
    }

    /// Those alive, oldest first.
    pub fn items(&self) -> impl ExactSizeIterator<Item = &Item> {
        self.alive.iter()
    }

    /// One of those alive.
    pub(crate) fn draw(&self, dice: &mut Dice) -> &Item {
        &self.alive[dice.below(self.alive.len() as u32) as usize]
    }

    /// Takes what users made in the last tick, then what arrives from outside in `tick_s`.
    pub(crate) fn grow(
        &mut self,
        config: &WorldConfig,
        topics: &Topics,
        seed: &Seed,
        made: &[Origin],
        now_ms: i64,
    ) {
        for origin in made {
            self.push(Item::new(config, topics, seed, self.end(), *origin));
        }
        let a_tick = config.catalogue.arrivals_a_day * f64::from(config.tick_s) / 86_400.0;
        self.owed += a_tick;
        let count = self.owed.floor();
        self.owed -= count;
        let room = u64::from(u32::MAX - self.end());
        let count = (count as u64).min(room) as u32;
        // Those who would be pushed out by the end of the tick only take their numbers.
        if let Some(gone) = count.checked_sub(self.alive_max) {
            self.first = self.end() + gone;
            self.alive.clear();
        }
        for _ in 0..count.min(self.alive_max) {
            let origin = Origin { born_ms: now_ms, by: None };
            self.push(Item::new(config, topics, seed, self.end(), origin));
        }
    }

    fn push(&mut self, item: Item) {
        if self.alive.len() as u32 == self.alive_max {
            self.alive.pop_front();
            self.first += 1;
        }
        self.alive.push_back(item);
    }
}
