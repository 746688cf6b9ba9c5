//! A data set: a file of the data folder, read whole by way of a log.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result};
use data::import::{ColumnMap, Format, ImportSpec, import};
use data::{Change, ClockKind, Feedback, Files, Log, Sequences};
use serde::Deserialize;

use crate::hint;
use crate::terminal::with_progress;

/// `[data]`: a file of the data folder.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DataSet {
    pub(crate) title: String,
    /// Below the data folder.
    pub(crate) path: PathBuf,
    /// As `tastemaker import` calls it.
    pub(crate) format: String,
    /// Columns, where the format has some.
    #[serde(default)]
    pub(crate) map: Option<ColumnMap>,
}

impl DataSet {
    pub(crate) fn format(&self) -> Result<Format> {
        let found = Format::ALL.into_iter().find(|format| format.name() == self.format);
        found.ok_or_else(|| {
            hint::error(
                format!("no format is called {:?}", self.format),
                "`tastemaker help import` names the formats",
            )
        })
    }
}

/// A data set, read.
#[derive(Debug, Clone)]
pub(crate) struct Loaded {
    pub(crate) sequences: Sequences,
    pub(crate) clock: ClockKind,
}

/// Where data sets lie: as named, or as `bench` looks for them.
#[allow(clippy::disallowed_methods, reason = "the binary reads its environment")]
pub(crate) fn data_folder(named: Option<&Path>) -> PathBuf {
    let variable = || std::env::var("TASTEMAKER_DATA").ok().filter(|name| !name.is_empty());
    let named = named.map(Path::to_path_buf).or_else(|| variable().map(PathBuf::from));
    named.unwrap_or_else(|| PathBuf::from("../shared/data"))
}

/// Refuses, with exit status 3, a data set that is not in the folder `dir`. `more` ends the hint.
pub(crate) fn must_exist(dir: &Path, set: &DataSet, more: &str) -> Result<()> {
    let path = dir.join(&set.path);
    if path.exists() {
        return Ok(());
    }
    Err(hint::missing(
        format!("{} ({}) is not there", path.display(), set.title),
        format!(
            "put it there, or say with --data DIR or TASTEMAKER_DATA=DIR where it lies; {more}"
        ),
    ))
}

/// Reads a data set by way of a log in `scratch`, which is removed again. `feedback` says which
/// events count.
pub(crate) fn load(
    files: &Arc<dyn Files>,
    dir: &Path,
    set: &DataSet,
    feedback: &Feedback,
    scratch: &Path,
) -> Result<Loaded> {
    let clear = || -> Result<()> {
        if !files.list(scratch)?.is_empty() {
            files.change(Change::Remove(scratch))?;
        }
        Ok(())
    };
    clear().with_context(|| scratch.display().to_string())?;
    let spec = ImportSpec {
        format: set.format()?,
        path: dir.join(&set.path),
        map: set.map.clone(),
        max_rejects: 0.0,
        chunk_rows: None,
    };
    let loaded = with_progress(&set.title, |progress| -> Result<Loaded> {
        import(files, scratch, &spec, 0, progress)?;
        let log = Log::open(files.clone(), scratch)?;
        // A catalogue beside the events may know items that nobody took: papers count those
        // with events, so the log's other items are left out.
        let all = log.sequences(feedback, progress)?;
        Ok(Loaded { sequences: only_taken(&all)?, clock: log.manifest().clock })
    });
    clear().with_context(|| scratch.display().to_string())?;
    loaded.with_context(|| format!("reading {}", spec.path.display()))
}

/// Reads the log in `dir`. `feedback` says which events count.
pub(crate) fn load_log(
    files: &Arc<dyn Files>,
    dir: &Path,
    feedback: &Feedback,
) -> Result<Loaded> {
    let log = Log::open(files.clone(), dir)?;
    let all = with_progress("read", |progress| log.sequences(feedback, progress))?;
    if all.events() == 0 {
        return Err(hint::error(
            format!("{}: no positive event to learn from", dir.display()),
            "`[feedback]` of the settings says which kinds and values are positive",
        ));
    }
    Ok(Loaded { sequences: only_taken(&all)?, clock: log.manifest().clock })
}

/// The same histories over a catalogue of the items in them, in their order.
pub(crate) fn only_taken(all: &Sequences) -> Result<Sequences> {
    let mut place = 0;
    let places: Vec<u32> = all
        .popularity()
        .iter()
        .map(|count| {
            let own = place;
            place += u32::from(*count > 0);
            own
        })
        .collect();
    let items = all.items().iter().map(|item| places[*item as usize]).collect();
    let (offsets, times_ms) = (all.offsets().to_vec(), all.times_ms().to_vec());
    Ok(Sequences::new(offsets, items, times_ms, all.values().to_vec(), place)?)
}

/// Of all parts, in a few digits.
pub(crate) fn fingerprint(parts: &[&Sequences]) -> String {
    let mut hash = blake3::Hasher::new();
    for part in parts {
        hash.update(&part.item_count().to_le_bytes());
        part.offsets().iter().for_each(|at| {
            hash.update(&(*at as u64).to_le_bytes());
        });
        part.items().iter().for_each(|item| {
            hash.update(&item.to_le_bytes());
        });
        part.times_ms().iter().for_each(|time| {
            hash.update(&time.to_le_bytes());
        });
    }
    hash.finalize().to_hex()[..16].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_that_nobody_took_are_no_part_of_the_catalogue() {
        let events = [(0, 5, 1, 1.0), (1, 2, 2, 1.0), (0, 2, 3, 1.0), (1, 9, 4, 1.0)];
        let all = Sequences::from_events(2, 12, &events).unwrap();
        let taken = only_taken(&all).unwrap();
        assert_eq!(taken.item_count(), 3);
        assert_eq!(taken.items(), [1, 0, 0, 2]);
    }
}
