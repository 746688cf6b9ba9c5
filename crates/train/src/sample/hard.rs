//! Negatives that the model itself ranks high, among drawn ones.
//!
//! When not to use it: from the first step on. An untrained model mines noise, and a trained one
//! mines items that its user would take: keep the share low and begin late.

use super::config::{HardWeight, Layout};
use super::distribution::{Distribution, log};
use super::sampled::Sampled;
use super::targets::Targets;
use crate::Result;
use crate::stream::Stream;

/// Gives, for a row of the batch and a number n, the n items that the model ranks first for it.
pub(super) type Mine<'a> = dyn FnMut(usize, usize) -> Vec<u32> + 'a;

/// A list a row: at most `mined` of what `mine` gives, the rest from `distribution`, none of them
/// an item that the row's user interacted with.
pub(super) fn draw(
    (count, mined, weight): (usize, usize, HardWeight),
    (distribution, items_count): (&Distribution, usize),
    stream: &Stream,
    targets: &Targets<'_>,
    mine: &mut Mine<'_>,
) -> Result<Sampled> {
    let mut items = vec![0; targets.users.len() * count];
    let mut log_q = vec![0.0; targets.users.len() * count];
    let lists = items.chunks_exact_mut(count).zip(log_q.chunks_exact_mut(count)).enumerate();
    for (row, (items, log_q)) in lists {
        let user = targets.users[row];
        let seen = targets.interacted.items(user);
        let left = distribution.without(seen, user)?;
        let mut hard = Vec::with_capacity(mined);
        if mined > 0 {
            // Enough that those left out leave enough.
            let candidates = mine(row, (mined + seen.len()).min(items_count));
            for item in candidates {
                let new = (item as usize) < items_count
                    && seen.binary_search(&item).is_err()
                    && !hard.contains(&item);
                if new && hard.len() < mined {
                    hard.push(item);
                }
            }
        }
        let (first, rest) = items.split_at_mut(hard.len());
        first.copy_from_slice(&hard);
        let drawn = rest.len() as f64;
        let (log_first, log_rest) = log_q.split_at_mut(hard.len());
        left.fill(&mut stream.at(row), rest, log_rest);
        match weight {
            HardWeight::Uniform => {
                log_first.fill(log(1.0 / (items_count - seen.len()) as f64));
            }
            HardWeight::Drawn => {
                hard.sort_unstable();
                for (item, log_q) in items.iter().zip(log_q) {
                    let certain = if hard.binary_search(item).is_ok() { 1.0 } else { 0.0 };
                    *log_q = log((certain + drawn * left.q(*item)) / count as f64);
                }
            }
        }
    }
    let positive_log_q = targets.items.iter().map(|item| distribution.log_q(*item)).collect();
    let hits = !targets.all_interacted();
    Ok(Sampled { layout: Layout::PerRow, count, items, log_q, positive_log_q, hits })
}
