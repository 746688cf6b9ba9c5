//! The Open Bandit Dataset (Saito et al., arXiv 2008.07146): a folder of one policy and campaign,
//! `random/men/men.csv` with `item_context.csv` beside it.
//!
//! Every row becomes a slate of one place, with the chance that the policy gave it, and a click
//! event where there was one. Nobody is named: a row's features of its user are its context. The
//! candidates are all items of `item_context.csv`.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::{Map, Value};

use super::fields::{self, number, text};
use super::instant;
use super::records::{Cut, Fields, Records};
use super::source::{self, Lines, bare_name, find};
use super::{ColumnMap, PlaceRow, Row, RowSink, column_map::TimeUnit};
use crate::{ClockKind, Error, Files, Item, Progress, Result};

const ITEMS: &str = "item_context.csv";
const KIND: &str = "click";
const CUT: Cut = Cut { delimiter: b',', quotes: true };

/// Files of one policy and campaign.
struct Found {
    rows: PathBuf,
    items: PathBuf,
    policy: String,
    campaign: String,
}

fn found(files: &Arc<dyn Files>, path: &Path) -> Result<Found> {
    let is_folder = source::is_folder(files, path);
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let folder = if is_folder { path } else { parent.unwrap_or(Path::new(".")) };
    let is_rows =
        |path: &PathBuf| bare_name(path).ends_with(".csv") && bare_name(path) != ITEMS;
    let rows = if is_folder {
        files.list(path).map_err(Error::io(path))?.into_iter().find(is_rows)
    } else {
        Some(path.to_path_buf())
    };
    let missing = |what: &str| {
        Error::input(
            folder.display(),
            format!(
                "no {what} (also .gz and .zst): name the folder of one policy and campaign of the \
                 Open Bandit Dataset, such as random/men"
            ),
        )
    };
    let name = |path: Option<&Path>| {
        path.and_then(Path::file_name).map(|name| name.to_string_lossy().into_owned())
    };
    let rows = rows.ok_or_else(|| missing("CAMPAIGN.csv"))?;
    let campaign = bare_name(&rows).trim_end_matches(".csv").to_owned();
    Ok(Found {
        items: find(files, folder, &[ITEMS])?.ok_or_else(|| missing(ITEMS))?,
        policy: name(folder.parent()).unwrap_or_else(|| "logged".into()),
        campaign,
        rows,
    })
}

/// Every file that [`read`] reads.
pub(super) fn sources(files: &Arc<dyn Files>, path: &Path) -> Result<Vec<PathBuf>> {
    let Found { rows, items, .. } = found(files, path)?;
    Ok(vec![items, rows])
}

/// Always real.
pub(super) fn clock(
    _files: &Arc<dyn Files>,
    _path: &Path,
    _map: Option<&ColumnMap>,
) -> Result<ClockKind> {
    Ok(ClockKind::Real)
}

/// Reads the items, then the rows.
pub(super) fn read(
    files: &Arc<dyn Files>,
    path: &Path,
    _map: Option<&ColumnMap>,
    sink: &mut dyn RowSink,
    progress: &Progress<'_>,
) -> Result<()> {
    let found = found(files, path)?;
    let candidates = read_items(files, &found.items, sink, progress)?;
    read_rows(files, &found, &candidates, sink, progress)
}

/// The items' ids, in the order of the file.
fn read_items(
    files: &Arc<dyn Files>,
    path: &Path,
    sink: &mut dyn RowSink,
    progress: &Progress<'_>,
) -> Result<Vec<String>> {
    sink.begin_file(&source::file_name(path));
    let mut records = Records::new(Lines::open(files, path, progress)?, CUT);
    let names = records.header(path)?;
    let id = column(&names, "item_id", path)?;
    let mut ids = Vec::new();
    records.each(names.len(), sink, |fields, line, sink| {
        let read = || {
            let mut item = Item::bare(text("item_id", fields.at(id))?.trim());
            for (at, name) in names.iter().enumerate() {
                if at != id && !name.is_empty() {
                    item.attributes.insert(name.clone(), text(name, fields.at(at))?.to_owned());
                }
            }
            Ok(item)
        };
        match read() {
            Ok(item) => {
                ids.push(item.id.clone());
                sink.item(line, item)
            }
            Err(reason) => {
                let reason: String = reason;
                sink.reject(line, &reason)
            }
        }
    })?;
    Ok(ids)
}

/// Where the fields of a row lie.
struct Columns {
    time: usize,
    item: usize,
    position: usize,
    click: usize,
    propensity: usize,
    /// Features of the user, by name.
    user: Vec<(usize, String)>,
    /// Affinity of the user to each item, by the item.
    affinity: Vec<(usize, String)>,
}

impl Columns {
    fn of(names: &[String], path: &Path) -> Result<Columns> {
        let begin_with = |start: &str| {
            let named = names.iter().enumerate();
            named
                .filter_map(|(at, name)| Some((at, name.strip_prefix(start)?.to_owned())))
                .collect::<Vec<_>>()
        };
        Ok(Columns {
            time: column(names, "timestamp", path)?,
            item: column(names, "item_id", path)?,
            position: column(names, "position", path)?,
            click: column(names, "click", path)?,
            // The data set's description says `action_prob`, its files `propensity_score`.
            propensity: column(names, "propensity_score", path)
                .or_else(|_| column(names, "action_prob", path))?,
            user: begin_with("user_feature_"),
            affinity: begin_with("user-item_affinity_"),
        })
    }
}

fn column(names: &[String], wanted: &str, path: &Path) -> Result<usize> {
    names.iter().position(|name| name == wanted).ok_or_else(|| {
        let what = format!("no column {wanted:?}; is it a file of the Open Bandit Dataset?");
        Error::input(path.display(), what)
    })
}

fn read_rows(
    files: &Arc<dyn Files>,
    found: &Found,
    candidates: &[String],
    sink: &mut dyn RowSink,
    progress: &Progress<'_>,
) -> Result<()> {
    sink.begin_file(&source::file_name(&found.rows));
    let mut records = Records::new(Lines::open(files, &found.rows, progress)?, CUT);
    let names = records.header(&found.rows)?;
    let columns = Columns::of(&names, &found.rows)?;
    records.each(names.len(), sink, |fields, line, sink| {
        let request = format!("{}-{}-{line}", found.policy, found.campaign);
        let (shown, context) = match shown(fields, &columns) {
            Ok(shown) => shown,
            Err(reason) => return sink.reject(line, &reason),
        };
        let taken = sink.place(
            line,
            &PlaceRow {
                request: &request,
                time_ms: shown.time_ms,
                surface: &found.campaign,
                context: &context,
                policy: &found.policy,
                candidates,
                item: shown.item,
                position: shown.position,
                propensity: shown.propensity,
            },
        )?;
        if !taken || !shown.clicked {
            return Ok(());
        }
        let click = Row {
            time_ms: shown.time_ms,
            kind: KIND,
            item: Some(shown.item),
            request: Some(&request),
            ..Row::default()
        };
        sink.event(line, &click)
    })
}

/// A row, read.
struct Seen<'a> {
    time_ms: i64,
    item: &'a str,
    position: u16,
    clicked: bool,
    propensity: f64,
}

fn shown<'a>(fields: Fields<'a>, columns: &Columns) -> Result<(Seen<'a>, String), String> {
    let required = |name: &str, at: usize| {
        number(name, fields.at(at))?.ok_or_else(|| format!("{name} is empty"))
    };
    let position = required("position", columns.position)?;
    if !(position >= 1.0 && position <= f64::from(u16::MAX) && position.fract() == 0.0) {
        return Err(format!("position {position} is no place; they are counted from 1"));
    }
    let clicked = match text("click", fields.at(columns.click))?.trim() {
        "0" | "0.0" => false,
        "1" | "1.0" => true,
        other => return Err(format!("click is {:?}, neither 0 nor 1", fields::shown(other))),
    };
    let time = text("timestamp", fields.at(columns.time))?;
    let mut context = Map::new();
    for (at, name) in &columns.user {
        let feature = text("user_feature", fields.at(*at))?;
        context.insert(format!("user_{name}"), feature.into());
    }
    // Nearly all are 0.
    let mut affinity = Map::new();
    for (at, item) in &columns.affinity {
        match number("user-item_affinity", fields.at(*at))? {
            Some(value) if value != 0.0 => affinity.insert(item.clone(), value.into()),
            _ => None,
        };
    }
    if !affinity.is_empty() {
        context.insert("affinity".into(), Value::Object(affinity));
    }
    let seen = Seen {
        time_ms: instant::from_text("timestamp", time, TimeUnit::Auto, ClockKind::Real)?,
        item: text("item_id", fields.at(columns.item))?.trim(),
        position: position as u16 - 1,
        clicked,
        propensity: required("propensity_score", columns.propensity)?,
    };
    Ok((seen, Value::Object(context).to_string()))
}
