//! Do probabilities mean what they say? The ratio of predicted to observed positives (He et
//! al., "Practical Lessons from Predicting Clicks on Ads at Facebook", 2014, section 3.1), and
//! the expected calibration error over bins of equal width (Naeini et al., "Obtaining Well
//! Calibrated Probabilities Using Bayesian Binning", AAAI 2015).

use crate::{Error, Result};

/// Rows whose probability lies in one bin.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bin {
    /// Where it begins; bins include their lower edge, the last one its upper edge too.
    pub from: f64,
    /// Where it ends.
    pub to: f64,
    /// Rows in it.
    pub rows: usize,
    /// Mean probability, 0 for an empty bin.
    pub predicted: f64,
    /// Share of positives, 0 for an empty bin.
    pub observed: f64,
}

/// Calibration of probabilities.
#[derive(Debug, Clone, PartialEq)]
pub struct Calibration {
    /// Sum of probabilities ÷ positives: 1 is right, above 1 promises too much. `None` where
    /// there is no positive.
    pub ratio: Option<f64>,
    /// Mean over rows of |predicted - observed| of their bin, in [0, 1].
    pub error: f64,
    /// The bins, for a reliability plot.
    pub bins: Vec<Bin>,
}

/// Calibration over `bins` bins of equal width; `None` for no rows.
///
/// # Errors
/// Where the lengths differ, a probability is not in [0, 1], or `bins` is not 1 to 1000.
pub fn calibration(
    probabilities: &[f32],
    labels: &[bool],
    bins: usize,
) -> Result<Option<Calibration>> {
    super::check_probabilities(probabilities, labels.len())?;
    if !(1..=1000).contains(&bins) {
        return Err(Error::input("bins", format!("{bins} bins; give 1 to 1000, 10 is usual")));
    }
    if labels.is_empty() {
        return Ok(None);
    }
    let mut sums = vec![(0usize, 0.0f64, 0usize); bins];
    for (probability, label) in probabilities.iter().zip(labels) {
        let probability = f64::from(*probability);
        let bin = ((probability * bins as f64).floor() as usize).min(bins - 1);
        sums[bin].0 += 1;
        sums[bin].1 += probability;
        sums[bin].2 += usize::from(*label);
    }
    let positives: usize = sums.iter().map(|bin| bin.2).sum();
    let predicted: f64 = sums.iter().map(|bin| bin.1).sum();
    let gaps: f64 = sums.iter().map(|bin| (bin.1 - bin.2 as f64).abs()).sum();
    let bins = sums
        .iter()
        .enumerate()
        .map(|(at, (rows, sum, up))| Bin {
            from: at as f64 / bins as f64,
            to: (at + 1) as f64 / bins as f64,
            rows: *rows,
            predicted: sum / (*rows).max(1) as f64,
            observed: *up as f64 / (*rows).max(1) as f64,
        })
        .collect();
    Ok(Some(Calibration {
        ratio: (positives > 0).then(|| predicted / positives as f64),
        error: gaps / labels.len() as f64,
        bins,
    }))
}
