//! Mean average precision. Two conventions are in use: the sum of precisions at the hits is
//! divided by the number of relevant items (TREC), or by min(relevant, k). We take the second:
//! a perfect list reaches 1. `tests/golden/make.py` turns the first into it.

/// Average precision of one user, cut at k: the mean, over min(relevant, k) hits that were
/// possible, of the precision at each hit's place.
pub fn average_precision(hits: &[bool], relevant: usize, k: usize) -> Option<f64> {
    let flags = super::cut(hits, relevant, k)?;
    let (mut sum, mut found) = (0.0, 0.0);
    for (place, hit) in flags.iter().enumerate() {
        if *hit {
            found += 1.0;
            sum += found / (place as f64 + 1.0);
        }
    }
    Some(sum / relevant.min(k) as f64)
}
