//! Novelty: mean self-information of what is recommended (Zhou et al., "Solving the apparent
//! diversity-accuracy dilemma of recommender systems", PNAS 2010).

/// Self-information of an item in bits: -log2 of the share of `users` who have it in training.
/// An item that nobody has counts as if one user had it.
pub fn self_information(fans: u32, users: usize) -> f64 {
    (users.max(1) as f64 / f64::from(fans.max(1))).log2().max(0.0)
}

/// Mean self-information, bits, of the first k places; `None` for an empty list.
pub fn novelty(ranked: &[u32], information: &[f64], k: usize) -> Option<f64> {
    let list = &ranked[..k.min(ranked.len())];
    let sum: f64 = list.iter().map(|item| information[*item as usize]).sum();
    (!list.is_empty()).then(|| sum / list.len() as f64)
}
