//! Which rows go first where not all may (QuickUpdate, Matam et al., NSDI 2024): those whose change
//! weighs most. The paper names the idea; the measure here is
//!
//! ```text
//! p(r) = ‖w_r − w_r shipped‖₂ · √(1 + hits_r)
//! ```
//!
//! with the times that a row was touched since it was shipped. What is not sent stays pending, and its
//! priority grows with its change.

use std::collections::{BTreeMap, HashMap};

use super::Format;
use crate::Table;

/// Rows of one table as its servers have them, and those that have changed since.
#[derive(Debug, Clone)]
pub struct Pending {
    width: usize,
    /// By id: its place in `rows`.
    places: HashMap<u64, usize>,
    rows: Vec<f32>,
    /// Times that an id was touched since it was shipped.
    hits: BTreeMap<u64, u32>,
}

/// An id, written as the step from the one before it, takes at most so many bytes.
const ID_BYTES: usize = 10;

impl Pending {
    /// Servers have all of this table.
    pub fn shipped(table: &Table) -> Pending {
        let width = table.config().width;
        let mut own =
            Pending { width, places: HashMap::new(), rows: Vec::new(), hits: BTreeMap::new() };
        own.note(table, &table.ids());
        own
    }

    /// Ids that were touched.
    pub fn touch(&mut self, ids: &[u64]) {
        for id in ids {
            let hits = self.hits.entry(*id).or_default();
            *hits = hits.saturating_add(1);
        }
    }

    /// Ids that servers lack the newest row of.
    pub fn len(&self) -> usize {
        self.hits.len()
    }

    /// Whether they have all.
    pub fn is_empty(&self) -> bool {
        self.hits.is_empty()
    }

    /// Chooses ids for a delta of at most so many bytes of ids and rows, rising; they count as
    /// shipped then. Ids that have no row any more go first: a tombstone is small, and a server that
    /// recommends what is gone is worse than one that is late. Equal priorities: the lower id.
    pub fn choose(&mut self, table: &Table, bytes_max: u64) -> Vec<u64> {
        let row_bytes = Format::of(table.config().dtype).row_bytes(self.width) + ID_BYTES;
        let mut row = vec![0.0; self.width];
        let (mut gone, mut changed) = (Vec::new(), Vec::new());
        for (id, hits) in &self.hits {
            match table.row(*id, &mut row) {
                false => gone.push(*id),
                true => {
                    changed.push((self.change(*id, &row) * f64::from(1 + hits).sqrt(), *id))
                }
            }
        }
        changed.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        let most = |bytes: u64, each: usize| {
            usize::try_from(bytes / each as u64).unwrap_or(usize::MAX)
        };
        gone.truncate(most(bytes_max, ID_BYTES));
        let left = bytes_max - (gone.len() * ID_BYTES) as u64;
        changed.truncate(most(left, row_bytes));
        let mut ids = gone;
        ids.extend(changed.into_iter().map(|(_, id)| id));
        ids.sort_unstable();
        self.note(table, &ids);
        ids
    }

    /// Servers have the present rows of these ids.
    pub fn note(&mut self, table: &Table, ids: &[u64]) {
        let mut row = vec![0.0; self.width];
        for id in ids {
            self.hits.remove(id);
            if !table.row(*id, &mut row) {
                if let Some(place) = self.places.get(id) {
                    self.rows[place * self.width..][..self.width].fill(0.0);
                }
                continue;
            }
            let place = *self.places.entry(*id).or_insert_with(|| {
                self.rows.resize(self.rows.len() + self.width, 0.0);
                self.rows.len() / self.width - 1
            });
            self.rows[place * self.width..][..self.width].copy_from_slice(&row);
        }
    }

    /// How far a row is from what was shipped; an id that servers do not know is far by its length.
    fn change(&self, id: u64, row: &[f32]) -> f64 {
        let place = self.places.get(&id);
        let shipped = place.map(|place| &self.rows[place * self.width..][..self.width]);
        let squares = row.iter().enumerate().map(|(at, value)| {
            let before = shipped.map_or(0.0, |shipped| shipped[at]);
            f64::from(value - before).powi(2)
        });
        squares.sum::<f64>().sqrt()
    }
}
