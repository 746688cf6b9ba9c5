//! Mean binary cross-entropy of logits against labels in 0..=1, weighted where wanted.

use crate::Real;

/// Loss, and the gradient of each logit into `dlogits`. Without weights each counts 1; where all
/// of them are 0, so are loss and gradients. Stable: log(1 + e^-|x|) + max(x, 0) - x y.
pub fn forward<F: Real>(
    logits: &[F],
    labels: &[F],
    weights: Option<&[F]>,
    dlogits: &mut [F],
) -> F {
    let total = match weights {
        Some(weights) => weights.iter().copied().sum(),
        None => F::of(logits.len() as f64),
    };
    let total = if total > F::ZERO { total } else { F::ONE };
    let mut loss = F::ZERO;
    for (at, (logit, label)) in logits.iter().zip(labels).enumerate() {
        let weight = weights.map_or(F::ONE, |weights| weights[at]);
        let low = (-logit.abs()).exp();
        loss += weight * ((F::ONE + low).ln() + logit.max(F::ZERO) - *logit * *label);
        let probability =
            if *logit >= F::ZERO { F::ONE / (F::ONE + low) } else { low / (F::ONE + low) };
        dlogits[at] = weight * (probability - *label) / total;
    }
    loss / total
}
