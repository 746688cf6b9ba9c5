//! Count-min sketch (Cormode & Muthukrishnan, J. Algorithms 2005).
//!
//! When not to use it: for the probability of rare items. It only ever overestimates, by at most
//! `e total / width` with probability `1 - e^-depth`, which may be many times a rare count.

use serde::{Deserialize, Serialize};

use super::bucket;
use crate::{Error, Result};

/// Counts of any number of items in `width x depth` numbers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CountMin {
    width: usize,
    depth: usize,
    counts: Vec<u64>,
    total: u64,
}

impl CountMin {
    /// `depth` rows of `width` counters.
    ///
    /// # Errors
    /// Where either is 0.
    pub fn new(width: usize, depth: usize) -> Result<CountMin> {
        if width == 0 || depth == 0 {
            return Err(Error::Refused(format!(
                "a sketch of {depth} rows of {width}; both are at least 1"
            )));
        }
        Ok(CountMin { width, depth, counts: vec![0; width * depth], total: 0 })
    }

    /// Counts `items`.
    pub fn observe(&mut self, items: &[u32]) {
        for item in items {
            for row in 0..self.depth {
                self.counts[row * self.width + bucket(*item, row, self.width)] += 1;
            }
        }
        self.total += items.len() as u64;
    }

    /// The smallest of the item's counters, by the total; 0 before anything is observed.
    pub fn q(&self, item: u32) -> f64 {
        let counter = |row| self.counts[row * self.width + bucket(item, row, self.width)];
        let least = (0..self.depth).map(counter).min().unwrap_or(0);
        if self.total == 0 { 0.0 } else { least as f64 / self.total as f64 }
    }
}
