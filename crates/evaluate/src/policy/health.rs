//! Whether to believe an estimate: what the weights say.

use super::logged::Logged;

/// Alarms are raised at this many standard errors: once in 16,000 right logs.
const SURE: f64 = 4.0;
/// Propensities are logged in 32 bits.
const ROUNDING: f64 = 1e-6;
/// Below this many rows' worth of weight nothing is known.
const EFFECTIVE_MIN: f64 = 30.0;

/// What the weights say of a log.
#[derive(Debug, Clone, PartialEq)]
pub struct Health {
    /// `(Σ w)²/Σ w²`, rows' worth of information.
    pub effective: f64,
    /// The same over the rows, 0 to 1.
    pub effective_share: f64,
    /// Mean weight: 1 in expectation where propensities are right and the log supports the policy.
    pub weight_mean: f64,
    /// Largest weight.
    pub weight_max: f64,
    /// Reasons not to believe estimates from these rows; empty where there is none.
    pub alarms: Vec<String>,
}

impl Health {
    /// Of these rows.
    pub fn of(logged: &Logged) -> Health {
        let n = logged.len().max(1) as f64;
        let weights: Vec<f64> = (0..logged.len()).map(|row| logged.weight(row)).collect();
        let sum: f64 = weights.iter().sum();
        let squares: f64 = weights.iter().map(|w| w * w).sum();
        let weight_max = weights.iter().fold(0.0f64, |most, w| most.max(*w));
        let mean = sum / n;
        let effective = if squares > 0.0 { sum * sum / squares } else { 0.0 };
        let mut alarms = Vec::new();
        let error = ((squares / n - mean * mean).max(0.0) / n).sqrt();
        if (mean - 1.0).abs() > SURE * error + ROUNDING {
            alarms.push(format!(
                "the mean weight is {mean:.3} ± {error:.3}, not 1: propensities are wrong, or the \
                 log never shows what the policy would"
            ));
        }
        // What a right log predicts: E over the log of 1/π₀ is the number of candidates.
        let (mut gap, mut gap_squares) = (0.0, 0.0);
        for row in 0..logged.len() {
            let candidates = (logged.offsets[row + 1] - logged.offsets[row]) as f64;
            let off = 1.0 / logged.propensities[row] / candidates - 1.0;
            gap += off;
            gap_squares += off * off;
        }
        let gap_mean = gap / n;
        let gap_error = ((gap_squares / n - gap_mean * gap_mean).max(0.0) / n).sqrt();
        if gap_mean.abs() > SURE * gap_error + ROUNDING {
            alarms.push(format!(
                "propensities of the {} rows do not add up to a distribution over candidates \
                 (mean of 1/(p·K) is {:.3} ± {gap_error:.3}, not 1): some candidates are never \
                 shown, or propensities are wrong",
                logged.len(),
                gap_mean + 1.0
            ));
        }
        let sure = logged.propensities.iter().filter(|p| **p >= 1.0 - 1e-9).count();
        if sure * 2 > logged.len() {
            alarms.push(format!(
                "{:.0} % of the actions were certain: a deterministic log says nothing of others",
                100.0 * sure as f64 / n
            ));
        }
        if effective < EFFECTIVE_MIN {
            alarms.push(format!(
                "all weight together is worth {effective:.1} rows: too few to tell anything"
            ));
        }
        if weight_max > 0.1 * sum && sum > 0.0 {
            alarms.push(format!(
                "one row carries {:.0} % of all weight",
                100.0 * weight_max / sum
            ));
        }
        Health {
            effective,
            effective_share: effective / n,
            weight_mean: mean,
            weight_max,
            alarms,
        }
    }
}
