//! Area under the ROC curve, as the Mann-Whitney statistic: the probability that a random
//! positive scores above a random negative, ties counting half.

use crate::Result;

/// AUC in [0, 1]; `None` where there is no positive or no negative. Sorts: n log n.
///
/// # Errors
/// Where the lengths differ or a score is not finite.
pub fn auc(scores: &[f32], labels: &[bool]) -> Result<Option<f64>> {
    super::check(scores, labels.len())?;
    let mut pairs: Vec<(f32, bool)> =
        scores.iter().zip(labels).map(|(score, label)| (*score, *label)).collect();
    Ok(auc_of(&mut pairs))
}

/// The same over pairs that were checked; reorders them.
pub(super) fn auc_of(pairs: &mut [(f32, bool)]) -> Option<f64> {
    // Adding 0.0 makes -0.0 and 0.0 one score.
    pairs.iter_mut().for_each(|pair| pair.0 += 0.0);
    pairs.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
    // u128: with n below 2^63 no sum of pairs can pass it. Twice the statistic, so that halves
    // stay whole.
    let (mut twice, mut negatives_below, mut positives) = (0u128, 0u128, 0u128);
    for tied in pairs.chunk_by(|a, b| a.0.total_cmp(&b.0).is_eq()) {
        let up = tied.iter().filter(|pair| pair.1).count() as u128;
        let down = tied.len() as u128 - up;
        twice += up * (2 * negatives_below + down);
        negatives_below += down;
        positives += up;
    }
    let all = positives * negatives_below;
    (all > 0).then(|| twice as f64 / 2.0 / all as f64)
}
