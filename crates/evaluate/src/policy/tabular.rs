//! Reward estimates from the log itself, where no model brings any: a shrunken mean an item,
//! cross-fitted by user.

use std::collections::BTreeMap;

use super::logged::Logged;

/// Rows of the overall mean that each item begins with.
const PRIOR_ROWS: f64 = 20.0;

/// q̂(x, a) for every candidate of every row: of the rows in other folds, the mean reward of the
/// item, with 20 rows of the overall mean. A user's rows fall into one of `folds` (at least 2).
pub fn tabular(logged: &Logged, folds: u32, seed: u64) -> Vec<f64> {
    let folds = folds.max(2) as usize;
    let fold =
        |row: usize| (mixed(u64::from(logged.users[row]) ^ seed) % folds as u64) as usize;
    let mut all = vec![(0.0, 0.0); folds];
    let mut items: BTreeMap<u32, Vec<(f64, f64)>> = BTreeMap::new();
    for row in 0..logged.len() {
        let (at, reward) = (fold(row), logged.rewards[row]);
        let item = logged.candidates[logged.offsets[row] + logged.actions[row] as usize];
        let of_item = items.entry(item).or_insert_with(|| vec![(0.0, 0.0); folds]);
        for sum in [&mut all[at], &mut of_item[at]] {
            sum.0 += reward;
            sum.1 += 1.0;
        }
    }
    let without = |sums: &[(f64, f64)], fold: usize| {
        sums.iter()
            .enumerate()
            .filter(|(at, _)| *at != fold)
            .fold((0.0, 0.0), |(r, n), (_, sum)| (r + sum.0, n + sum.1))
    };
    let overall: Vec<f64> = (0..folds)
        .map(|fold| {
            let (rewards, rows) = without(&all, fold);
            rewards / f64::max(rows, 1.0)
        })
        .collect();
    let means: BTreeMap<u32, Vec<f64>> = items
        .iter()
        .map(|(item, sums)| {
            let mean = |fold: usize| {
                let (rewards, rows) = without(sums, fold);
                (rewards + PRIOR_ROWS * overall[fold]) / (rows + PRIOR_ROWS)
            };
            (*item, (0..folds).map(mean).collect())
        })
        .collect();
    let mut estimates = Vec::with_capacity(logged.candidates.len());
    for row in 0..logged.len() {
        let at = fold(row);
        for item in &logged.candidates[logged.offsets[row]..logged.offsets[row + 1]] {
            estimates.push(means.get(item).map_or(overall[at], |means| means[at]));
        }
    }
    estimates
}

/// Spreads numbers (the finaliser of splitmix64).
fn mixed(mut x: u64) -> u64 {
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}
