//! Sequence files: one user a line, the user and then its items, oldest first. The order is
//! all they know, so the clock is order-only and an event's time is its place.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Deserialize;

use super::fields::text;
use super::source::{self, Lines, bare_name, each_line, find};
use super::{ColumnMap, Row, RowSink};
use crate::{ClockKind, Error, Files, Item, Progress, Result};

const KIND: &str = "interaction";

fn found(files: &Arc<dyn Files>, path: &Path) -> Result<(PathBuf, Option<PathBuf>)> {
    if !source::is_folder(files, path) {
        let folder = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        let items = find(files, folder.unwrap_or(Path::new(".")), &["items.jsonl"])?;
        return Ok((path.to_path_buf(), items));
    }
    let entries = files.list(path).map_err(Error::io(path))?;
    let sequences = entries.into_iter().find(|entry| {
        let name = bare_name(entry);
        name.starts_with("sequences") && name.ends_with(".txt")
    });
    let sequences = sequences.ok_or_else(|| {
        Error::input(path.display(), "no sequences*.txt in this folder (also .gz and .zst)")
    })?;
    Ok((sequences, find(files, path, &["items.jsonl"])?))
}

/// Every file that [`read`] reads.
pub(super) fn sources(files: &Arc<dyn Files>, path: &Path) -> Result<Vec<PathBuf>> {
    let (sequences, items) = found(files, path)?;
    Ok([Some(sequences), items].into_iter().flatten().collect())
}

/// Always order-only.
pub(super) fn clock(
    _files: &Arc<dyn Files>,
    _path: &Path,
    _map: Option<&ColumnMap>,
) -> Result<ClockKind> {
    Ok(ClockKind::OrderOnly)
}

/// Reads the sequences, then the items.
pub(super) fn read(
    files: &Arc<dyn Files>,
    path: &Path,
    _map: Option<&ColumnMap>,
    sink: &mut dyn RowSink,
    progress: &Progress<'_>,
) -> Result<()> {
    let (sequences, items) = found(files, path)?;
    sink.begin_file(&source::file_name(&sequences));
    let mut lines = Lines::open(files, &sequences, progress)?;
    each_line(&mut lines, sink, |line, number, sink| match text("the line", line) {
        Ok(line) => sequence(number, line, sink),
        Err(reason) => sink.reject(number, &reason),
    })?;
    items.map_or(Ok(()), |items| read_items(files, &items, sink, progress))
}

fn sequence(number: u64, line: &str, sink: &mut dyn RowSink) -> Result<()> {
    let mut fields = line.split_ascii_whitespace();
    let user = fields.next();
    let mut place = 0;
    for item in fields {
        let row = Row { time_ms: place, kind: KIND, user, item: Some(item), ..Row::default() };
        sink.event(number, &row)?;
        place += 1;
    }
    if place == 0 {
        sink.reject(number, "a user without an item")?;
    }
    Ok(())
}

/// One line of `items.jsonl`.
#[derive(Deserialize)]
struct ItemLine {
    item_id: ItemId,
    asin: Option<String>,
    title: Option<String>,
    keywords: Option<String>,
    /// Brand, then categories.
    #[serde(default)]
    attributes: Vec<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum ItemId {
    Number(u64),
    Text(String),
}

fn read_items(
    files: &Arc<dyn Files>,
    path: &Path,
    sink: &mut dyn RowSink,
    progress: &Progress<'_>,
) -> Result<()> {
    sink.begin_file(&source::file_name(path));
    let mut lines = Lines::open(files, path, progress)?;
    each_line(&mut lines, sink, |line, number, sink| {
        match serde_json::from_slice::<ItemLine>(line) {
            Ok(line) => sink.item(number, item(line)),
            Err(error) => sink.reject(number, &error.to_string()),
        }
    })
}

fn item(line: ItemLine) -> Item {
    let mut item = match line.item_id {
        ItemId::Number(id) => Item::bare(&id.to_string()),
        ItemId::Text(id) => Item::bare(&id),
    };
    let filled = |text: Option<String>| text.filter(|text| !text.trim().is_empty());
    item.text = filled(line.keywords);
    item.title = filled(line.title).or_else(|| item.text.clone());
    item.attributes.extend(filled(line.asin).map(|asin| ("asin".to_owned(), asin)));
    let mut attributes = line.attributes.into_iter();
    item.creator = filled(attributes.next());
    item.categories = attributes.filter(|name| !name.trim().is_empty()).collect();
    item
}
