//! A table's rows in an order that does not depend on how they came.

use super::{Error, Format, Result, TableDelta};
use crate::Table;
use crate::table::UNKNOWN;

impl Table {
    /// Every id that has a row, the lowest first.
    pub fn ids(&self) -> Vec<u64> {
        match &self.keys {
            None => (0..self.slab.rows() as u64).collect(),
            Some(keys) => {
                let mut ids: Vec<u64> = keys.index.iter().map(|(id, _)| id).collect();
                ids.sort_unstable();
                ids
            }
        }
    }
}

/// What servers must know of these ids, which rise: rows of those that have one, tombstones of the others.
pub(super) fn rows_of(table: &Table, ids: &[u64]) -> Result<TableDelta> {
    let config = table.config();
    let format = Format::of(config)?;
    let mut row = vec![0.0; config.width];
    let mut rows = Vec::with_capacity(ids.len() * format.row_bytes(config.width));
    let (mut known, mut tombstones) = (Vec::with_capacity(ids.len()), Vec::new());
    for id in ids {
        if !table.row(*id, &mut row) {
            tombstones.push(*id);
            continue;
        }
        if !format.encode(&row, &mut rows) {
            let place = format!("table {}", config.name);
            return Err(Error::contents(place, format!("the row of id {id} is not finite")));
        }
        known.push(*id);
    }
    Ok(TableDelta {
        table: config.name.clone(),
        width: config.width,
        format,
        ids: known,
        rows: rows.into(),
        tombstones,
    })
}

impl Table {
    /// What the optimiser remembers of a row.
    pub(super) fn state_of(&self, id: u64) -> Option<&[f32]> {
        let (chunk, range) = self.state_place(id)?;
        Some(&self.state[chunk][range])
    }

    /// Writes it.
    pub(super) fn set_state(&mut self, id: u64, state: &[f32]) {
        if let Some((chunk, range)) = self.state_place(id) {
            self.state[chunk][range].copy_from_slice(state);
        }
    }

    fn state_place(&self, id: u64) -> Option<(usize, std::ops::Range<usize>)> {
        let row = self.find(id);
        let width = self.config.optimiser.state_width(self.config.width);
        let from = row as usize % self.slab.chunk_rows() * width;
        (row != UNKNOWN).then(|| (row as usize / self.slab.chunk_rows(), from..from + width))
    }
}
