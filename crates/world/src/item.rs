//! Items: where they lie, how good they are, how much better they look.

use crate::WorldConfig;
use crate::dice::{Purpose, Seed};
use crate::topic::Topics;
use crate::vector::{Vector, direction, mixed};

/// One item and all that is true of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    /// Its number; items are numbered in the order in which they enter the catalogue.
    pub id: u32,
    pub(crate) vector: Vector,
    /// Its leaf of the topic tree.
    pub leaf: u32,
    /// q.
    pub quality: f32,
    /// b: how much better it looks than it is; 0 for half of all.
    pub clickbait: f32,
    /// D, seconds.
    pub length_s: f32,
    /// What it costs.
    pub price: f32,
    /// Who made it.
    pub creator: Creator,
    /// When it came.
    pub born_ms: i64,
    /// Its language.
    pub language: u8,
}

/// Who made an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Creator {
    /// One of the makers who are no users.
    Maker(u32),
    /// A user.
    User(u32),
}

/// What is known of an item before it is made.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Origin {
    pub(crate) born_ms: i64,
    /// By whom, about what and in which language, where a user made it.
    pub(crate) by: Option<(u32, u32, u8)>,
}

impl Item {
    pub(crate) fn new(
        config: &WorldConfig,
        topics: &Topics,
        seed: &Seed,
        id: u32,
        origin: Origin,
    ) -> Item {
        let mut dice = seed.dice(Purpose::Item, id.into(), 0);
        let catalogue = &config.catalogue;
        let (drawn_leaf, maker) = (topics.draw(&mut dice), dice.below(catalogue.makers));
        let language = dice.below(config.languages.into()) as u8;
        let (creator, leaf, language) = match origin.by {
            Some((user, leaf, language)) => (Creator::User(user), leaf, language),
            None => (Creator::Maker(maker), drawn_leaf, language),
        };
        let own = direction(&mut dice);
        Item {
            id,
            vector: mixed(topics.direction(leaf), &own, catalogue.own),
            leaf,
            quality: dice.normal(),
            clickbait: dice.normal().max(0.0),
            length_s: catalogue.length_s * (catalogue.length_sd * dice.normal()).exp(),
            price: catalogue.price * (catalogue.price_sd * dice.normal()).exp(),
            creator,
            born_ms: origin.born_ms,
            language,
        }
    }

    /// Days since it came; 0 before.
    pub(crate) fn age_days(&self, now_ms: i64) -> f32 {
        (now_ms.saturating_sub(self.born_ms).max(0) as f64 / 86_400_000.0) as f32
    }
}
