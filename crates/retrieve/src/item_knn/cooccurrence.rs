//! Similarities of all pairs of items, row by row.
//!
//! A row adds up the rows of all users who took the item in one dense accumulator a thread, and
//! keeps the best. Every pair is computed twice, once from each side; in exchange no thread
//! waits for another, memory is bounded, and sums do not depend on the number of threads.
//! Time is Σ over users of n(u)², which is what `user_events_max` bounds.

use data::Progress;

use super::weighting::Weights;
use crate::Result;
use crate::best::Best;
use crate::config::ItemKnnConfig;
use crate::neighbours::{Build, Neighbours};

/// The accumulator of a thread: sums and shared users by item, and which are not zero.
struct Sums {
    cells: Vec<(f32, u32)>,
    touched: Vec<u32>,
}

/// Users between two looks at the stop flag, within one row.
const USERS_A_STEP: usize = 1 << 12;

pub(super) fn neighbours(
    weights: &Weights,
    config: &ItemKnnConfig,
    seed: u64,
    progress: &Progress<'_>,
) -> Result<Neighbours> {
    let items = weights.items();
    let what = "comparing items";
    let build = Build { items, kept: config.neighbours, seed, what, progress };
    let shrinkage = config.shrinkage as f32;
    Neighbours::build(
        &build,
        || Sums { cells: vec![(0.0, 0); items as usize], touched: Vec::new() },
        |sums, item, best| {
            for users in weights.item(item).chunks(USERS_A_STEP) {
                add(sums, weights, users);
                progress.check()?;
            }
            keep(sums, item, shrinkage, best);
            Ok(())
        },
    )
}

fn add(sums: &mut Sums, weights: &Weights, users: &[(u32, f32)]) {
    for (user, own) in users {
        for (other, weight) in weights.user(*user) {
            let cell = &mut sums.cells[*other as usize];
            if cell.1 == 0 {
                sums.touched.push(*other);
            }
            cell.0 += own * weight;
            cell.1 += 1;
        }
    }
}

/// Moves the row into `best` and zeroes the accumulator.
fn keep(sums: &mut Sums, item: u32, shrinkage: f32, best: &mut Best) {
    for other in sums.touched.drain(..) {
        let (sum, shared) = std::mem::take(&mut sums.cells[other as usize]);
        let shared = shared as f32;
        let similarity = sum * (shared / (shared + shrinkage));
        if other != item && similarity > 0.0 && best.wants(similarity) {
            best.push(other, similarity);
        }
    }
}
