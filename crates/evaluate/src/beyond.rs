//! What accuracy does not say: how much of the catalogue is shown, how evenly, how surprising
//! and how varied the lists are, and how much of the accuracy is popularity.

mod coverage;
mod gini;
mod novelty;
mod diversity;
mod debiased;

pub use coverage::coverage;
pub use debiased::{debiased_hits, propensity_weight};
pub use diversity::{Categories, intra_list_diversity};
pub use gini::gini;
pub use novelty::{novelty, self_information};

/// How often each item of a catalogue stands in the first k places of a list.
pub fn exposure<'a>(
    lists: impl Iterator<Item = &'a [u32]>,
    k: usize,
    item_count: usize,
) -> Vec<u32> {
    let mut counts = vec![0u32; item_count];
    for list in lists {
        for item in &list[..k.min(list.len())] {
            if let Some(count) = counts.get_mut(*item as usize) {
                *count += 1;
            }
        }
    }
    counts
}
