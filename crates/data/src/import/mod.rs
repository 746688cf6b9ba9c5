//! Files of many formats in; a sealed import of the log out.
//!
//! A reader per format parses rows and hands them to the log's ingest, which checks, indexes,
//! sorts and seals them. Reading, decompression and checksums overlap.

mod row;
mod source;
mod fields;
mod records;
mod instant;
mod table;
mod column_map;
mod movielens;
mod sequences;
mod open_bandit;
mod csv;
mod jsonl;
mod parquet;

use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use column_map::ColumnMap;
pub(crate) use row::{PlaceRow, Row, RowSink};

use crate::log::{Appended, Ingest, Origin};
use crate::{ClockKind, Error, Files, ImportEntry, Progress, Result, SourceFile, Writer};

/// What can be imported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// A MovieLens folder or ratings file: `ratings.dat`, `u.data`, `ratings.csv`.
    MovieLens,
    /// One user a line: the user, then its items in order.
    Sequences,
    /// A folder of the Open Bandit Dataset: what one policy showed, its propensities and clicks.
    OpenBandit,
    /// Comma separated values with a header.
    Csv,
    /// One JSON object a line.
    Jsonl,
    /// Parquet.
    Parquet,
}

impl Format {
    /// Every format, in the order of the manual.
    pub const ALL: [Format; 6] = [
        Format::MovieLens,
        Format::Sequences,
        Format::OpenBandit,
        Format::Csv,
        Format::Jsonl,
        Format::Parquet,
    ];

    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Format::MovieLens => "movielens",
            Format::Sequences => "sequences",
            Format::OpenBandit => "open-bandit",
            Format::Csv => "csv",
            Format::Jsonl => "jsonl",
            Format::Parquet => "parquet",
        }
    }
}

/// What to import, and how strictly.
#[derive(Debug, Clone)]
pub struct ImportSpec {
    /// Its format.
    pub format: Format,
    /// A file, or a folder where the format knows folders.
    pub path: PathBuf,
    /// Which column is what, for CSV, JSONL and Parquet; none: guessed from the usual names.
    pub map: Option<ColumnMap>,
    /// The largest share of bad rows that still imports, between 0 and 1.
    pub max_rejects: f64,
    /// Rows sorted in memory at once; `None` for the default. Tests make it small.
    pub chunk_rows: Option<usize>,
}

/// What an import did.
#[derive(Debug, Clone, PartialEq)]
pub enum Imported {
    /// The log has a new import.
    Added(Box<ImportEntry>),
    /// The log had all of it already and was not touched.
    Unchanged {
        /// Rows that the log had.
        duplicates: u64,
        /// Bad rows.
        rejects: u64,
    },
}

/// Imports into the log in `into`, making it where there is none. Whatever happens, the log
/// is as before or has the whole import.
pub fn import(
    files: &Arc<dyn Files>,
    into: &Path,
    spec: &ImportSpec,
    received_ms: i64,
    progress: &Progress<'_>,
) -> Result<Imported> {
    if !(0.0..=1.0).contains(&spec.max_rejects) {
        let what = format!("{} is not a share between 0 and 1", spec.max_rejects);
        return Err(Error::input("--max-rejects", what));
    }
    let map = spec.map.as_ref();
    let sources = spec.sources(files)?;
    let mut writer = Writer::open(files.clone(), into)?;
    if let Some(earlier) = same_sizes(files, &writer, &sources)?
        && fingerprints(files, &sources, progress)? == earlier.files
    {
        return Ok(Imported::Unchanged {
            duplicates: earlier.events,
            rejects: earlier.rejects,
        });
    }
    let clock = spec.clock(files)?;
    let name = spec.path.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
    let source = format!("{} {name}", spec.format.name());
    let origin = Origin { source, files: Vec::new(), clock, received_ms };
    let mut ingest = Ingest::begin(&mut writer, origin, spec.chunk_rows)?;
    let prints = std::thread::scope(|scope| {
        let prints = scope.spawn(|| fingerprints(files, &sources, progress));
        let read = spec.read(files, map, &mut ingest, progress);
        let prints = prints.join().expect("the fingerprint thread does not panic");
        read.and(prints)
    })?;
    ingest.set_files(prints);
    Ok(match ingest.finish(&[], spec.max_rejects, progress)? {
        Ok(entry) => Imported::Added(Box::new(entry)),
        Err(Appended { duplicates, rejects, .. }) => {
            Imported::Unchanged { duplicates, rejects }
        }
    })
}

impl ImportSpec {
    fn sources(&self, files: &Arc<dyn Files>) -> Result<Vec<PathBuf>> {
        match self.format {
            Format::MovieLens => movielens::sources(files, &self.path),
            Format::Sequences => sequences::sources(files, &self.path),
            Format::OpenBandit => open_bandit::sources(files, &self.path),
            // A table is one file.
            Format::Csv | Format::Jsonl | Format::Parquet => Ok(vec![self.path.clone()]),
        }
    }

    fn clock(&self, files: &Arc<dyn Files>) -> Result<ClockKind> {
        let map = self.map.as_ref();
        match self.format {
            Format::MovieLens => movielens::clock(files, &self.path, map),
            Format::Sequences => sequences::clock(files, &self.path, map),
            Format::OpenBandit => open_bandit::clock(files, &self.path, map),
            Format::Csv | Format::Jsonl | Format::Parquet => {
                Ok(map.map_or(ClockKind::Real, |map| map.clock))
            }
        }
    }

    fn read(
        &self,
        files: &Arc<dyn Files>,
        map: Option<&ColumnMap>,
        sink: &mut dyn RowSink,
        progress: &Progress<'_>,
    ) -> Result<()> {
        match self.format {
            Format::MovieLens => movielens::read(files, &self.path, map, sink, progress),
            Format::Sequences => sequences::read(files, &self.path, map, sink, progress),
            Format::OpenBandit => open_bandit::read(files, &self.path, map, sink, progress),
            Format::Csv => csv::read(files, &self.path, map, sink, progress),
            Format::Jsonl => jsonl::read(files, &self.path, map, sink, progress),
            Format::Parquet => parquet::read(files, &self.path, map, sink, progress),
        }
        .map(|_| ())
    }
}

/// The earlier import of files with the same names and sizes, where there is one: worth
/// hashing before reading.
fn same_sizes<'w>(
    files: &Arc<dyn Files>,
    writer: &'w Writer,
    sources: &[PathBuf],
) -> Result<Option<&'w ImportEntry>> {
    let mut sizes = Vec::new();
    for path in sources {
        sizes.push((source::file_name(path), source::size(files, path)?));
    }
    Ok(writer.log().manifest().imports.iter().find(|import| {
        let known = import.files.iter().map(|file| (file.name.clone(), file.bytes));
        known.eq(sizes.iter().cloned())
    }))
}

fn fingerprints(
    files: &Arc<dyn Files>,
    sources: &[PathBuf],
    progress: &Progress<'_>,
) -> Result<Vec<SourceFile>> {
    sources
        .iter()
        .map(|path| {
            let (bytes, blake3) = source::fingerprint(files, path, progress)?;
            Ok(SourceFile { name: source::file_name(path), bytes, blake3 })
        })
        .collect()
}
