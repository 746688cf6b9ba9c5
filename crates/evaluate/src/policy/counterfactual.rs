//! DCG of a ranking that was not shown, from clicks on one that was (Agarwal et al. 2019): a click
//! at place k speaks for its item with 1/θ_k, because only a share θ_k of people looked there.

use crate::{Error, Result};

/// Examination below this counts as this: a click far down would carry everything.
const EXAMINED_MIN: f64 = 0.05;

/// One click.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Clicked {
    /// Place at which it was shown, from 0.
    pub shown: usize,
    /// Place that the ranking in question gives the item, from 0; `None`: nowhere.
    pub ranked: Option<usize>,
}

/// `Σ λ(rank)/θ_k / Σ 1/θ_k` over clicks, `λ(r) = 1/log₂(1 + r)` with r from 1: self-normalised, so 1
/// where every clicked item stands first. `examined` has θ of each place; `None` without a click.
///
/// # Errors
/// Where a click lies beyond `examined`, or a θ is not in (0, 1].
pub fn counterfactual_dcg(clicks: &[Clicked], examined: &[f64]) -> Result<Option<f64>> {
    if let Some(place) = examined.iter().position(|theta| !(*theta > 0.0 && *theta <= 1.0)) {
        let what = format!("{}; it lies above 0 and up to 1", examined[place]);
        return Err(Error::input(format!("examination of place {place}"), what));
    }
    let (mut gained, mut all) = (0.0, 0.0);
    for (at, click) in clicks.iter().enumerate() {
        let Some(theta) = examined.get(click.shown) else {
            let what = format!("shown at place {} of {}", click.shown, examined.len());
            return Err(Error::input(format!("click {at}"), what));
        };
        let weight = 1.0 / theta.max(EXAMINED_MIN);
        all += weight;
        gained += click.ranked.map_or(0.0, |rank| weight / (2.0 + rank as f64).log2());
    }
    Ok((all > 0.0).then(|| gained / all))
}
