//! Stack distances of a trace, exactly or of a sample of its ids.
//!
//! The sample is one of ids, not of requests (SHARDS, Waldspurger et al., FAST 2015): an id belongs to it
//! where its hash is small, and a distance among those is that share of the real one. At a share of one
//! in a hundred it costs a hundredth of time and memory.

use super::MissCurve;
use super::recency::Recency;
use crate::mix::mix;
use crate::{Error, Result};

/// Bins of a power of two of distances.
const BINS: u32 = 32;
/// Keeps the sample apart from other uses of an id.
const SAMPLE: u64 = 0x6a09_e667_f3bc_c909;

/// Counts the distances of what is asked for.
#[derive(Debug, Clone)]
pub struct StackDistances {
    share: f64,
    /// Ids whose hash is below are looked at.
    below: u64,
    recency: Recency,
    /// Requests by bin of their distance.
    bins: Vec<u64>,
    first: u64,
    asked: u64,
    warm: bool,
}

impl StackDistances {
    /// Of every id.
    pub fn exact() -> StackDistances {
        StackDistances {
            share: 1.0,
            below: u64::MAX,
            recency: Recency::new(),
            bins: Vec::new(),
            first: 0,
            asked: 0,
            warm: false,
        }
    }

    /// Of a share of the ids, above 0 and at most 1.
    ///
    /// # Errors
    /// Where it is not.
    pub fn sampled(share: f64) -> Result<StackDistances> {
        if !(share > 0.0 && share <= 1.0) {
            let what = format!("{share} is not above 0 and at most 1");
            return Err(Error::Setting { field: "share", what });
        }
        // The product is at most 2^64, where it saturates.
        let below = (share * u64::MAX as f64) as u64;
        Ok(StackDistances { share, below, ..StackDistances::exact() })
    }

    /// What came before fills caches, and counts no more.
    pub fn warmed_up(&mut self) {
        (self.first, self.asked, self.warm) = (0, 0, true);
        self.bins.clear();
    }

    /// Ids that are asked for one after another, each of a batch once.
    pub fn ask(&mut self, ids: &[u64]) {
        for id in ids {
            if self.below != u64::MAX && mix(*id, SAMPLE) >= self.below {
                continue;
            }
            self.asked += 1;
            match self.recency.ask(*id) {
                None => self.first += 1,
                Some(distance) => {
                    let bin = bin(distance as f64 / self.share);
                    if self.bins.len() <= bin {
                        self.bins.resize(bin + 1, 0);
                    }
                    self.bins[bin] += 1;
                }
            }
        }
    }

    /// Miss ratios of caches of a table of `rows` rows.
    ///
    /// # Errors
    /// Where nothing was asked for, or there is no row.
    pub fn curve(&self, rows: u64) -> Result<MissCurve> {
        if rows == 0 || self.asked == 0 {
            let what = "a curve needs rows, and requests for some of them".to_owned();
            return Err(Error::Setting { field: "rows", what });
        }
        Ok(MissCurve::new(rows, self.asked, self.first, &self.bins, edge))
    }
}

/// The bin of a distance: each of 0..BINS by itself, then BINS a power of two.
fn bin(distance: f64) -> usize {
    let distance = distance as u64;
    if distance < u64::from(BINS) {
        return distance as usize;
    }
    let power = distance.ilog2();
    let step = power - BINS.ilog2();
    let within = (distance >> step) - u64::from(BINS);
    (u64::from(BINS) * u64::from(step + 1) + within) as usize
}

/// The least distance beyond a bin.
fn edge(bin: usize) -> u64 {
    let (bin, bins) = (bin as u64, u64::from(BINS));
    if bin < bins {
        return bin + 1;
    }
    let (step, within) = (bin / bins - 1, bin % bins);
    (bins + within + 1) << step
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bins_cover_every_distance_once() {
        for distance in (0..5000).chain([1 << 20, (1 << 40) - 1, 1 << 40]) {
            let own = bin(distance as f64);
            assert!(distance < edge(own), "{distance} in {own}");
            assert!(own == 0 || distance >= edge(own - 1), "{distance} in {own}");
            // A bin is at most a thirty-second wide.
            assert!(own < 32 || edge(own) - edge(own - 1) <= distance / 31 + 1);
        }
    }
}
