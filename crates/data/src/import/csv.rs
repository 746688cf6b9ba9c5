//! CSV with a column map. Lines without a quote are cut by hand; one with a quote, and what
//! follows it while the quote is open, goes to the `csv` crate.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::fields::{cut, text};
use super::source::{self, LINE_BYTES_MAX, Line, Lines};
use super::table::{Cell, Table};
use super::{ColumnMap, RowSink};
use crate::{ClockKind, Error, Files, Progress, Result};

/// Every file that [`read`] reads.
pub(super) fn sources(_files: &Arc<dyn Files>, path: &Path) -> Result<Vec<PathBuf>> {
    Ok(vec![path.to_path_buf()])
}

/// The clock that the map states; real without one.
pub(super) fn clock(
    _files: &Arc<dyn Files>,
    _path: &Path,
    map: Option<&ColumnMap>,
) -> Result<ClockKind> {
    Ok(map.map_or(ClockKind::Real, |map| map.clock))
}

/// Reads the table.
pub(super) fn read(
    files: &Arc<dyn Files>,
    path: &Path,
    map: Option<&ColumnMap>,
    sink: &mut dyn RowSink,
    progress: &Progress<'_>,
) -> Result<()> {
    let name = source::file_name(path);
    sink.begin_file(&name);
    let mut lines = Lines::open(files, path)?;
    let delimiter = map.map_or(b',', |map| map.csv.delimiter as u8);
    let columns = match map {
        Some(map) if !map.csv.header => map.csv.columns.clone(),
        _ => header(&mut lines, delimiter, path)?,
    };
    let map = match map {
        Some(map) => map.clone(),
        None => ColumnMap::guess(&columns, &path.display().to_string())?,
    };
    let table = Table::new(&map);
    let places = table.places(&columns, &path.display().to_string())?;
    let mut quoted: Vec<u8> = Vec::new();
    loop {
        lines.step(progress)?;
        let number = lines.number() + 1;
        let line = match lines.next()? {
            None => return Ok(()),
            Some(Line::TooLong) => {
                sink.reject(number, "the line is over 1 MiB long")?;
                continue;
            }
            Some(Line::Bytes([])) => continue,
            Some(Line::Bytes(line)) => line,
        };
        // The usual case: nothing is copied and nothing allocated but the list of cells.
        let mut fields: Vec<&[u8]> = Vec::with_capacity(columns.len());
        if cut(line, delimiter, &mut fields).is_some() {
            row(&table, &fields, &places, columns.len(), number, sink)?;
            continue;
        }
        quoted.clear();
        quoted.extend_from_slice(line);
        let whole = close_quotes(&mut lines, &mut quoted)?;
        if !whole {
            sink.reject(number, "a quote is not closed")?;
            continue;
        }
        match quoted_fields(&quoted, delimiter) {
            Ok(fields) => {
                let fields: Vec<&[u8]> = fields.iter().collect();
                row(&table, &fields, &places, columns.len(), number, sink)?;
            }
            Err(reason) => sink.reject(number, &reason)?,
        }
    }
}

fn header(lines: &mut Lines, delimiter: u8, path: &Path) -> Result<Vec<String>> {
    let bad = |what: &str| Err(Error::input(path.display(), what));
    match lines.next()? {
        None => bad("the file is empty; it should begin with the names of its columns"),
        Some(Line::TooLong) => bad("the first line is over 1 MiB long; is this a CSV?"),
        Some(Line::Bytes(line)) => {
            let fields = quoted_fields(line, delimiter)
                .map_err(|reason| Error::input(path.display(), reason))?;
            let names = fields.iter().map(|name| text("a column name", name));
            let names: Vec<String> = names
                .map(|name| name.map(|name| name.trim().to_owned()))
                .collect::<Result<_, String>>()
                .map_err(|reason| Error::input(path.display(), reason))?;
            Ok(names)
        }
    }
}

/// Appends lines while a quote is open. False where the file ends, or the record grows too
/// long, before it is closed.
fn close_quotes(lines: &mut Lines, record: &mut Vec<u8>) -> Result<bool> {
    let open = |bytes: &[u8]| memchr::memchr_iter(b'"', bytes).count() % 2 == 1;
    let mut is_open = open(record);
    while is_open {
        match lines.next()? {
            Some(Line::Bytes(more)) if record.len() + more.len() < LINE_BYTES_MAX => {
                is_open ^= open(more);
                record.push(b'\n');
                record.extend_from_slice(more);
            }
            _ => return Ok(false),
        }
    }
    Ok(true)
}

fn quoted_fields(record: &[u8], delimiter: u8) -> Result<::csv::ByteRecord, String> {
    let mut reader = ::csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(delimiter)
        .from_reader(record);
    let mut fields = ::csv::ByteRecord::new();
    reader.read_byte_record(&mut fields).map_err(|error| error.to_string())?;
    Ok(fields)
}

fn row(
    table: &Table,
    fields: &[&[u8]],
    places: &[usize],
    columns: usize,
    number: u64,
    sink: &mut dyn RowSink,
) -> Result<()> {
    if fields.len() != columns {
        let reason = format!("{} columns, the header has {columns}", fields.len());
        return sink.reject(number, &reason);
    }
    // Most maps want a handful of columns: keep their cells on the stack.
    let mut cells: [Cell<'_>; 12] = [const { Cell::Missing }; 12];
    if places.len() > cells.len() {
        let cell = |(place, name): (&usize, &String)| text(name, fields[*place]).map(Cell::text);
        let cells: Result<Vec<Cell<'_>>, String> =
            places.iter().zip(table.wanted()).map(cell).collect();
        return match cells {
            Ok(cells) => table.emit(number, &cells, sink),
            Err(reason) => sink.reject(number, &reason),
        };
    }
    for ((cell, place), name) in cells.iter_mut().zip(places).zip(table.wanted()) {
        match text(name, fields[*place]) {
            Ok(text) => *cell = Cell::text(text),
            Err(reason) => return sink.reject(number, &reason),
        }
    }
    table.emit(number, &cells[..places.len()], sink)
}
