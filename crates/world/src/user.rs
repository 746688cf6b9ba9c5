//! People: what they like, how patient they are, how content.

use crate::WorldConfig;
use crate::dice::{Dice, Purpose, Seed};
use crate::item::Item;
use crate::topic::Topics;
use crate::vector::{DIM, Vector, direction, mixed, unit};

/// A person, and all that is true of one.
#[derive(Debug, Clone)]
pub struct User {
    /// θ.
    pub(crate) taste: Vector,
    /// μ.
    pub(crate) mood: Vector,
    /// x: how content they are, 0 to 1.
    pub satisfaction: f32,
    /// Around 1; high stays.
    pub patience: f32,
    /// η, around 1; high looks at the top only.
    pub attention: f32,
    /// t: tendency to create, 0 for most.
    pub tendency: f32,
    /// Around 1; high minds the price.
    pub thrift: f32,
    /// f, around 1; high comes often.
    pub frequency: f32,
    /// Their market.
    pub market: u8,
    /// Their language.
    pub language: u8,
    /// When the next visit begins.
    pub(crate) next_visit_ms: i64,
    /// When the last one ended.
    pub(crate) left_ms: i64,
    /// Slates asked for so far, and visits begun: which chance is next.
    pub(crate) requests: u32,
    pub(crate) visits: u32,
}

impl User {
    pub(crate) fn new(config: &WorldConfig, topics: &Topics, seed: &Seed, number: u32) -> User {
        let mut dice = seed.dice(Purpose::User, number.into(), 0);
        let taste = taste(config, topics, &mut dice);
        let market = dice.below(config.markets.into()) as u8;
        let language = market % config.languages;
        let around_one = |dice: &mut Dice, sd: f32| (sd * dice.normal()).exp();
        let patience = around_one(&mut dice, 0.4);
        let attention = around_one(&mut dice, 0.2);
        let thrift = around_one(&mut dice, 0.4);
        let frequency = around_one(&mut dice, 0.6);
        let creates = dice.chance(config.creation.creators);
        let tendency = if creates { 0.2 + 0.8 * dice.share() } else { 0.0 };
        let mut user = User {
            taste,
            mood: [0.0; DIM],
            satisfaction: 0.5,
            patience,
            attention,
            tendency,
            thrift,
            frequency,
            market,
            language,
            next_visit_ms: 0,
            left_ms: config.start_ms,
            requests: 0,
            visits: 0,
        };
        user.next_visit_ms = user.left_ms + crate::comeback::gap_ms(config, &user, &mut dice);
        user
    }

    /// A visit begins: taste has drifted since the last one, and there is a mood.
    pub(crate) fn arrive(&mut self, config: &WorldConfig, now_ms: i64, dice: &mut Dice) {
        let days = (now_ms - self.left_ms).max(0) as f32 / 86_400_000.0;
        let share = 1.0 - (1.0 - config.taste.drift_a_day).powf(days);
        self.taste = mixed(&self.taste, &direction(dice), share);
        self.mood = direction(dice).map(|value| value * config.taste.mood);
        self.visits += 1;
    }

    /// A visitor of whom nothing is known takes the place of the last one.
    pub(crate) fn replace(&mut self, config: &WorldConfig, topics: &Topics, dice: &mut Dice) {
        self.taste = taste(config, topics, dice);
        self.satisfaction = 0.5;
    }

    /// What a satisfying item does: the mood turns to it, taste a little.
    pub(crate) fn enjoy(&mut self, config: &WorldConfig, item: &Item, satisfaction: f32) {
        let keeps = config.taste.mood_keeps;
        let size = config.taste.mood;
        for (mood, toward) in self.mood.iter_mut().zip(item.vector) {
            *mood = keeps * *mood + (1.0 - keeps) * size * toward;
        }
        if config.taste.reinforce > 0.0 {
            self.taste =
                mixed(&self.taste, &item.vector, config.taste.reinforce * satisfaction);
        }
    }
}

/// `θ = unit(Σ_j τ_j / j)` over leaves that are drawn by popularity.
fn taste(config: &WorldConfig, topics: &Topics, dice: &mut Dice) -> Vector {
    let mut sum = [0.0; DIM];
    for rank in 1..=config.taste.interests {
        let leaf = topics.direction(topics.draw(dice));
        sum.iter_mut().zip(leaf).for_each(|(sum, value)| *sum += value / f32::from(rank));
    }
    unit(sum)
}
