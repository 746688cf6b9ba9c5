//! Recall: how much of what was relevant did the list hold?

/// Recall@k of one user: hits in the first k places ÷ relevant items. A user with more than k
/// relevant items cannot reach 1; that is the definition, not an accident.
pub fn recall(hits: &[bool], relevant: usize, k: usize) -> Option<f64> {
    let flags = super::cut(hits, relevant, k)?;
    Some(super::count(flags) / relevant as f64)
}
