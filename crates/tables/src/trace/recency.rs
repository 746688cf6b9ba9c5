//! How many different ids were asked for since one of them last was: a Fenwick tree over the times of
//! last requests, renumbered where it is full, so that memory follows ids and not the trace.

use std::collections::HashMap;

/// Ids by when they were last asked for.
#[derive(Debug, Clone)]
pub(super) struct Recency {
    /// Place of each id's last request in the tree.
    last: HashMap<u64, usize>,
    /// Fenwick sums of 1 a place that is somebody's last.
    tree: Vec<u32>,
    next: usize,
}

const PLACES_MIN: usize = 1 << 10;

impl Recency {
    pub(super) fn new() -> Recency {
        Recency { last: HashMap::new(), tree: vec![0; PLACES_MIN + 1], next: 0 }
    }

    /// Asks for an id: how many others were asked for since it was; `None` the first time.
    pub(super) fn ask(&mut self, id: u64) -> Option<usize> {
        if self.next + 1 == self.tree.len() {
            self.renumber();
        }
        let place = self.next;
        self.next += 1;
        let before = self.last.insert(id, place);
        let others = before.map(|before| {
            let after = self.last.len() - self.up_to(before);
            self.add(before, u32::MAX);
            after
        });
        self.add(place, 1);
        others
    }

    /// Ids whose last request lies at or before a place.
    fn up_to(&self, place: usize) -> usize {
        let (mut at, mut sum) = (place + 1, 0u32);
        while at > 0 {
            sum = sum.wrapping_add(self.tree[at]);
            at &= at - 1;
        }
        sum as usize
    }

    fn add(&mut self, place: usize, value: u32) {
        let mut at = place + 1;
        while at < self.tree.len() {
            self.tree[at] = self.tree[at].wrapping_add(value);
            at += at & at.wrapping_neg();
        }
    }

    /// Gives the ids new places without gaps, in their order, with as much room again.
    fn renumber(&mut self) {
        #[allow(clippy::iter_over_hash_type, reason = "sorted at once")]
        let mut ids: Vec<(usize, u64)> = self.last.iter().map(|(id, at)| (*at, *id)).collect();
        ids.sort_unstable();
        self.tree = vec![0; (2 * ids.len()).max(PLACES_MIN) + 1];
        self.next = ids.len();
        for (place, (_, id)) in ids.into_iter().enumerate() {
            self.last.insert(id, place);
            self.add(place, 1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_counts_as_a_list_does() {
        let mut recency = Recency::new();
        let mut list: Vec<u64> = Vec::new();
        let mut state = 7u64;
        for _ in 0..20_000 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            // Few ids often, many rarely.
            let id = (state >> 33) % (1 << ((state >> 60) % 12));
            let place = list.iter().rposition(|own| *own == id);
            let wanted = place.map(|place| list.len() - 1 - place);
            assert_eq!(recency.ask(id), wanted);
            place.into_iter().for_each(|place| {
                list.remove(place);
            });
            list.push(id);
        }
    }
}
