//! Logarithmic loss of probabilities, natural logarithm.

use crate::Result;

/// Probabilities are kept this far from 0 and 1, so that one confident mistake costs 34.5 and
/// not infinity.
const EDGE: f64 = 1e-15;

/// Mean of -ln(probability given to what happened), at least 0; `None` for no rows. Defined
/// for one class too.
///
/// # Errors
/// Where the lengths differ or a probability is not in [0, 1].
pub fn log_loss(probabilities: &[f32], labels: &[bool]) -> Result<Option<f64>> {
    super::check_probabilities(probabilities, labels.len())?;
    if labels.is_empty() {
        return Ok(None);
    }
    let loss: f64 = probabilities
        .iter()
        .zip(labels)
        .map(|(probability, label)| {
            let probability = f64::from(*probability);
            let given = if *label { probability } else { 1.0 - probability };
            -given.clamp(EDGE, 1.0 - EDGE).ln()
        })
        .sum();
    Ok(Some(loss / labels.len() as f64))
}
