//! The manifest of a log: the one file whose replacement commits a write.

use serde::{Deserialize, Serialize};

use crate::ClockKind;

/// Version of the log format that this program writes, and the newest it reads.
pub(crate) const LOG_VERSION: u32 = 1;
pub(crate) const LOG_FORMAT: &str = "tastemaker-log";

/// Everything a log says of itself. The imports are sealed folders, in order of arrival.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LogManifest {
    pub(crate) format: String,
    pub(crate) version: u32,
    /// How far its times can be trusted.
    pub clock: ClockKind,
    /// Names of the event kinds; an event holds an index into this list.
    pub kinds: Vec<String>,
    /// User ids in the dictionary.
    pub users: u32,
    /// Item ids in the dictionary.
    pub items: u32,
    /// Events in all imports.
    pub events: u64,
    /// Slates in all imports.
    pub slates: u64,
    /// Arrival number of the next event.
    pub seq_next: u64,
    /// The imports, oldest first.
    pub imports: Vec<ImportEntry>,
}

/// One sealed folder under `imports/`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ImportEntry {
    /// Name of the folder.
    pub folder: String,
    /// Checksum of its manifest, which holds those of its files.
    pub manifest_blake3: String,
    /// What was imported: `movielens ratings.csv`, `live`.
    pub source: String,
    /// The files that were read.
    pub files: Vec<SourceFile>,
    /// When it arrived.
    pub received_ms: i64,
    /// How far its times can be trusted.
    pub clock: ClockKind,
    /// Events that it added.
    pub events: u64,
    /// Rows that the log already had.
    pub duplicates: u64,
    /// Bad rows, in its `rejects.jsonl`.
    pub rejects: u64,
    /// Slates that it added.
    pub slates: u64,
    /// User ids that it added.
    pub users_new: u32,
    /// Item ids that it added.
    pub items_new: u32,
    /// Number of event segments.
    pub segments: u32,
    /// Earliest event.
    pub first_ms: Option<i64>,
    /// Latest event.
    pub last_ms: Option<i64>,
}

/// A file that was imported.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceFile {
    /// Its name, without the folder.
    pub name: String,
    /// Its size.
    pub bytes: u64,
    /// BLAKE3 of its bytes.
    pub blake3: String,
}

impl LogManifest {
    pub(crate) fn empty(clock: ClockKind) -> LogManifest {
        LogManifest {
            format: LOG_FORMAT.to_owned(),
            version: LOG_VERSION,
            clock,
            kinds: Vec::new(),
            users: 0,
            items: 0,
            events: 0,
            slates: 0,
            seq_next: 0,
            imports: Vec::new(),
        }
    }

    /// Earliest event of the log.
    pub fn first_ms(&self) -> Option<i64> {
        self.imports.iter().filter_map(|import| import.first_ms).min()
    }

    /// Latest event of the log.
    pub fn last_ms(&self) -> Option<i64> {
        self.imports.iter().filter_map(|import| import.last_ms).max()
    }
}
