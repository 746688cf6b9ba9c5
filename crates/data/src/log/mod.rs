//! The log: a folder of sealed imports, read as one stream in the order (time, seq).
//!
//! ```text
//! DIR/manifest.json              what is in it; replacing this file commits a write
//! DIR/writer.lock                held by the one writer
//! DIR/imports/000001/            one sealed folder an import:
//!     events-00000.parquet …     segments, each sorted by (time, seq)
//!     user-ids.parquet           ids that it added to the dictionaries, in index order
//!     item-ids.parquet
//!     items.parquet users.parquet    catalogue rows; later imports win
//!     slates.parquet             what was shown
//!     rejects.jsonl              bad rows, with line and reason
//! DIR/models/                    model versions, each a sealed folder (crate `retrieve`)
//! DIR/reports/                   evaluations, each a sealed folder
//! DIR/plays/                     plays of two policies in a world, each a sealed folder
//! ```

mod manifest;
mod segment;
mod columns;
mod reader;
mod catalogue;
mod dedupe;
mod tail;
mod segments;
mod ingest;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use catalogue::Catalogue;
pub(crate) use ingest::{Ingest, Origin};
pub use manifest::{ImportEntry, LogManifest, SourceFile};
pub use reader::Events;
pub use writer::{Appended, Writer};

pub(crate) use segment::{EventColumns, NONE, SEGMENT_ROWS_MAX, SegmentWriter};

use crate::sealed::{self, MANIFEST};
use crate::{Error, Feedback, Files, Progress, Result, Sequences, Slate};

const IMPORTS: &str = "imports";
/// Folder of the model versions, inside that of the log.
pub const MODELS_DIR: &str = "models";
/// Folder of what models have learned since they were published, below a log's own.
pub const DELTAS_DIR: &str = "deltas";
/// Folder of the evaluations, inside that of the log.
pub const REPORTS_DIR: &str = "reports";
/// Folder of the plays of policies in a world, inside that of the log.
pub const PLAYS_DIR: &str = "plays";

/// A log as it was when it was opened: later writes do not show.
#[derive(Clone)]
pub struct Log {
    files: Arc<dyn Files>,
    dir: PathBuf,
    manifest: LogManifest,
    checksum: String,
}

impl std::fmt::Debug for Log {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Log({}, {} events)", self.dir.display(), self.manifest.events)
    }
}

impl Log {
    /// Opens the log in `dir`. Reads the manifest only.
    pub fn open(files: Arc<dyn Files>, dir: &Path) -> Result<Log> {
        let place = dir.join(MANIFEST);
        let (manifest, checksum): (LogManifest, String) =
            sealed::read_checked(files.as_ref(), &place).map_err(|error| match error {
                Error::Io { source, .. } if source.kind() == std::io::ErrorKind::NotFound => {
                    Error::NoLog { path: dir.to_path_buf() }
                }
                other => other,
            })?;
        if manifest.format != manifest::LOG_FORMAT {
            let what = format!("format {:?} is not a log's", manifest.format);
            return Err(Error::damaged(&place, what));
        }
        if manifest.version > manifest::LOG_VERSION {
            let (found, known) = (manifest.version, manifest::LOG_VERSION);
            return Err(Error::Newer { path: place, found, known });
        }
        Ok(Log { files, dir: dir.to_path_buf(), manifest, checksum })
    }

    /// What the log says of itself.
    pub fn manifest(&self) -> &LogManifest {
        &self.manifest
    }

    /// Checksum over the whole log: that of its manifest, which holds those of its imports.
    pub fn checksum(&self) -> &str {
        &self.checksum
    }

    /// Its folder.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Where its model versions lie.
    pub fn models_dir(&self) -> PathBuf {
        self.dir.join(MODELS_DIR)
    }

    /// Where deltas of its model versions lie.
    pub fn deltas_dir(&self) -> PathBuf {
        self.dir.join(DELTAS_DIR)
    }

    /// Where its evaluations lie.
    pub fn reports_dir(&self) -> PathBuf {
        self.dir.join(REPORTS_DIR)
    }

    /// Where its plays lie.
    pub fn plays_dir(&self) -> PathBuf {
        self.dir.join(PLAYS_DIR)
    }

    /// The files it lies on.
    pub fn files(&self) -> &Arc<dyn Files> {
        &self.files
    }

    /// Dictionaries and catalogues, whole in memory.
    pub fn catalogue(&self) -> Result<Catalogue> {
        catalogue::read(self)
    }

    /// All events in the order (time, seq), merged from all imports, one segment of each import
    /// in memory at a time.
    pub fn events(&self) -> Result<Events> {
        Events::over(self, i64::MIN, i64::MAX)
    }

    /// All slates, import after import.
    pub fn slates(&self) -> Result<Vec<Slate>> {
        let mut slates = Vec::new();
        for import in self.manifest.imports.iter().filter(|import| import.slates > 0) {
            let (bytes, place) = self.read(import, SLATES)?;
            slates.extend(columns::slates_from_bytes(bytes, &place)?);
        }
        Ok(slates)
    }

    /// The positive events of all users, as histories.
    pub fn sequences(&self, feedback: &Feedback, progress: &Progress<'_>) -> Result<Sequences> {
        reader::sequences(self, feedback, progress)
    }

    /// Checks every byte of the log, of its model versions, evaluations and plays. Empty: all is
    /// well.
    pub fn verify(files: &Arc<dyn Files>, dir: &Path) -> Vec<Error> {
        let log = match Log::open(files.clone(), dir) {
            Ok(log) => log,
            Err(error) => return vec![error],
        };
        let mut found = Vec::new();
        for import in &log.manifest.imports {
            let folder = log.import_dir(import);
            found.extend(log.import_manifest(import).err());
            found.extend(sealed::verify(files.as_ref(), &folder));
        }
        let listed = |name: &str| files.list(&dir.join(name)).map_err(Error::io(dir));
        match listed(IMPORTS) {
            Ok(folders) => found.extend(folders.into_iter().filter_map(|path| {
                let known =
                    log.manifest.imports.iter().any(|import| log.import_dir(import) == path);
                (!known).then(|| {
                    Error::damaged(&path, "no import of the log; the next writer removes it")
                })
            })),
            Err(error) => found.push(error),
        }
        for folder in [MODELS_DIR, REPORTS_DIR, PLAYS_DIR] {
            match listed(folder) {
                Ok(entries) => {
                    found.extend(entries.iter().flat_map(|path| verify_entry(files, path)));
                }
                Err(error) => found.push(error),
            }
        }
        // Two checks may see one damage.
        let mut seen = std::collections::BTreeSet::new();
        found.retain(|error| seen.insert(error.to_string()));
        found
    }

    fn import_dir(&self, import: &ImportEntry) -> PathBuf {
        self.dir.join(IMPORTS).join(&import.folder)
    }

    fn import_manifest(&self, import: &ImportEntry) -> Result<sealed::Manifest> {
        let folder = self.import_dir(import);
        let place = folder.join(MANIFEST);
        let (_, checksum): (serde_json::Value, String) =
            sealed::read_checked(self.files.as_ref(), &place)?;
        if checksum != import.manifest_blake3 {
            return Err(Error::damaged(&place, "it is not the manifest that the log names"));
        }
        sealed::open(self.files.as_ref(), &folder)
    }

    fn read(&self, import: &ImportEntry, name: &str) -> Result<(bytes::Bytes, PathBuf)> {
        let folder = self.import_dir(import);
        let bytes = self.import_manifest(import)?.read(self.files.as_ref(), &folder, name)?;
        Ok((bytes, folder.join(name)))
    }
}

/// A sealed folder, or a pointer to one. What begins with a dot is no part of the log: a folder
/// or a pointer that is being written, a lock.
fn verify_entry(files: &Arc<dyn Files>, path: &Path) -> Vec<Error> {
    if path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.')) {
        return Vec::new();
    }
    if path.extension().is_some_and(|end| end == "json") {
        let read: Result<(serde_json::Value, String)> =
            sealed::read_checked(files.as_ref(), path);
        return read.err().into_iter().collect();
    }
    sealed::verify(files.as_ref(), path)
}

const USER_IDS: &str = "user-ids.parquet";
const ITEM_IDS: &str = "item-ids.parquet";
const ITEMS: &str = "items.parquet";
const USERS: &str = "users.parquet";
const SLATES: &str = "slates.parquet";
const REJECTS: &str = "rejects.jsonl";

fn segment_name(number: u32) -> String {
    format!("events-{number:05}.parquet")
}
