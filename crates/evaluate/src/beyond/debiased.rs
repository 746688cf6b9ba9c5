//! Popularity-debiased hit rate: hits weighted by the inverse of how likely the log is to show
//! the pair at all, self-normalised (Yang et al., "Unbiased offline recommender evaluation for
//! missing-not-at-random implicit feedback", RecSys 2018).

/// Weight of an item with this many training users: 1 / sqrt(users), that is a propensity of
/// p ∝ n^((γ+1)/2) at γ = 0. A larger γ corrects more and varies more.
pub fn propensity_weight(fans: u32) -> f64 {
    1.0 / f64::from(fans.max(1)).sqrt()
}

/// (weight of the relevant items that stand in the first k places, weight of all relevant
/// items) of one user. The metric is the ratio of their sums over users: the chance that a
/// relevant item is found, popular items counting less.
pub fn debiased_hits(
    ranked: &[u32],
    relevant: &[u32],
    weight: impl Fn(u32) -> f64,
    k: usize,
) -> (f64, f64) {
    let list = &ranked[..k.min(ranked.len())];
    let (mut found, mut all) = (0.0, 0.0);
    for item in relevant {
        let weight = weight(*item);
        all += weight;
        if list.contains(item) {
            found += weight;
        }
    }
    (found, all)
}
