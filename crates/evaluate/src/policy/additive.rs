//! The pseudo-inverse of a logging policy over slates (Swaminathan et al. 2017, arXiv 1605.04812).
//!
//! A slate is a vector of ones at its pairs (place, candidate), so the chance that a policy shows
//! the pairs is `Γ = E_μ[1_s 1_sᵀ]`. Where what a slate is worth adds up over pairs, whatever each is worth,
//! `1_πᵀ Γ⁺ 1_s · R` is an unbiased estimate of π's value from the reward R of the whole slate, and its weights are
//! about as large as the number of pairs, not as the number of slates.

use faer::{Mat, Side};

use crate::{Error, Result};

/// Eigenvalues below this share of the largest are 0: one place more or less says nothing.
const NOTHING: f64 = 1e-9;

/// `Γ⁺` of a logging policy, over pairs of `places` and `candidates`.
#[derive(Debug, Clone)]
pub struct Additive {
    places: usize,
    candidates: usize,
    inverse: Mat<f64>,
}

impl Additive {
    /// Of a policy that shows the pair (place, candidate) `a` together with `b` with this chance; of
    /// `a` with itself, the chance that it shows `a`.
    ///
    /// # Errors
    /// Where a chance is none.
    pub fn new(
        places: usize,
        candidates: usize,
        together: impl Fn((usize, usize), (usize, usize)) -> f64,
    ) -> Result<Additive> {
        let pair = |at: usize| (at / candidates, at % candidates);
        let side = places * candidates;
        let gamma = Mat::from_fn(side, side, |a, b| together(pair(a), pair(b)));
        let bad = (0..side).find_map(|a| (0..side).find(|b| !is_chance(gamma[(a, *b)])));
        if bad.is_some() {
            return Err(Error::input("pairs of a slate", "a chance lies outside 0 to 1"));
        }
        // Many equal eigenvalues may keep the iteration from ending; moved apart by less than what
        // counts as 0 they do not.
        let apart = || {
            Mat::from_fn(side, side, |a, b| match a == b {
                true => gamma[(a, b)] + 0.01 * NOTHING * (a + 1) as f64 / side as f64,
                false => gamma[(a, b)],
            })
        };
        let parts = gamma
            .self_adjoint_eigen(Side::Lower)
            .or_else(|_| apart().self_adjoint_eigen(Side::Lower))
            .map_err(|_| {
                Error::Refused("the chances of pairs of a slate have no eigenvalues".into())
            })?;
        let values: Vec<f64> = (0..side).map(|at| parts.S()[at]).collect();
        let least = NOTHING * values.iter().fold(0.0f64, |most, value| most.max(value.abs()));
        let scaled = Mat::from_fn(side, side, |row, at| match values[at] {
            value if value.abs() > least => parts.U()[(row, at)] / value,
            _ => 0.0,
        });
        Ok(Additive { places, candidates, inverse: scaled * parts.U().transpose() })
    }

    /// Of one that leaves a share of slates to chance, each order of `places` out of the candidates
    /// alike, and shows the first candidates in their order otherwise.
    ///
    /// # Errors
    /// Where there are fewer candidates than places, or the share is none.
    pub fn explored(places: usize, candidates: usize, share: f64) -> Result<Additive> {
        if candidates < places {
            let what = format!("{candidates} candidates for {places} places");
            return Err(Error::input("pairs of a slate", what));
        }
        let one = 1.0 / candidates as f64;
        let two = one / (candidates - 1).max(1) as f64;
        Additive::new(places, candidates, |a, b| {
            let by_chance = match (a.0 == b.0, a.1 == b.1) {
                (true, true) => one,
                (false, false) => two,
                _ => 0.0,
            };
            let ranked = if a.0 == a.1 && b.0 == b.1 { 1.0 } else { 0.0 };
            share * by_chance + (1.0 - share) * ranked
        })
    }

    /// `1_πᵀ Γ⁺ 1_s`: `target` has π's chance of each pair, place by place; `shown` the candidate at
    /// each place of the slate.
    ///
    /// # Panics
    /// Where either does not fit the numbers of places and candidates.
    pub fn weight(&self, target: &[f64], shown: &[usize]) -> f64 {
        assert_eq!(target.len(), self.places * self.candidates, "one chance a pair");
        assert_eq!(shown.len(), self.places, "one candidate a place");
        let mut sum = 0.0;
        for (place, candidate) in shown.iter().enumerate() {
            let column = self.inverse.col(place * self.candidates + candidate);
            for (at, chance) in target.iter().enumerate() {
                sum += chance * column[at];
            }
        }
        sum
    }
}

fn is_chance(value: f64) -> bool {
    (-1e-12..=1.0 + 1e-9).contains(&value)
}
