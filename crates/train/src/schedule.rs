//! The learning rate of each step: a linear warm-up, then constant, linear or cosine decay
//! (cosine: Loshchilov & Hutter, ICLR 2017, without restarts).

use std::f64::consts::PI;

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// What the rate does after the warm-up.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Decay {
    /// Stays at the peak.
    #[default]
    Constant,
    /// Falls in a straight line to the floor.
    Linear,
    /// Falls along half a cosine to the floor.
    Cosine,
}

/// Learning rate by step.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Schedule {
    /// The highest rate.
    pub peak: f64,
    /// Steps over which the rate rises in a straight line from `peak / warm_up` to the peak.
    pub warm_up: u64,
    /// What follows.
    pub decay: Decay,
    /// Where the decay ends, as a share of the peak.
    pub floor: f64,
}

impl Default for Schedule {
    fn default() -> Self {
        Schedule { peak: 1e-3, warm_up: 0, decay: Decay::Constant, floor: 0.0 }
    }
}

impl Schedule {
    /// Refuses a peak or a floor that is out of range.
    ///
    /// # Errors
    /// [`Error::Setting`] with the name of the field.
    pub fn check(&self) -> Result<()> {
        // The rate is a f32 in the end.
        if !(self.peak as f32).is_finite() || self.peak <= 0.0 {
            let what = format!("{} is no learning rate; it is above 0, say 0.001", self.peak);
            return Err(Error::setting("schedule.peak", what));
        }
        if !(0.0..=1.0).contains(&self.floor) {
            let what = format!("{} is not a share of the peak, 0 to 1", self.floor);
            return Err(Error::setting("schedule.floor", what));
        }
        Ok(())
    }

    /// The rate of `step` (the first is 0) of `total`.
    ///
    /// ```text
    /// warm-up   peak (step + 1) / warm_up                       step < warm_up
    /// after     peak (floor + (1 - floor) w)
    ///           x = (step - warm_up) / (total - warm_up), at most 1
    ///           w = 1 | 1 - x | (1 + cos(pi x)) / 2
    /// ```
    ///
    /// Steps from `total` on stay at the floor, so that a run may be prolonged.
    pub fn rate(&self, step: u64, total: u64) -> f32 {
        if step < self.warm_up {
            return (self.peak * (step + 1) as f64 / self.warm_up as f64) as f32;
        }
        let span = total.saturating_sub(self.warm_up).max(1) as f64;
        let done = ((step - self.warm_up) as f64 / span).min(1.0);
        let weight = match self.decay {
            Decay::Constant => 1.0,
            Decay::Linear => 1.0 - done,
            Decay::Cosine => 0.5 * (1.0 + (PI * done).cos()),
        };
        (self.peak * (self.floor + (1.0 - self.floor) * weight)) as f32
    }
}
