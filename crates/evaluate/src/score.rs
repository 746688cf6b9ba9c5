//! Quality of scores and probabilities against binary labels.
//!
//! Every function refuses a NaN or infinite score by its row, and answers `None` where the
//! metric is not defined (no rows, or one class only).

mod auc;
mod gauc;
mod logloss;
mod calibration;

pub use auc::auc;
pub use calibration::{Bin, Calibration, calibration};
pub use gauc::{Gauc, gauc};
pub use logloss::log_loss;

use crate::{Error, Result};

/// # Errors
/// Where the lengths differ or a score is not finite.
fn check(scores: &[f32], labels: usize) -> Result<()> {
    if scores.len() != labels {
        let what = format!("{} scores, {labels} labels; give one label a score", scores.len());
        return Err(Error::input("scores", what));
    }
    match scores.iter().position(|score| !score.is_finite()) {
        Some(row) => Err(Error::input(
            format!("score {row}"),
            format!(
                "{}, not a finite number; mend the model or leave the row out",
                scores[row]
            ),
        )),
        None => Ok(()),
    }
}

/// # Errors
/// Where [`check`] fails, or a probability is not in [0, 1].
fn check_probabilities(probabilities: &[f32], labels: usize) -> Result<()> {
    check(probabilities, labels)?;
    match probabilities.iter().position(|p| !(0.0..=1.0).contains(p)) {
        Some(row) => Err(Error::input(
            format!("probability {row}"),
            format!(
                "{} is not between 0 and 1; apply the model's link first",
                probabilities[row]
            ),
        )),
        None => Ok(()),
    }
}
