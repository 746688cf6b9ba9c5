//! One table with all that its optimiser remembers, as a file of somebody else's sealed folder: what a
//! checkpoint of a training needs. The same file of a table in memory and of one over a slow tier.

use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use data::Files;

use super::rows_file::{self, Part, Widths, Writer};
use super::{Error, Format, Result};
use crate::{Table, TableConfig, TieredTable};

fn widths(config: &TableConfig) -> Result<Widths> {
    Ok(Widths {
        row: Format::of(config)?.row_bytes(config.width),
        state: config.optimiser.state_width(config.width) * 4,
    })
}

impl Table {
    /// Writes rows and state, as a snapshot's file does; `place` is for errors.
    ///
    /// # Errors
    /// Where a row is not finite, or `out` fails.
    pub fn write_file(&self, out: impl Write + Send, place: &Path) -> Result<()> {
        rows_file::write(self, widths(self.config())?, out, place)
    }

    /// Steps that its optimiser has made: [`Table::read_file`] wants to know.
    pub fn steps(&self) -> u32 {
        self.steps
    }

    /// A keyed table from the file at `place`, whose bytes are checked by who seals it.
    ///
    /// # Errors
    /// Where the file is none of such a table.
    pub fn read_file(
        config: TableConfig,
        files: &Arc<dyn Files>,
        place: &Path,
        bytes: u64,
        steps: u32,
    ) -> Result<Table> {
        let widths = widths(&config)?;
        let format = Format::of(&config)?;
        let mut row = vec![0.0; config.width];
        let mut state = vec![0.0; config.optimiser.state_width(config.width)];
        let mut table = Table::keyed(config, 0)?;
        rows_file::read(files, place, bytes, format, widths, |part| {
            table.admit(part.ids)?;
            for (at, id) in part.ids.iter().enumerate() {
                format.decode(&part.rows[at * widths.row..], &mut row);
                table.set(*id, &row)?;
                if widths.state > 0 {
                    Format::F32.decode(&part.states[at * widths.state..], &mut state);
                    if state.iter().any(|value| !value.is_finite()) {
                        let what = format!("the state of id {id} is not finite");
                        return Err(Error::damaged(place, what));
                    }
                    table.set_state(*id, &state);
                }
            }
            Ok(())
        })?;
        table.steps = steps;
        Ok(table)
    }
}

impl TieredTable {
    /// Writes the rows of a feature that were ever met, as [`Table::write_file`] does; without their
    /// state where the file is not to be learned from.
    ///
    /// # Errors
    /// Where there is no such feature, a row is not finite, the tier or `out` fails.
    pub fn write_file(
        &mut self,
        feature: usize,
        with_state: bool,
        out: impl Write + Send,
        place: &Path,
    ) -> Result<()> {
        let width = self.config().width * 4;
        let record = self.config().record_bytes();
        let state = if with_state { record - width } else { 0 };
        let (name, widths) = (self.config().name.clone(), Widths { row: width, state });
        let mut writer = Writer::begin(&name, Format::F32, widths, out, place)?;
        self.records(feature, |from, records, known| -> Result<()> {
            let (mut ids, mut rows, mut states) = (Vec::new(), Vec::new(), Vec::new());
            for (id, record) in (from..).zip(records.chunks_exact(record)) {
                if known[(id - from) as usize] {
                    ids.push(id);
                    rows.extend_from_slice(&record[..width]);
                    states.extend_from_slice(&record[width..width + state]);
                }
            }
            match ids.is_empty() {
                true => Ok(()),
                false => writer.put(&ids, rows, states),
            }
        })?;
        writer.finish()
    }

    /// Takes over the rows of the file at `place`, of a feature that nobody has used since the table was
    /// opened over a tier without rows; the feature has made `steps`. Bytes are checked by who seals it.
    ///
    /// # Errors
    /// Where the file is none of such a table, a row is beyond those of the feature, the feature was used,
    /// or the tier fails: open the table anew then, over an empty tier.
    pub fn read_file(
        &mut self,
        feature: usize,
        files: &Arc<dyn Files>,
        place: &Path,
        bytes: u64,
        steps: u32,
    ) -> Result<()> {
        let (width, record) = (self.config().width * 4, self.config().record_bytes());
        let widths = Widths { row: width, state: record - width };
        self.check_feature(feature)?;
        let limit = self.config().features[feature].rows;
        let mut records = Vec::new();
        rows_file::read(files, place, bytes, Format::F32, widths, |part| {
            within(&part, limit, place)?;
            if let Some(at) = Format::F32.first_bad(part.states) {
                let id = part.ids[at / (widths.state / 4)];
                return Err(Error::damaged(
                    place,
                    format!("the state of id {id} is not finite"),
                ));
            }
            records.clear();
            for at in 0..part.ids.len() {
                records.extend_from_slice(&part.rows[at * width..][..width]);
                records.extend_from_slice(&part.states[at * widths.state..][..widths.state]);
            }
            Ok(self.put(feature, part.ids, &records)?)
        })?;
        self.set_steps(feature, steps);
        Ok(())
    }
}

/// All rows of a table of the ids 0..rows from the file at `place`, `[rows, width]`: those that it lacks
/// as they would begin.
///
/// # Errors
/// Where the file is none of such a table, or has a row beyond these.
pub fn read_matrix(
    config: &TableConfig,
    rows: u64,
    files: &Arc<dyn Files>,
    place: &Path,
    bytes: u64,
) -> Result<Vec<f32>> {
    let format = Format::of(config)?;
    let width = config.width;
    let widths = Widths { row: format.row_bytes(width), state: 0 };
    let mut matrix = vec![0.0f32; rows as usize * width];
    let mut next = 0;
    let begin = |matrix: &mut [f32], from: u64, to: u64| {
        for id in from..to {
            config.init.fill(id, &mut matrix[id as usize * width..][..width]);
        }
    };
    rows_file::read(files, place, bytes, format, widths, |part| {
        within(&part, rows, place)?;
        for (id, row) in part.ids.iter().zip(part.rows.chunks_exact(widths.row)) {
            begin(&mut matrix, next, *id);
            format.decode(row, &mut matrix[*id as usize * width..][..width]);
            next = id + 1;
        }
        Ok(())
    })?;
    begin(&mut matrix, next, rows);
    Ok(matrix)
}

/// Refuses rows that a table does not have; ids rise.
fn within(part: &Part<'_>, rows: u64, place: &Path) -> Result<()> {
    match part.ids.last() {
        Some(last) if *last >= rows => {
            Err(Error::damaged(place, format!("id {last} of {rows} rows")))
        }
        _ => Ok(()),
    }
}
