//! What an item is to a person who looks at it: the probabilities of the world.

use crate::WorldConfig;
use crate::item::Item;
use crate::user::User;
use crate::vector::{DIM, Vector, dot, sigmoid};

/// What one asks for now, worked out once for a slate.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wish {
    /// κ·(θ + μ), or κ_s·intent.
    want: Vector,
    thrift: f32,
    language: u8,
    /// `min(0.9, hazard/patience)`.
    hazard: f32,
    now_ms: i64,
}

/// What an item is to a person who looks at it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Appeal {
    /// P(click | examined), before what the place does to it.
    pub click: f32,
    /// P(leave | examined, not clicked) · P(not clicked): in a cascade and in a stream.
    pub abandon: f32,
    /// s: what a click is worth, 0 to 1.
    pub satisfaction: f32,
}

impl Wish {
    pub(crate) fn new(
        config: &WorldConfig,
        user: &User,
        intent: Option<&Vector>,
        now_ms: i64,
    ) -> Wish {
        let mut want = [0.0; DIM];
        for (at, want) in want.iter_mut().enumerate() {
            *want = match intent {
                Some(intent) => config.search.sharpness * intent[at],
                None => config.taste.sharpness * (user.taste[at] + user.mood[at]),
            };
        }
        Wish {
            want,
            thrift: user.thrift,
            language: user.language,
            hazard: (config.session.hazard / user.patience).min(0.9),
            now_ms,
        }
    }

    pub(crate) fn appeal(&self, config: &WorldConfig, item: &Item) -> Appeal {
        let affinity = dot(&self.want, &item.vector);
        let click = &config.click;
        let mut logit = click.base
            + affinity
            + click.quality * item.quality
            + click.clickbait * item.clickbait;
        if click.age != 0.0 {
            let half_lives = item.age_days(self.now_ms) / config.catalogue.half_life_days;
            logit -= click.age * (1.0 - (-half_lives).exp2());
        }
        if click.price != 0.0 {
            logit -= click.price * self.thrift * (item.price / config.catalogue.price).ln();
        }
        if item.language != self.language {
            logit += click.foreign;
        }
        let click = sigmoid(logit);
        let satisfaction = &config.satisfaction;
        let glad = satisfaction.base
            + satisfaction.affinity * affinity
            + satisfaction.quality * item.quality
            - satisfaction.clickbait * item.clickbait;
        Appeal {
            click,
            abandon: (1.0 - click) * self.hazard,
            // Its logit is asked for later.
            satisfaction: sigmoid(glad).clamp(1e-6, 1.0 - 1e-6),
        }
    }

    /// P(buy | click).
    pub(crate) fn buys(&self, config: &WorldConfig, item: &Item, satisfaction: f32) -> f32 {
        let price =
            config.click.price * self.thrift * (item.price / config.catalogue.price).ln();
        sigmoid(config.reaction.buy + logit(satisfaction) - price)
    }
}

/// ln(p/(1 − p)).
pub(crate) fn logit(probability: f32) -> f32 {
    (probability / (1.0 - probability)).ln()
}
