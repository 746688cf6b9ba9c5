//! The one writer of a log: lock, clean up, ingest, commit.

use std::path::Path;
use std::sync::Arc;

use super::ingest::{Ingest, Origin};
use super::manifest::LogManifest;
use super::{Catalogue, IMPORTS, ImportEntry, Log};
use crate::import::{Row, RowSink};
use crate::sealed::{self, MANIFEST};
use crate::{Change, ClockKind, Error, Files, Item, Lock, NewEvent, Result, Slate, User};

const LOCK: &str = "writer.lock";

/// Holds the writer lock of a log from [`Writer::open`] until it is dropped.
pub struct Writer {
    pub(super) log: Log,
    pub(super) catalogue: Catalogue,
    /// Nothing was ever committed here: leave no trace of a failed first import.
    fresh: bool,
    lock: Option<Lock>,
}

/// What an append did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Appended {
    /// Events added.
    pub events: u64,
    /// Events that the log already had.
    pub duplicates: u64,
    /// Slates added.
    pub slates: u64,
    /// Records that did not pass the checks.
    pub rejects: u64,
}

impl Writer {
    /// Takes the lock of the log in `dir` and removes what a killed writer left. Where there is
    /// no log it makes one, unless the folder holds something else.
    ///
    /// # Errors
    /// [`Error::Busy`] where another process writes.
    pub fn open(files: Arc<dyn Files>, dir: &Path) -> Result<Writer> {
        let entries = files.list(dir).map_err(Error::io(dir))?;
        let ours = |path: &std::path::PathBuf| {
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
            matches!(
                name.as_deref(),
                Some(
                    LOCK | IMPORTS
                        | MANIFEST
                        | super::MODELS_DIR
                        | super::REPORTS_DIR
                        | super::PLAYS_DIR
                )
            ) || name.is_some_and(|name| name.starts_with('.'))
        };
        let is_log = entries.contains(&dir.join(MANIFEST));
        if !is_log && !entries.iter().all(ours) {
            return Err(Error::Refused(format!(
                "{}: the folder is not empty and holds no log; name an empty or a new one",
                dir.display()
            )));
        }
        files.change(Change::MakeDir(dir)).map_err(Error::io(dir))?;
        let path = dir.join(LOCK);
        let lock = files.lock(&path).map_err(Error::io(&path))?;
        let lock = lock.ok_or(Error::Busy { path })?;
        let log = match Log::open(files.clone(), dir) {
            Ok(log) => log,
            Err(Error::NoLog { .. }) => {
                let manifest = LogManifest::empty(ClockKind::Real);
                Log { files, dir: dir.to_path_buf(), manifest, checksum: String::new() }
            }
            Err(error) => return Err(error),
        };
        let fresh = log.checksum.is_empty();
        let catalogue = super::catalogue::read(&log)?;
        let writer = Writer { log, catalogue, fresh, lock: Some(lock) };
        writer.remove_leftovers()?;
        Ok(writer)
    }

    /// The log as of the last commit.
    pub fn log(&self) -> &Log {
        &self.log
    }

    /// Seals events, slates and catalogue rows that arrived live as one import. Records that do
    /// not pass the checks are counted and kept in its `rejects.jsonl`.
    pub fn append(
        mut self,
        events: &[NewEvent],
        slates: &[Slate],
        items: &[Item],
        users: &[User],
        received_ms: i64,
    ) -> Result<Appended> {
        // Live events have real times. A log whose clock counts positions refuses events, but
        // still keeps what it showed.
        let clock = if events.is_empty() { self.log.manifest.clock } else { ClockKind::Real };
        let origin = Origin { source: "live".into(), files: Vec::new(), clock, received_ms };
        let mut ingest = Ingest::begin(&mut self, origin, None)?;
        for (line, event) in (1u64..).zip(events) {
            ingest.event(
                line,
                &Row {
                    id: event.id.as_deref(),
                    time_ms: event.time_ms,
                    kind: &event.kind,
                    user: event.user.as_deref(),
                    item: event.item.as_deref(),
                    value: event.value.map(f64::from),
                    query: event.query.as_deref(),
                    request: event.request.as_deref(),
                },
            )?;
        }
        for (line, item) in (1u64..).zip(items) {
            ingest.item(line, item.clone())?;
        }
        for (line, user) in (1u64..).zip(users) {
            ingest.user(line, user.clone())?;
        }
        let entry = ingest.finish(slates, 1.0, &crate::Progress::silent())?;
        Ok(match entry {
            Ok(entry) => Appended {
                events: entry.events,
                duplicates: entry.duplicates,
                slates: entry.slates,
                rejects: entry.rejects,
            },
            Err(unchanged) => unchanged,
        })
    }

    /// Commits a sealed import: from the rename of the manifest on it is part of the log.
    pub(super) fn commit(&mut self, entry: ImportEntry, kinds: Vec<String>) -> Result<()> {
        let mut manifest = self.log.manifest.clone();
        manifest.clock = if manifest.imports.iter().all(|import| import.events == 0) {
            entry.clock
        } else if entry.events == 0 {
            manifest.clock
        } else {
            worse(manifest.clock, entry.clock)
        };
        manifest.kinds = kinds;
        manifest.users += entry.users_new;
        manifest.items += entry.items_new;
        manifest.events += entry.events;
        manifest.slates += entry.slates;
        manifest.seq_next += entry.events + entry.duplicates;
        manifest.imports.push(entry);
        let place = self.log.dir.join(MANIFEST);
        self.log.checksum = sealed::write_checked(self.log.files.as_ref(), &place, &manifest)?;
        self.log.manifest = manifest;
        self.fresh = false;
        Ok(())
    }

    /// Name of the next import's folder.
    pub(super) fn next_folder(&self) -> String {
        format!("{:06}", self.log.manifest.imports.len() + 1)
    }

    fn remove_leftovers(&self) -> Result<()> {
        let imports = self.log.dir.join(IMPORTS);
        for path in self.log.files.list(&imports).map_err(Error::io(&imports))? {
            let known = self
                .log
                .manifest
                .imports
                .iter()
                .any(|entry| self.log.import_dir(entry) == path);
            if !known {
                self.log.files.change(Change::Remove(&path)).map_err(Error::io(&path))?;
            }
        }
        Ok(())
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        if self.fresh {
            // Best effort: what stays behind is empty, and the next writer takes it over.
            let files = &self.log.files;
            let _ = files.change(Change::Remove(&self.log.dir.join(IMPORTS)));
            let _ = files.change(Change::Remove(&self.log.dir.join(LOCK)));
            if files.list(&self.log.dir).is_ok_and(|left| left.is_empty()) {
                let _ = files.change(Change::Remove(&self.log.dir));
            }
        }
        self.lock.take();
    }
}

fn worse(a: ClockKind, b: ClockKind) -> ClockKind {
    match (a, b) {
        (ClockKind::OrderOnly, _) | (_, ClockKind::OrderOnly) => ClockKind::OrderOnly,
        (ClockKind::Approximate, _) | (_, ClockKind::Approximate) => ClockKind::Approximate,
        _ => ClockKind::Real,
    }
}
