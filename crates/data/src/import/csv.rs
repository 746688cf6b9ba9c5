//! CSV with a column map.

use std::path::Path;
use std::sync::Arc;

use super::fields::text;
use super::records::{Cut, Fields, Records};
use super::source::{self, Lines};
use super::table::{Cell, Table};
use super::{ColumnMap, RowSink};
use crate::{Files, Progress, Result};

/// Cells that fit on the stack: most maps want a handful of columns.
const CELLS: usize = 12;

/// Reads the table.
pub(super) fn read(
    files: &Arc<dyn Files>,
    path: &Path,
    map: Option<&ColumnMap>,
    sink: &mut dyn RowSink,
    progress: &Progress<'_>,
) -> Result<()> {
    sink.begin_file(&source::file_name(path));
    let delimiter = map.map_or(b',', |map| map.csv.delimiter as u8);
    let lines = Lines::open(files, path, progress)?;
    let mut records = Records::new(lines, Cut { delimiter, quotes: true });
    let columns = match map {
        Some(map) if !map.csv.header => map.csv.columns.clone(),
        _ => records.header(path)?,
    };
    let place = path.display().to_string();
    let guessed;
    let map = match map {
        Some(map) => map,
        None => {
            guessed = ColumnMap::guess(&columns, &place)?;
            &guessed
        }
    };
    let table = Table::new(map);
    let places = table.places(&columns, &place)?;
    records.each(columns.len(), sink, |fields, number, sink| {
        row(&table, fields, &places, number, sink)
    })
}

#[inline]
fn row(
    table: &Table,
    fields: Fields<'_>,
    places: &[usize],
    number: u64,
    sink: &mut dyn RowSink,
) -> Result<()> {
    let mut few = [const { Cell::Missing }; CELLS];
    let mut many = Vec::new();
    let cells = match few.get_mut(..places.len()) {
        Some(cells) => cells,
        None => {
            many.resize(places.len(), Cell::Missing);
            many.as_mut_slice()
        }
    };
    for ((cell, place), name) in cells.iter_mut().zip(places).zip(table.wanted()) {
        match text(name, fields.at(*place)) {
            Ok(text) => *cell = Cell::text(text),
            Err(reason) => return sink.reject(number, &reason),
        }
    }
    table.emit(number, cells, sink)
}
