//! Slates: the chance of a whole slate is hopeless, so places are weighed one by one, or down to a
//! place.

use data::Progress;

use super::interval;
use super::logged::{Logged, Row};
use super::method::Method;
use crate::{Error, Interval, Result};

/// How the value of a slate is estimated: rewards add up over places.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SlateMethod {
    /// `(1/n) Σ Σ_k w_k·r_k`, `w_k = π(a_k at k)/π₀(a_k at k)`: right where the reward of a place
    /// depends on nothing but what stands there (Li et al. 2018).
    ItemPosition,
    /// `(1/n) Σ Σ_k (Π_{j≤k} w_j)·r_k`, with the chance of each place given those above: right in a
    /// cascade too, with more variance (McInerney et al. 2020).
    Cascade,
    /// `(1/n) Σ (Π_k w_k)·R`, R the reward of the whole slate: right always, and hopeless for more
    /// than a few places.
    Standard,
    /// `(1/n) Σ (1_πᵀ Γ⁺ 1_s)·R`: right where what a slate is worth adds up over its pairs of place
    /// and item, also if only the whole is seen (Swaminathan et al. 2017; [`super::Additive`]).
    PseudoInverse,
}

/// One logged slate, as it comes in; columns go place by place from the top.
#[derive(Debug, Clone, Copy)]
pub struct SlateRow<'a> {
    /// Whose it was.
    pub user: u32,
    /// π/π₀ of each place alone.
    pub place_weights: &'a [f64],
    /// π/π₀ of each place given those above.
    pub prefix_weights: &'a [f64],
    /// `1_πᵀ Γ⁺ 1_s` by [`super::Additive::weight`]; `None` where it was not computed.
    pub additive_weight: Option<f64>,
    /// Reward of each place.
    pub rewards: &'a [f64],
}

/// Logged slates, each already summed up by each method.
#[derive(Debug, Clone, Default)]
pub struct SlateLog {
    users: Vec<u32>,
    item_position: Vec<f64>,
    cascade: Vec<f64>,
    standard: Vec<f64>,
    pseudo_inverse: Vec<f64>,
}

impl SlateLog {
    /// None yet.
    pub fn new() -> SlateLog {
        SlateLog::default()
    }

    /// Adds a slate.
    ///
    /// # Errors
    /// Where columns differ in length, a weight is negative or a number is not finite.
    pub fn push(&mut self, row: SlateRow<'_>) -> Result<()> {
        let places = row.rewards.len();
        let bad = |what: String| Err(Error::input(format!("slate {}", self.users.len()), what));
        if row.place_weights.len() != places || row.prefix_weights.len() != places {
            return bad("weights and rewards differ in number".into());
        }
        let fine = |weight: &f64| weight.is_finite() && *weight >= 0.0;
        if !row.place_weights.iter().chain(row.prefix_weights).all(fine) {
            return bad("a weight is negative or not finite".into());
        }
        if !row.rewards.iter().all(|reward| reward.is_finite()) {
            return bad("a reward is not finite".into());
        }
        // Weights of pairs may be negative.
        if row.additive_weight.is_some_and(|weight| !weight.is_finite()) {
            return bad("the weight of its pairs is not finite".into());
        }
        let has = !self.pseudo_inverse.is_empty();
        if !self.users.is_empty() && row.additive_weight.is_some() != has {
            return bad("some slates have a weight of their pairs and some none".into());
        }
        let (mut single, mut down, mut chain) = (0.0, 0.0, 1.0);
        for place in 0..places {
            chain *= row.prefix_weights[place];
            single += row.place_weights[place] * row.rewards[place];
            down += chain * row.rewards[place];
        }
        self.users.push(row.user);
        self.item_position.push(single);
        self.cascade.push(down);
        let total: f64 = row.rewards.iter().sum();
        self.standard.push(chain * total);
        self.pseudo_inverse.extend(row.additive_weight.map(|weight| weight * total));
        Ok(())
    }

    /// The value by a method, with its 95 % interval over users.
    ///
    /// # Errors
    /// Where there is no slate or none with what the method needs, or the user asked to stop.
    pub fn value(
        &self,
        method: SlateMethod,
        replicates: usize,
        seed: u64,
        progress: &Progress<'_>,
    ) -> Result<Interval> {
        let terms = match method {
            SlateMethod::ItemPosition => &self.item_position,
            SlateMethod::Cascade => &self.cascade,
            SlateMethod::Standard => &self.standard,
            SlateMethod::PseudoInverse => &self.pseudo_inverse,
        };
        // A mean over rows of terms that are whole already.
        let mut logged = Logged::new();
        for (user, term) in self.users.iter().zip(terms) {
            logged.push(Row {
                user: *user,
                action: 0,
                propensity: 1.0,
                reward: *term,
                target: &[1.0],
                candidates: &[0],
            })?;
        }
        interval::value(&logged, Method::Ips, replicates, seed, progress)
    }
}
