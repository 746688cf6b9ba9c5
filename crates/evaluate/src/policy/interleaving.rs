//! Team-draft interleaving: two rankings in one slate, clicks tell which is preferred (Radlinski,
//! Kurup and Joachims 2008).

/// A slate drafted from two rankings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drafted {
    /// Items, the first place first, none twice.
    pub items: Vec<u32>,
    /// Whose pick each was: true for the first ranking.
    pub first: Vec<bool>,
}

/// Drafts `places` items. In each round a coin (`coin`, true: the first ranking begins) decides who
/// picks first; each picks its best item that is not there yet. Shorter where both have run out.
pub fn draft(
    first: &[u32],
    second: &[u32],
    places: usize,
    mut coin: impl FnMut() -> bool,
) -> Drafted {
    let mut drafted = Drafted { items: Vec::new(), first: Vec::new() };
    loop {
        let before = drafted.items.len();
        let begins = coin();
        for of_first in [begins, !begins] {
            let ranking = if of_first { first } else { second };
            if drafted.items.len() == places {
                return drafted;
            }
            if let Some(item) = ranking.iter().find(|item| !drafted.items.contains(item)) {
                drafted.items.push(*item);
                drafted.first.push(of_first);
            }
        }
        if drafted.items.len() == before {
            return drafted;
        }
    }
}

impl Drafted {
    /// Clicks on picks of the first ranking minus those of the second; above 0 the first is
    /// preferred. Places beyond the slate are not counted.
    pub fn credit(&self, clicked: &[usize]) -> i64 {
        clicked
            .iter()
            .filter_map(|place| self.first.get(*place))
            .map(|first| if *first { 1 } else { -1 })
            .sum()
    }
}
