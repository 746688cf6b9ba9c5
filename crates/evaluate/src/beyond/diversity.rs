//! Intra-list diversity (Ziegler et al., "Improving recommendation lists through topic
//! diversification", WWW 2005), over categories.

use std::collections::HashMap;

use data::Catalogue;

/// The categories of every item as numbers, sorted.
#[derive(Debug, Clone, Default)]
pub struct Categories {
    offsets: Vec<usize>,
    values: Vec<u32>,
}

impl Categories {
    /// From lists of category numbers by item, in any order.
    pub fn new(lists: impl Iterator<Item = Vec<u32>>) -> Categories {
        let mut all = Categories { offsets: vec![0], values: Vec::new() };
        for mut list in lists {
            list.sort_unstable();
            list.dedup();
            all.values.extend(list);
            all.offsets.push(all.values.len());
        }
        all
    }

    /// From what a catalogue knows.
    pub fn of(catalogue: &Catalogue) -> Categories {
        let mut numbers: HashMap<&str, u32> = HashMap::new();
        Categories::new((0..catalogue.items.len()).map(|item| {
            let names = catalogue.item(item).map_or(&[][..], |item| &item.categories);
            let mut list = Vec::with_capacity(names.len());
            for name in names {
                let next = numbers.len() as u32;
                list.push(*numbers.entry(name).or_insert(next));
            }
            list
        }))
    }

    /// Whether no item has any.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Of one item; none where the item is not known.
    pub fn of_item(&self, item: u32) -> &[u32] {
        match (self.offsets.get(item as usize), self.offsets.get(item as usize + 1)) {
            (Some(from), Some(to)) => &self.values[*from..*to],
            _ => &[],
        }
    }
}

/// Mean over pairs of the first k places of 1 - Jaccard of their categories, in [0, 1]. Pairs
/// with an item without categories are left out; `None` where no pair is left.
pub fn intra_list_diversity(ranked: &[u32], categories: &Categories, k: usize) -> Option<f64> {
    let known: Vec<&[u32]> = ranked[..k.min(ranked.len())]
        .iter()
        .map(|item| categories.of_item(*item))
        .filter(|categories| !categories.is_empty())
        .collect();
    let (mut sum, mut pairs) = (0.0, 0.0);
    for (at, one) in known.iter().enumerate() {
        for other in &known[..at] {
            sum += 1.0 - jaccard(one, other);
            pairs += 1.0;
        }
    }
    (pairs > 0.0).then(|| sum / pairs)
}

/// Shared ÷ all, of two sorted lists that are not both empty.
fn jaccard(a: &[u32], b: &[u32]) -> f64 {
    let shared = a.iter().filter(|value| b.binary_search(value).is_ok()).count();
    shared as f64 / (a.len() + b.len() - shared) as f64
}
