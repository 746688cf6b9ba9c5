//! How much of the catalogue training has shown as the next item.

use crate::example::Examples;

/// How often each item was a target, over any number of batches. Every token whose target an item
/// is counts: each brings the item a gradient as the right answer. What an item gets as a
/// negative or as an input does not count.
///
/// It sees batches, not weights: run over the epochs of [`epoch`](crate::epoch()), it says what a
/// choice of [`Window`](crate::Window) would cover without training.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Coverage {
    targets: Vec<u64>,
}

impl Coverage {
    /// Of a catalogue of `items`, before the first batch.
    pub fn new(items: u32) -> Coverage {
        Coverage { targets: vec![0; items as usize] }
    }

    /// Counts a batch.
    ///
    /// # Panics
    /// Where an item is not of the catalogue.
    pub fn add(&mut self, examples: &Examples) {
        for item in &examples.targets {
            self.targets[*item as usize] += 1;
        }
    }

    /// How often each item was a target.
    pub fn targets(&self) -> &[u64] {
        &self.targets
    }

    /// Items that were a target `times` times at least.
    pub fn items(&self, times: u64) -> usize {
        self.targets.iter().filter(|count| **count >= times).count()
    }
}
