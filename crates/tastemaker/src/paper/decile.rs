//! Popularity deciles: items in the order of their training events, cut so that each part holds
//! a tenth of the events. Decile 1 are the few most popular items, decile 10 the long tail.

use data::order::tie;
use serde::{Deserialize, Serialize};

use super::outcome::Outcomes;

/// Number of parts.
pub(crate) const PARTS: usize = 10;

/// Which part each case's target is in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Deciles {
    /// Items of each part.
    pub(crate) items: Vec<u32>,
    /// A digit a case, `0` the most popular part.
    pub(crate) of_cases: String,
}

/// The part of each item, 0 the most popular.
fn parts(counts: &[u32]) -> Vec<u8> {
    let mut order: Vec<u32> = (0..counts.len() as u32).collect();
    order.sort_by_key(|item| (std::cmp::Reverse(counts[*item as usize]), tie(*item, 1), *item));
    let total: u64 = counts.iter().map(|count| u64::from(*count)).sum();
    let mut part = vec![0; counts.len()];
    let mut before = 0u64;
    for item in order {
        let count = u64::from(counts[item as usize]);
        // By the middle of the item's events, so that a giant is where most of it is.
        let middle = before + count / 2;
        let at = (middle * PARTS as u64).checked_div(total).unwrap_or(0);
        part[item as usize] = at.min(PARTS as u64 - 1) as u8;
        before += count;
    }
    part
}

impl Deciles {
    /// Of cases with these targets, by training counts.
    pub(crate) fn new(counts: &[u32], targets: impl Iterator<Item = u32>) -> Deciles {
        let part = parts(counts);
        let mut items = vec![0; PARTS];
        for part in &part {
            items[usize::from(*part)] += 1;
        }
        let digit = |target: u32| char::from(b'0' + part[target as usize]);
        Deciles { items, of_cases: targets.map(digit).collect() }
    }

    /// The cases of part `part`.
    pub(crate) fn cases<'a>(
        &'a self,
        part: usize,
        outcomes: &'a Outcomes,
    ) -> impl Iterator<Item = &'a super::outcome::Outcome> {
        let wanted = b'0' + part as u8;
        let digits = self.of_cases.bytes();
        digits.zip(&outcomes.0).filter(move |(digit, _)| *digit == wanted).map(|(_, case)| case)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_holds_a_tenth_of_the_events() {
        let counts: Vec<u32> = (1..=200).collect();
        let part = parts(&counts);
        let total: u32 = counts.iter().sum();
        for wanted in 0..PARTS as u8 {
            let own = counts.iter().zip(&part).filter(|(_, part)| **part == wanted);
            let events: u32 = own.map(|(count, _)| count).sum();
            assert!(events.abs_diff(total / 10) <= 200, "part {wanted}: {events} of {total}");
        }
        assert_eq!((part[199], part[0]), (0, 9));
    }

    #[test]
    fn a_catalogue_without_events_is_one_part() {
        assert_eq!(Deciles::new(&[0, 0], [1].into_iter()).of_cases, "0");
    }
}
