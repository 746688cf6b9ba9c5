//! The targets of the batch as negatives, alone or with uniform items.
//!
//! When not to use it: without correction of the loss. A batch holds items as often as they are
//! popular, and the plain loss then holds popular items down.

use super::config::{Labels, Layout};
use super::distribution::log;
use super::sampled::Sampled;
use super::targets::Targets;
use crate::stream::{Stream, below, subset};
use crate::{Error, Result};

/// The batch's part of a list, and what the rest is filled up to.
#[derive(Debug, Clone, Copy)]
pub(super) struct InBatch {
    /// Most items from the batch.
    pub(super) count: usize,
    pub(super) labels: Labels,
    /// Length of the list where uniform items fill it.
    pub(super) filled_to: usize,
}

/// One list for all: at most `count` targets of the batch, a random subset where there are more,
/// then uniform items up to `filled_to`. `q` is the probability that a target is an item.
pub(super) fn draw(
    how: InBatch,
    q: &[f64],
    stream: &Stream,
    targets: &Targets<'_>,
) -> Result<Sampled> {
    let mut rng = stream.at(0);
    let mut labels = targets.items.to_vec();
    if how.labels == Labels::Unique {
        labels.sort_unstable();
        labels.dedup();
    }
    let found = labels.len();
    let mut items = subset(&mut rng, labels, how.count);
    let kept = items.len();
    let uniform = how.filled_to.saturating_sub(kept);
    items.extend((0..uniform).map(|_| below(&mut rng, q.len()).0 as u32));
    if items.is_empty() {
        return Err(Error::Refused("in-batch negatives of a batch without a target".into()));
    }
    let count = items.len();
    let from_uniform = uniform as f64 / q.len() as f64;
    let log_q = |item: &u32| {
        let q = q[*item as usize];
        let from_batch = match how.labels {
            Labels::Repeated => kept as f64 * q,
            Labels::Unique => {
                // 1 - (1 - q)^B, and then kept of those found.
                let none = targets.items.len() as f64 * (-q).ln_1p();
                -none.exp_m1() * kept as f64 / found.max(1) as f64
            }
        };
        log((from_batch + from_uniform) / count as f64)
    };
    let log_q_items = items.iter().map(log_q).collect();
    let positive_log_q = targets.items.iter().map(log_q).collect();
    let layout = Layout::Shared;
    Ok(Sampled { layout, count, items, log_q: log_q_items, positive_log_q, hits: true })
}
