//! Mean binary cross-entropy of logits against labels in 0..=1.

use crate::Real;

/// Loss, and the gradient of each logit into `dlogits`. Stable: log(1 + e^-|x|) + max(x, 0) - x y.
pub fn forward<F: Real>(logits: &[F], labels: &[F], dlogits: &mut [F]) -> F {
    let count = F::of(logits.len().max(1) as f64);
    let mut loss = F::ZERO;
    for ((logit, label), dlogit) in logits.iter().zip(labels).zip(dlogits) {
        let low = (-logit.abs()).exp();
        loss += (F::ONE + low).ln() + logit.max(F::ZERO) - *logit * *label;
        let probability =
            if *logit >= F::ZERO { F::ONE / (F::ONE + low) } else { low / (F::ONE + low) };
        *dlogit = (probability - *label) / count;
    }
    loss / count
}
