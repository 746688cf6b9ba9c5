//! One table with all that its optimiser remembers, as a file of somebody else's sealed folder: what a
//! checkpoint of a training needs.

use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use data::Files;

use super::rows_file::{self, Widths};
use super::{Error, Format, Result};
use crate::{Table, TableConfig};

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
