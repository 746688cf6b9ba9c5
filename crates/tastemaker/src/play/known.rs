//! What a product knows of people: clicks, and nothing of the truth.

use data::{History, Sequences};

/// Clicks kept of a person: models look at no more.
const CLICKS_MAX: usize = 256;

/// Everything that was clicked so far.
#[derive(Debug, Clone)]
pub(super) struct Known {
    people: Vec<Clicks>,
    /// Clicks by item.
    popularity: Vec<u32>,
}

#[derive(Debug, Clone, Default)]
struct Clicks {
    items: Vec<u32>,
    times_ms: Vec<i64>,
    values: Vec<f32>,
}

impl Known {
    pub(super) fn new(users: u32) -> Known {
        Known { people: vec![Clicks::default(); users as usize], popularity: Vec::new() }
    }

    /// A click; of nobody in particular where there is no user.
    pub(super) fn click(&mut self, user: Option<u32>, item: u32, time_ms: i64) {
        let at = item as usize;
        if self.popularity.len() <= at {
            self.popularity.resize(at + 1, 0);
        }
        self.popularity[at] += 1;
        let Some(clicks) = user.and_then(|user| self.people.get_mut(user as usize)) else {
            return;
        };
        if clicks.items.len() == 2 * CLICKS_MAX {
            clicks.items.drain(..CLICKS_MAX);
            clicks.times_ms.drain(..CLICKS_MAX);
            clicks.values.drain(..CLICKS_MAX);
        }
        clicks.items.push(item);
        clicks.times_ms.push(time_ms);
        clicks.values.push(1.0);
    }

    pub(super) fn popularity(&self, item: u32) -> u32 {
        self.popularity.get(item as usize).copied().unwrap_or(0)
    }

    pub(super) fn history(&self, user: Option<u32>) -> History<'_> {
        let clicks = user.and_then(|user| self.people.get(user as usize));
        clicks.map_or(History::default(), |clicks| History {
            items: &clicks.items,
            times_ms: &clicks.times_ms,
            values: &clicks.values,
        })
    }

    /// Histories to train on; the catalogue has `items`.
    pub(super) fn sequences(&self, items: u32) -> data::Result<Sequences> {
        let (mut offsets, mut all) = (vec![0], Clicks::default());
        for person in &self.people {
            all.items.extend_from_slice(&person.items);
            all.times_ms.extend_from_slice(&person.times_ms);
            all.values.extend_from_slice(&person.values);
            offsets.push(all.items.len());
        }
        Sequences::new(offsets, all.items, all.times_ms, all.values, items)
    }
}
