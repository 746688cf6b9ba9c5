//! Gini coefficient of exposure: how unevenly are places handed out?

/// Gini coefficient in [0, 1) of [`exposure`](super::exposure) over the whole catalogue: 0 where
/// every item is shown equally often, near 1 where one item takes all. Half the mean absolute
/// difference over the mean. `None` where nothing is shown.
pub fn gini(exposure: &[u32]) -> Option<f64> {
    let mut sorted = exposure.to_vec();
    sorted.sort_unstable();
    let total: f64 = sorted.iter().map(|count| f64::from(*count)).sum();
    let n = sorted.len() as f64;
    // Over sorted values, sum |x_i - x_j| = 2 sum (2i - n - 1) x_i, i counted from 1.
    let weighted: f64 = sorted
        .iter()
        .enumerate()
        .map(|(at, count)| (2.0 * (at as f64 + 1.0) - n - 1.0) * f64::from(*count))
        .sum();
    (total > 0.0).then(|| weighted / (n * total))
}
