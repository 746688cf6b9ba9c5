//! JSON objects, one a line, with a column map. A key that appears twice is a bad row: a
//! parser that lets the last one win would hide it.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};

use super::fields::shown;
use super::source::{self, LINE_BYTES_MAX, Lines, each_line};
use super::table::{Cell, Table};
use super::{ColumnMap, RowSink};
use crate::{Error, Files, Progress, Result};

/// Lines looked at to learn which fields there are.
const LINES_FOR_NAMES: usize = 100;
/// Fields of one object that are looked at for that.
const FIELDS_NAMED: usize = 256;
/// Fields of one object up to which a search beats a hash.
const FIELDS_FEW: usize = 32;

/// Reads the objects.
pub(super) fn read(
    files: &Arc<dyn Files>,
    path: &Path,
    map: Option<&ColumnMap>,
    sink: &mut dyn RowSink,
    progress: &Progress<'_>,
) -> Result<()> {
    sink.begin_file(&source::file_name(path));
    let table = match map {
        Some(map) => Table::new(map),
        None => {
            Table::new(&ColumnMap::guess(&names(files, path)?, &path.display().to_string())?)
        }
    };
    let mut lines = Lines::open(files, path, progress)?;
    each_line(&mut lines, sink, |line, number, sink| {
        let Ok(line) = std::str::from_utf8(line) else {
            return sink.reject(number, "the line is not UTF-8");
        };
        let Object(mut fields) = match serde_json::from_str::<Object<'_>>(line) {
            Ok(object) => object,
            Err(error) => return sink.reject(number, &error.to_string()),
        };
        let taken = table.wanted().iter().map(|name| {
            let found = fields.iter_mut().find(|(field, _)| field == name);
            found.map_or(Cell::Missing, |(_, cell)| std::mem::replace(cell, Cell::Missing))
        });
        let cells: Vec<Cell<'_>> = taken.collect();
        table.emit(number, &cells, sink)
    })
}

/// Names of the fields of the first objects: not every object has every field.
fn names(files: &Arc<dyn Files>, path: &Path) -> Result<Vec<String>> {
    let head = source::head(files, path, LINE_BYTES_MAX as u64)?;
    if head.trim_ascii().is_empty() {
        return Err(Error::input(path.display(), "the file is empty"));
    }
    let mut names: Vec<String> = Vec::new();
    for line in head.split(|byte| *byte == b'\n').take(LINES_FOR_NAMES) {
        // A broken line, and the last one where the head ends within it, names nothing.
        if let Ok(Object(fields)) = serde_json::from_slice::<Object<'_>>(line) {
            for (name, _) in fields.into_iter().take(FIELDS_NAMED) {
                if !names.iter().any(|known| *known == name) {
                    names.push(name.into_owned());
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
        // Only asked, never walked, so its order shows nowhere.
        let mut known: HashSet<Cow<'de, str>> = HashSet::new();
        while let Some(Key(name)) = map.next_key()? {
            if fields.len() == FIELDS_FEW {
                known.extend(fields.iter().map(|(name, _)| name.clone()));
            }
            let twice = if fields.len() < FIELDS_FEW {
                fields.iter().any(|(known, _)| *known == name)
            } else {
                !known.insert(name.clone())
            };
            if twice {
                let name = shown(&name);
                return Err(serde::de::Error::custom(format!("key {name:?} appears twice")));
            }
            let JsonCell(cell) = map.next_value()?;
            fields.push((name, cell));
        }
        Ok(Object(fields))
    }
}

/// The name of a field, copied only where it holds an escape.
#[derive(Deserialize)]
#[serde(transparent)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

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
                Cell::Integer(number) => names.push(number.to_string()),
                _ => only_text = false,
            }
        }
        Ok(if only_text { Cell::List(names) } else { Cell::Other("a list of values") })
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Cell<'de>, A::Error> {
        // No column holds an object, but a key that appears twice in one is a bad row too.
        ObjectVisitor.visit_map(map)?;
        Ok(Cell::Other("an object"))
    }
}
