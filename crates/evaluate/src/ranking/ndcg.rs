//! Normalised discounted cumulative gain, binary relevance (Järvelin and Kekäläinen,
//! "Cumulated gain-based evaluation of IR techniques", TOIS 2002; the log2 discount of place
//! i, counted from 1, is 1 / log2(i + 1)).

/// NDCG@k of one user: DCG ÷ ideal DCG, where the ideal list has min(relevant, k) hits in
/// front, so that a perfect list reaches 1 whatever the number of relevant items.
pub fn ndcg(hits: &[bool], relevant: usize, k: usize) -> Option<f64> {
    let flags = super::cut(hits, relevant, k)?;
    let gain: f64 = flags
        .iter()
        .enumerate()
        .filter(|(_, hit)| **hit)
        .map(|(place, _)| discount(place))
        // Not `sum`, which of nothing is -0, and shown as such.
        .fold(0.0, |gain, of_place| gain + of_place);
    let ideal: f64 = (0..relevant.min(k)).map(discount).sum();
    Some(gain / ideal)
}

/// Weight of a place, counted from 0.
fn discount(place: usize) -> f64 {
    1.0 / (place as f64 + 2.0).log2()
}
