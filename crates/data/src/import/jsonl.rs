//! JSON objects, one a line, with a column map. A key that appears twice is a bad row: a
//! parser that lets the last one win would hide it.

use std::borrow::Cow;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::source::{self, Line, Lines};
use super::table::{Cell, Table};
use super::{ColumnMap, RowSink};
use crate::{ClockKind, Error, Files, Progress, Result};

/// Lines looked at to learn which fields there are.
const LINES_FOR_NAMES: u64 = 100;

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

/// Reads the objects.
pub(super) fn read(
    files: &Arc<dyn Files>,
    path: &Path,
    map: Option<&ColumnMap>,
    sink: &mut dyn RowSink,
    progress: &Progress<'_>,
) -> Result<()> {
    sink.begin_file(&source::file_name(path));
    let mut lines = Lines::open(files, path)?;
    let table = match map {
        Some(map) => Table::new(map),
        None => Table::new(&ColumnMap::guess(&names(files, path)?, &path.display().to_string())?),
    };
    let mut rows = 0u64;
    loop {
        lines.step(progress)?;
        let number = lines.number() + 1;
        let line = match lines.next()? {
            None if rows == 0 => return Err(Error::input(path.display(), "the file is empty")),
            None => return Ok(()),
            Some(Line::TooLong) => {
                rows += 1;
                sink.reject(number, "the line is over 1 MiB long")?;
                continue;
            }
            Some(Line::Bytes(line)) if line.trim_ascii().is_empty() => continue,
            Some(Line::Bytes(line)) => line,
        };
        rows += 1;
        let Object(fields) = match std::str::from_utf8(line) {
            Err(_) => {
                sink.reject(number, "the line is not UTF-8")?;
                continue;
            }
            Ok(line) => match serde_json::from_str::<Object<'_>>(line) {
                Ok(object) => object,
                Err(error) => {
                    sink.reject(number, &error.to_string())?;
                    continue;
                }
            },
        };
        let cells: Vec<Cell<'_>> = table
            .wanted()
            .iter()
            .map(|name| {
                let found = fields.iter().find(|(field, _)| field == name);
                found.map_or(Cell::Missing, |(_, cell)| cell.clone())
            })
            .collect();
        table.emit(number, &cells, sink)?;
    }
}

/// Names of the fields of the first objects: not every object has every field.
fn names(files: &Arc<dyn Files>, path: &Path) -> Result<Vec<String>> {
    let mut lines = Lines::open(files, path)?;
    let mut names: Vec<String> = Vec::new();
    while lines.number() < LINES_FOR_NAMES {
        match lines.next()? {
            None => break,
            Some(Line::TooLong) => {}
            Some(Line::Bytes(line)) => {
                if let Ok(Object(fields)) = serde_json::from_slice::<Object<'_>>(line) {
                    let new = fields.into_iter().map(|(name, _)| name.into_owned());
                    let new: Vec<String> = new.filter(|name| !names.contains(name)).collect();
                    names.extend(new);
                }
            }
        }
    }
    Ok(names)
}

/// An object with its fields in order.
struct Object<'a>(Vec<(Cow<'a, str>, Cell<'a>)>);

impl<'de> Deserialize<'de> for Object<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ObjectVisitor)
    }
}

struct ObjectVisitor;

impl<'de> Visitor<'de> for ObjectVisitor {
    type Value = Object<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object<'de>, A::Error> {
        let mut fields: Vec<(Cow<'de, str>, Cell<'de>)> = Vec::new();
        while let Some(name) = map.next_key::<Cow<'de, str>>()? {
            if fields.iter().any(|(known, _)| *known == name) {
                return Err(serde::de::Error::custom(format!("key {name:?} appears twice")));
            }
            let JsonCell(cell) = map.next_value()?;
            fields.push((name, cell));
        }
        Ok(Object(fields))
    }
}

struct JsonCell<'a>(Cell<'a>);

impl<'de> Deserialize<'de> for JsonCell<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(CellVisitor).map(JsonCell)
    }
}

struct CellVisitor;

impl<'de> Visitor<'de> for CellVisitor {
    type Value = Cell<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Cell<'de>, E> {
        Ok(Cell::Missing)
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Cell<'de>, E> {
        Ok(Cell::Bool(flag))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Cell<'de>, E> {
        Ok(Cell::Integer(number))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Cell<'de>, E> {
        Ok(Cell::Natural(number))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Cell<'de>, E> {
        Ok(Cell::Float(number))
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Cell<'de>, E> {
        // An empty string is an empty id, not a missing one.
        Ok(Cell::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Cell<'de>, E> {
        Ok(Cell::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Cell<'de>, A::Error> {
        let mut names = Vec::new();
        let mut only_text = true;
        while let Some(JsonCell(cell)) = list.next_element()? {
            match cell {
                Cell::Text(text) => names.push(text.into_owned()),
                Cell::Natural(number) => names.push(number.to_string()),
                _ => only_text = false,
            }
        }
        Ok(if only_text { Cell::List(names) } else { Cell::Other("a list of values") })
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Cell<'de>, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Cell::Other("an object"))
    }
}
