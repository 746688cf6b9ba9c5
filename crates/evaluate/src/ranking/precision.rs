//! Precision: how much of the list was relevant?

/// Precision@k of one user: hits in the first k places ÷ k, also where the list is shorter
/// than k: a model is not rewarded for saying little.
pub fn precision(hits: &[bool], relevant: usize, k: usize) -> Option<f64> {
    let flags = super::cut(hits, relevant, k)?;
    Some(super::count(flags) / k as f64)
}
