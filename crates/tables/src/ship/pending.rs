//! Rows of a table that a consumer has in an older state, as it has them.

use super::tracker::sorted;
use super::{Format, Touches};
use crate::{Index, Result, Table};

#[derive(Debug)]
pub(super) struct Pending {
    index: Index,
    ids: Vec<u64>,
    /// Touches since it was shipped.
    hits: Vec<u32>,
    /// When it was touched last.
    touched: Vec<u64>,
    /// Rows as they were shipped; 0 of an id that had none, which is what its reader sees.
    rows: Vec<f32>,
}

impl Default for Pending {
    fn default() -> Pending {
        Pending {
            index: Index::for_about(0),
            ids: vec![],
            hits: vec![],
            touched: vec![],
            rows: vec![],
        }
    }
}

impl Pending {
    pub(super) fn len(&self) -> usize {
        self.ids.len()
    }

    /// Keeps the row of an id that is about to change for the first time.
    pub(super) fn touch(&mut self, table: &Table, id: u64, now: u64) -> Result<()> {
        if let Some(place) = self.index.get(id) {
            let hits = &mut self.hits[place as usize];
            *hits = hits.saturating_add(1);
            self.touched[place as usize] = now;
            return Ok(());
        }
        self.index.insert(id, self.ids.len() as u32)?;
        self.ids.push(id);
        self.hits.push(1);
        self.touched.push(now);
        let from = self.rows.len();
        self.rows.resize(from + table.config().width, 0.0);
        table.row(id, &mut self.rows[from..]);
        Ok(())
    }

    /// Lets an id go that was not touched after `upto`; the last one takes its place.
    pub(super) fn remove(&mut self, id: u64, upto: u64) {
        let Some(place) = self.index.get(id) else { return };
        if self.touched[place as usize] > upto {
            return;
        }
        self.index.remove(id);
        let place = place as usize;
        let width = self.rows.len() / self.ids.len();
        let last = self.ids.len() - 1;
        self.rows.copy_within(last * width.., place * width);
        self.rows.truncate(last * width);
        self.hits.swap_remove(place);
        self.touched.swap_remove(place);
        self.ids.swap_remove(place);
        if let Some(moved) = self.ids.get(place) {
            self.index.insert(*moved, place as u32).expect("a place there is");
        }
    }
}

/// The most changed rows of all tables that go into so many bytes, and every id without a row.
pub(super) fn most_changed(
    pending: &[Pending],
    tables: &[&Table],
    bytes: usize,
) -> super::Result<Vec<Touches>> {
    let mut chosen: Vec<Vec<u64>> = Vec::new();
    let mut ranked = Vec::new();
    let mut left = bytes;
    for (at, (pending, table)) in pending.iter().zip(tables).enumerate() {
        let mut now = vec![0.0; table.config().width];
        let mut gone = Vec::new();
        let rows = pending.rows.chunks_exact(now.len());
        for ((id, hits), shipped) in pending.ids.iter().zip(&pending.hits).zip(rows) {
            if !table.row(*id, &mut now) {
                gone.push(*id);
                continue;
            }
            let squares = now.iter().zip(shipped).map(|(a, b)| f64::from(a - b).powi(2));
            let moved = squares.sum::<f64>().sqrt();
            ranked.push((moved * (1.0 + f64::from(*hits)).sqrt(), at, *id));
        }
        left = left.saturating_sub(gone.len() * ID_BYTES);
        chosen.push(gone);
    }
    ranked.sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then((a.1, a.2).cmp(&(b.1, b.2))));
    for (_, at, id) in ranked {
        let config = tables[at].config();
        let cost = ID_BYTES + Format::of(config)?.row_bytes(config.width);
        if cost > left {
            break;
        }
        left -= cost;
        chosen[at].push(id);
    }
    Ok(chosen.into_iter().zip(tables).map(|(ids, table)| sorted(ids, table)).collect())
}

/// An id takes no more in a delta.
const ID_BYTES: usize = 10;
