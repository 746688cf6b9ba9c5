//! Counts of all items.

use serde::{Deserialize, Serialize};

/// The share of each item in all that was observed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Exact {
    counts: Vec<u64>,
    total: u64,
}

impl Exact {
    /// For a catalogue of `items`, nothing observed.
    pub fn new(items: usize) -> Exact {
        Exact { counts: vec![0; items], total: 0 }
    }

    /// Counts `items`.
    ///
    /// # Panics
    /// Where an item is beyond the catalogue.
    pub fn observe(&mut self, items: &[u32]) {
        for item in items {
            self.counts[*item as usize] += 1;
        }
        self.total += items.len() as u64;
    }

    /// `count / total`; 0 before anything is observed and beyond the catalogue.
    pub fn q(&self, item: u32) -> f64 {
        let count = self.counts.get(item as usize).copied().unwrap_or(0);
        if self.total == 0 { 0.0 } else { count as f64 / self.total as f64 }
    }

    /// Counts by item.
    pub fn counts(&self) -> &[u64] {
        &self.counts
    }
}
