//! What a policy did, and what another would have done.

use crate::{Error, Result};

/// One logged action and its context, as it comes in.
#[derive(Debug, Clone, Copy)]
pub struct Row<'a> {
    /// Whose it was: rows of one user are resampled together, and fall in one fold.
    pub user: u32,
    /// Which of the candidates was chosen.
    pub action: usize,
    /// π₀(a|x): the chance with which it was, in (0, 1].
    pub propensity: f64,
    /// r, finite.
    pub reward: f64,
    /// π(·|x): the chance of each candidate under the policy in question; they sum to 1.
    pub target: &'a [f64],
    /// What tells candidates apart over rows: their item numbers.
    pub candidates: &'a [u32],
}

/// Logged actions, column by column; candidates are jagged.
#[derive(Debug, Clone, Default)]
pub struct Logged {
    pub(super) users: Vec<u32>,
    pub(super) actions: Vec<u32>,
    pub(super) propensities: Vec<f64>,
    pub(super) rewards: Vec<f64>,
    pub(super) offsets: Vec<usize>,
    pub(super) target: Vec<f64>,
    pub(super) candidates: Vec<u32>,
    /// q̂(x, ·), as long as `target`, or empty.
    pub(super) estimates: Vec<f64>,
}

impl Logged {
    /// None yet.
    pub fn new() -> Logged {
        Logged { offsets: vec![0], ..Logged::default() }
    }

    /// Adds a row.
    ///
    /// # Errors
    /// Where a number cannot be: a propensity outside (0, 1], an action that is no candidate, a
    /// target that does not sum to 1, a reward that is not finite. The row's number is named.
    pub fn push(&mut self, row: Row<'_>) -> Result<()> {
        let at = self.len();
        let bad = |what: String| Err(Error::input(format!("row {at}"), what));
        let candidates = row.target.len();
        if row.candidates.len() != candidates {
            return bad(format!("{} items for {candidates} candidates", row.candidates.len()));
        }
        if row.action >= candidates {
            return bad(format!("action {} of {candidates} candidates", row.action));
        }
        if !(row.propensity > 0.0 && row.propensity <= 1.0) {
            return bad(format!(
                "a propensity of {}; it lies above 0 and up to 1",
                row.propensity
            ));
        }
        if !row.reward.is_finite() {
            return bad(format!("a reward of {}", row.reward));
        }
        let total: f64 = row.target.iter().sum();
        if row.target.iter().any(|share| !(0.0..=1.0 + 1e-9).contains(share))
            || (total - 1.0).abs() > 1e-6
        {
            return bad(format!("the target's chances sum to {total}, or one is negative"));
        }
        self.users.push(row.user);
        self.actions.push(row.action as u32);
        self.propensities.push(row.propensity);
        self.rewards.push(row.reward);
        self.target.extend_from_slice(row.target);
        self.candidates.extend_from_slice(row.candidates);
        self.offsets.push(self.target.len());
        self.estimates.clear();
        Ok(())
    }

    /// Takes q̂(x, a) for every candidate of every row, in order. They must come from a fit that did
    /// not see the row (cross-fitting), or DR trusts its own noise.
    ///
    /// # Errors
    /// Where there is not one a candidate, or one is not finite.
    pub fn set_estimates(&mut self, estimates: Vec<f64>) -> Result<()> {
        if estimates.len() != self.target.len() {
            let what = format!("{} for {} candidates", estimates.len(), self.target.len());
            return Err(Error::input("reward estimates", what));
        }
        if let Some(at) = estimates.iter().position(|value| !value.is_finite()) {
            return Err(Error::input("reward estimates", format!("number {at} is not finite")));
        }
        self.estimates = estimates;
        Ok(())
    }

    /// Labels of all candidates, row after row: what [`Logged::set_estimates`] wants a number for.
    pub fn candidates(&self) -> &[u32] {
        &self.candidates
    }

    /// Rows.
    pub fn len(&self) -> usize {
        self.actions.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.actions.is_empty()
    }

    /// Mean reward of the logging policy, as logged.
    pub fn logged_value(&self) -> f64 {
        self.rewards.iter().sum::<f64>() / self.len().max(1) as f64
    }

    /// w = π(a|x)/π₀(a|x) of a row.
    pub(super) fn weight(&self, row: usize) -> f64 {
        self.target[self.offsets[row] + self.actions[row] as usize] / self.propensities[row]
    }

    /// q̂ of the action that was taken, and `Σ_a π(a|x)·q̂(x, a)`; 0 without estimates.
    pub(super) fn estimated(&self, row: usize) -> (f64, f64) {
        if self.estimates.is_empty() {
            return (0.0, 0.0);
        }
        let range = self.offsets[row]..self.offsets[row + 1];
        let estimates = &self.estimates[range.clone()];
        let pairs = self.target[range].iter().zip(estimates);
        (estimates[self.actions[row] as usize], pairs.map(|(share, q)| share * q).sum())
    }
}
