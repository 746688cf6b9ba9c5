//! Stochastic length: long windows are thinned out, so that attention costs less.
//!
//! Source: Zhai et al., HSTU, ICML 2024, arXiv 2402.17152, section 3.2.

use rand::Rng;
use serde::{Deserialize, Serialize};

use crate::stream::{fraction, subset};
use crate::{Error, Result};

/// Whether long windows are thinned out, and how. With N = `length_max`, of a window of n inputs
///
/// ```text
/// n <= N^(alpha/2)                    all are kept
/// else, with probability N^alpha/n^2  all are kept
/// else                                N^(alpha/2) are kept, rounded
/// ```
///
/// so that attention costs a number of products of the order N^alpha instead of N^2. It is drawn
/// again each epoch. What is kept is in its order and has its own times; the target of an input
/// is the next event that is kept.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct StochasticLength {
    /// Above 1, at most 2 (which keeps everything); 0 = off.
    pub alpha: f64,
    /// Which events are kept.
    pub keep: Keep,
}

/// Which events of a window are kept where it is thinned out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Keep {
    /// Drawn one after another without replacement, event i with weight `1 - f_i / sum f`, where
    /// `f_i` is its age: the time from it to the last event of the window. The paper weighs by
    /// age without saying how; this form is ours. In a long window no event holds much of the
    /// sum, and it is close to uniform.
    #[default]
    AgeWeighted,
    /// The newest.
    Newest,
    /// Each subset as likely as another.
    Uniform,
}

impl Default for StochasticLength {
    fn default() -> Self {
        StochasticLength { alpha: 0.0, keep: Keep::AgeWeighted }
    }
}

impl StochasticLength {
    /// Refuses an exponent out of range.
    ///
    /// # Errors
    /// [`Error::Setting`] with the name of the field.
    pub fn check(&self) -> Result<()> {
        if self.is_off() || self.alpha > 1.0 && self.alpha <= 2.0 {
            return Ok(());
        }
        let what = format!("{} is not above 1 and at most 2; 0 is off", self.alpha);
        Err(Error::setting("stochastic_length.alpha", what))
    }

    /// Whether everything is always kept.
    pub fn is_off(&self) -> bool {
        self.alpha.total_cmp(&0.0).is_eq()
    }

    /// Inputs that are kept of a window that is thinned out: N^(alpha/2), rounded.
    pub fn kept(&self, length_max: u32) -> usize {
        f64::from(length_max).powf(self.alpha / 2.0).round() as usize
    }

    /// The places that are kept of a window whose events have the instants `times_ms`, ascending;
    /// none: all of them. A window has one event more than inputs.
    pub(crate) fn thin(
        &self,
        times_ms: &[i64],
        length_max: u32,
        rng: &mut impl Rng,
    ) -> Option<Vec<usize>> {
        let (events, kept) = (times_ms.len(), self.kept(length_max));
        let inputs = events.saturating_sub(1);
        if self.is_off() || inputs <= kept {
            return None;
        }
        let whole = f64::from(length_max).powf(self.alpha) / (inputs as f64).powi(2);
        if fraction(rng) < whole {
            return None;
        }
        Some(match self.keep {
            Keep::AgeWeighted => by_age(times_ms, kept + 1, rng),
            Keep::Newest => (events - kept - 1..events).collect(),
            Keep::Uniform => {
                let places = subset(rng, (0..events as u32).collect(), kept + 1);
                places.into_iter().map(|place| place as usize).collect()
            }
        })
    }
}

/// Weighted draws without replacement: the largest of `log(u) / weight` (Efraimidis and Spirakis,
/// Information Processing Letters 2006).
fn by_age(times_ms: &[i64], count: usize, rng: &mut impl Rng) -> Vec<usize> {
    let last = times_ms.last().copied().unwrap_or(0);
    let age = |time: &i64| last.saturating_sub(*time).max(0) as f64;
    let sum: f64 = times_ms.iter().map(age).sum();
    let mut drawn: Vec<(f64, usize)> = times_ms
        .iter()
        .enumerate()
        .map(|(place, time)| {
            // Where all happened at once, none is older.
            let weight = if sum > 0.0 { 1.0 - age(time) / sum } else { 1.0 };
            (fraction(rng).ln() / weight.max(0.0), place)
        })
        .collect();
    drawn.sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    let mut places: Vec<usize> =
        drawn.into_iter().take(count).map(|(_, place)| place).collect();
    places.sort_unstable();
    places
}

#[cfg(test)]
mod tests;
