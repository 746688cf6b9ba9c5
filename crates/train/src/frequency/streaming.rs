//! Streaming frequency estimation (Yi et al., RecSys 2019, algorithm 2): how many steps lie
//! between two appearances of an item, as a moving average.
//!
//! When not to use it: on a fixed log, where counting is exact. The estimate has a relative
//! standard deviation of about `sqrt(a / 2)` however long it runs, and an item that is never
//! seen again keeps its last estimate.

use serde::{Deserialize, Serialize};

use super::bucket;
use crate::{Error, Result};

/// Settings of [`Streaming`].
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct StreamingConfig {
    /// Buckets of each hash; several times the catalogue where memory allows.
    pub buckets: usize,
    /// Independent hashes, of which the longest gap counts: a collision only shortens gaps.
    pub hashes: usize,
    /// Weight of the newest gap (a). Larger follows a drift faster and is noisier.
    pub rate: f64,
    /// The gap, in steps, of an item that was never seen.
    pub gap: f64,
}

impl Default for StreamingConfig {
    fn default() -> Self {
        StreamingConfig { buckets: 1 << 18, hashes: 3, rate: 0.01, gap: 1000.0 }
    }
}

/// Two arrays a hash: A, the step at which a bucket was last seen, and B, its mean gap. At step
/// t, for each item y of the batch,
///
/// ```text
/// B[h(y)] <- (1 - a) B[h(y)] + a (t - A[h(y)])        A[h(y)] <- t
/// ```
///
/// and `1 / max_h B[h(y)]` is how often y appears a step. An item twice in a batch gives a gap of
/// 0, so this counts appearances, not batches with the item; divided by the mean size of a batch
/// it is q.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Streaming {
    config: StreamingConfig,
    steps: u64,
    batch: f64,
    last: Vec<u64>,
    gaps: Vec<f64>,
}

impl Streaming {
    /// Nothing observed.
    ///
    /// # Errors
    /// Where a setting is out of range.
    pub fn new(config: StreamingConfig) -> Result<Streaming> {
        let StreamingConfig { buckets, hashes, rate, gap } = config;
        if buckets == 0 || hashes == 0 {
            return Err(Error::setting("frequency.buckets", "0 buckets or hashes; 1 or more"));
        }
        if !(rate > 0.0 && rate <= 1.0) {
            let what = format!("{rate} is no weight; it is above 0 and at most 1");
            return Err(Error::setting("frequency.rate", what));
        }
        if !gap.is_finite() || gap <= 0.0 {
            let what = format!("{gap} is no number of steps above 0");
            return Err(Error::setting("frequency.gap", what));
        }
        let length = buckets * hashes;
        Ok(Streaming {
            config,
            steps: 0,
            batch: 0.0,
            last: vec![0; length],
            gaps: vec![gap; length],
        })
    }

    /// One step with the items of one batch.
    pub fn observe(&mut self, items: &[u32]) {
        self.steps += 1;
        let StreamingConfig { buckets, hashes, rate, .. } = self.config;
        let weight = if self.steps == 1 { 1.0 } else { rate };
        self.batch += weight * (items.len() as f64 - self.batch);
        for item in items {
            for hash in 0..hashes {
                let at = hash * buckets + bucket(*item, hash, buckets);
                let gap = (self.steps - self.last[at]) as f64;
                self.gaps[at] += rate * (gap - self.gaps[at]);
                self.last[at] = self.steps;
            }
        }
    }

    /// Expected appearances of `item` a step.
    pub fn a_step(&self, item: u32) -> f64 {
        let StreamingConfig { buckets, hashes, .. } = self.config;
        let gap = |hash| self.gaps[hash * buckets + bucket(item, hash, buckets)];
        let longest = (0..hashes).map(gap).fold(0.0, f64::max);
        1.0 / longest.max(f64::MIN_POSITIVE)
    }

    /// Probability that one observed item is `item`: appearances a step by items a step, at
    /// most 1; 0 before anything is observed.
    pub fn q(&self, item: u32) -> f64 {
        if self.batch > 0.0 { (self.a_step(item) / self.batch).min(1.0) } else { 0.0 }
    }
}
