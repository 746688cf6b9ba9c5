//! Adagrad (Duchi, Hazan & Singer, JMLR 2011), as `torch.optim` computes it.
//!
//! When not to use it: in long runs, since its rate only falls.

use serde::{Deserialize, Serialize};

use super::moments::Moments;
use super::sweep::{Update, with_one};
use crate::{Error, Result};

/// Settings of [`Adagrad`]; the defaults are PyTorch's.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AdagradConfig {
    /// Added to the root of the sum of squares.
    pub eps: f64,
    /// Strength of the L2 decay, added to the gradient; 0 for none.
    pub decay: f64,
    /// The rate is divided by `1 + rate_decay (step - 1)`.
    pub rate_decay: f64,
    /// What the sums of squares begin with.
    pub start: f64,
}

impl Default for AdagradConfig {
    fn default() -> Self {
        AdagradConfig { eps: 1e-10, decay: 0.0, rate_decay: 0.0, start: 0.0 }
    }
}

impl AdagradConfig {
    /// Refuses what Adagrad cannot work with.
    ///
    /// # Errors
    /// [`Error::Setting`] with the name of the field.
    pub fn check(&self) -> Result<()> {
        let fields = [
            ("adagrad.eps", self.eps),
            ("adagrad.decay", self.decay),
            ("adagrad.rate_decay", self.rate_decay),
            ("adagrad.start", self.start),
        ];
        for (field, value) in fields {
            if !value.is_finite() || value < 0.0 {
                let what = format!("{value} is negative or not finite; it is 0 or more");
                return Err(Error::setting(field, what));
            }
        }
        Ok(())
    }
}

/// Adagrad of one parameter. At step t, with gradient g and rate r:
///
/// ```text
/// g <- g + decay p
/// s <- s + g g
/// p <- p - r / (1 + rate_decay (t - 1))  g / (sqrt(s) + eps)
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Adagrad {
    config: AdagradConfig,
    steps: u64,
    squares: Vec<f32>,
}

impl Adagrad {
    /// For a parameter of `length` numbers.
    ///
    /// # Errors
    /// Where a setting is out of range.
    pub fn new(config: AdagradConfig, length: usize) -> Result<Adagrad> {
        config.check()?;
        Ok(Adagrad { config, steps: 0, squares: vec![config.start as f32; length] })
    }

    /// One step against `gradient` at learning rate `rate`.
    ///
    /// # Panics
    /// Where the lengths differ from that of the parameter this was made for.
    pub fn step(&mut self, parameter: &mut [f32], gradient: &[f32], rate: f32) {
        let slower = 1.0 + self.steps as f64 * self.config.rate_decay;
        self.steps += 1;
        let update = AdagradUpdate {
            l2: self.config.decay as f32,
            eps: self.config.eps as f32,
            rate: (f64::from(rate) / slower) as f32,
        };
        with_one(update, parameter, &mut self.squares, gradient);
    }

    /// Steps and moments (`squares`), for a checkpoint.
    pub fn moments(&self) -> Moments {
        Moments::of(self.steps, &[("squares", &self.squares)])
    }

    /// Goes on from what [`Adagrad::moments`] gave.
    ///
    /// # Errors
    /// Where a moment is missing or has another length.
    pub fn load(&mut self, moments: &Moments) -> Result<()> {
        moments.read("squares", &mut self.squares)?;
        self.steps = moments.steps;
        Ok(())
    }
}

#[derive(Debug, Clone, Copy)]
struct AdagradUpdate {
    l2: f32,
    eps: f32,
    rate: f32,
}

impl Update<1> for AdagradUpdate {
    #[inline(always)]
    fn element(self, parameter: &mut f32, [squares]: [&mut f32; 1], gradient: f32) {
        let gradient = gradient + self.l2 * *parameter;
        *squares += gradient * gradient;
        *parameter -= self.rate * gradient / (squares.sqrt() + self.eps);
    }
}
