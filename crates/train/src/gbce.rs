//! Generalised binary cross-entropy of gSASRec (Petrov & Macdonald, RecSys 2023): how much a
//! positive counts, so that scores trained with few negatives are not over-confident.

/// The exponent beta of a positive's sigmoid, for `negatives` uniform negatives a positive out of
/// a catalogue of `items` (at least 2), calibrated by `t`:
///
/// ```text
/// alpha = negatives / (items - 1)
/// beta  = alpha (t (1 - 1 / alpha) + 1 / alpha)
/// L     = -1 / (negatives + 1) [ beta log sigmoid(r+) + sum log(1 - sigmoid(r-)) ]
/// ```
///
/// `t = 0` gives 1, which is plain binary cross-entropy; `t = 1` gives alpha, whose scores are
/// calibrated.
pub fn gbce_beta(negatives: usize, items: usize, t: f64) -> f64 {
    let alpha = negatives as f64 / items.saturating_sub(1).max(1) as f64;
    // alpha (t (1 - 1 / alpha) + 1 / alpha), without a division by a small alpha.
    t * (alpha - 1.0) + 1.0
}
