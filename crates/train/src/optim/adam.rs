//! Adam (Kingma & Ba, ICLR 2015) and AdamW (Loshchilov & Hutter, ICLR 2019), as `torch.optim`
//! computes them.
//!
//! When not to use it: for a large table of which a step touches few rows. There a row without
//! a gradient still moves by its momentum, and every step reads and writes the whole table:
//! see [`super::LazyAdam`].

use serde::{Deserialize, Serialize};

use super::moments::Moments;
use super::sweep::{Update, with_two};
use crate::{Error, Result};

/// Where weight decay enters.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WeightDecay {
    /// Added to the gradient: `g + decay p`. PyTorch's `Adam`.
    #[default]
    L2,
    /// Apart from the gradient: `p (1 - rate decay)`. PyTorch's `AdamW`.
    Decoupled,
}

/// Settings of [`Adam`] and [`super::LazyAdam`]; the defaults are PyTorch's `Adam`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AdamConfig {
    /// Decay of the mean of gradients.
    pub beta_1: f64,
    /// Decay of the mean of their squares.
    pub beta_2: f64,
    /// Added to the root of the second moment.
    pub eps: f64,
    /// Strength of the weight decay, 0 for none.
    pub decay: f64,
    /// Where it enters.
    pub decay_kind: WeightDecay,
}

impl Default for AdamConfig {
    fn default() -> Self {
        AdamConfig {
            beta_1: 0.9,
            beta_2: 0.999,
            eps: 1e-8,
            decay: 0.0,
            decay_kind: WeightDecay::L2,
        }
    }
}

impl AdamConfig {
    /// Refuses what Adam cannot work with.
    ///
    /// # Errors
    /// [`Error::Setting`] with the name of the field.
    pub fn check(&self) -> Result<()> {
        for (field, beta) in [("adam.beta_1", self.beta_1), ("adam.beta_2", self.beta_2)] {
            if !(0.0..1.0).contains(&beta) {
                let what = format!("{beta} is no decay rate; it is at least 0 and below 1");
                return Err(Error::setting(field, what));
            }
        }
        for (field, value) in [("adam.eps", self.eps), ("adam.decay", self.decay)] {
            if !value.is_finite() || value < 0.0 {
                let what = format!("{value} is negative or not finite; it is 0 or more");
                return Err(Error::setting(field, what));
            }
        }
        Ok(())
    }
}

/// Adam of one parameter. At step t, with gradient g and rate r:
///
/// ```text
/// L2         g <- g + decay p
/// decoupled  p <- p (1 - r decay)
/// m <- m + (1 - b1) (g - m)
/// v <- b2 v + (1 - b2) g g
/// p <- p - r / (1 - b1^t)  m / (sqrt(v) / sqrt(1 - b2^t) + eps)
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Adam {
    config: AdamConfig,
    steps: u64,
    first: Vec<f32>,
    second: Vec<f32>,
}

impl Adam {
    /// For a parameter of `length` numbers.
    ///
    /// # Errors
    /// Where a setting is out of range.
    pub fn new(config: AdamConfig, length: usize) -> Result<Adam> {
        config.check()?;
        Ok(Adam { config, steps: 0, first: vec![0.0; length], second: vec![0.0; length] })
    }

    /// One step against `gradient` at learning rate `rate`.
    ///
    /// # Panics
    /// Where the lengths differ from that of the parameter this was made for.
    pub fn step(&mut self, parameter: &mut [f32], gradient: &[f32], rate: f32) {
        self.steps += 1;
        let update = AdamUpdate::at(&self.config, self.steps, f64::from(rate));
        with_two(update, parameter, &mut self.first, &mut self.second, gradient);
    }

    /// Steps and moments (`first`, `second`), for a checkpoint.
    pub fn moments(&self) -> Moments {
        Moments::of(self.steps, &[("first", &self.first), ("second", &self.second)])
    }

    /// Goes on from what [`Adam::moments`] gave.
    ///
    /// # Errors
    /// Where a moment is missing or has another length.
    pub fn load(&mut self, moments: &Moments) -> Result<()> {
        moments.read("first", &mut self.first)?;
        moments.read("second", &mut self.second)?;
        self.steps = moments.steps;
        Ok(())
    }
}

#[derive(Debug, Clone, Copy)]
struct AdamUpdate {
    l2: f32,
    keep: f32,
    one_less_beta_1: f32,
    beta_2: f32,
    one_less_beta_2: f32,
    root_correction: f32,
    eps: f32,
    rate: f32,
}

impl AdamUpdate {
    fn at(config: &AdamConfig, step: u64, rate: f64) -> AdamUpdate {
        let (l2, keep) = match config.decay_kind {
            WeightDecay::L2 => (config.decay, 1.0),
            WeightDecay::Decoupled => (0.0, 1.0 - rate * config.decay),
        };
        let correction_1 = 1.0 - config.beta_1.powf(step as f64);
        let correction_2 = 1.0 - config.beta_2.powf(step as f64);
        AdamUpdate {
            l2: l2 as f32,
            keep: keep as f32,
            one_less_beta_1: (1.0 - config.beta_1) as f32,
            beta_2: config.beta_2 as f32,
            one_less_beta_2: (1.0 - config.beta_2) as f32,
            root_correction: correction_2.sqrt() as f32,
            eps: config.eps as f32,
            rate: (rate / correction_1) as f32,
        }
    }
}

impl Update<2> for AdamUpdate {
    #[inline(always)]
    fn element(self, parameter: &mut f32, [first, second]: [&mut f32; 2], gradient: f32) {
        let gradient = gradient + self.l2 * *parameter;
        let kept = *parameter * self.keep;
        *first += self.one_less_beta_1 * (gradient - *first);
        *second = *second * self.beta_2 + self.one_less_beta_2 * gradient * gradient;
        let root = second.sqrt() / self.root_correction + self.eps;
        *parameter = kept - self.rate * *first / root;
    }
}
