//! A snapshot: every row of every table, and the dense part, in a sealed folder. It is what deltas build on
//! and what a server falls back to; with optimiser state it is what a training goes on from.

use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use data::Files;
use data::sealed::{self, Manifest, SealedFile, Staged};
use serde::{Deserialize, Serialize};

use super::rows_file::{self, Widths};
use super::{Error, Format, Result};
use crate::{Table, TableConfig};

/// Name of a snapshot's folder beside its deltas.
pub const SNAPSHOT: &str = "snapshot";
/// Version of the facts that this program writes, and the newest it reads.
pub const SNAPSHOT_VERSION: u32 = 1;

const KIND: &str = "tables";
const DENSE: &str = "dense.bin";

/// What a snapshot is made of.
#[derive(Debug, Clone, Copy)]
pub struct Contents<'a> {
    /// Name of the model.
    pub model: &'a str,
    /// Checksum of the snapshot that this one comes after.
    pub parent: Option<&'a str>,
    /// Tables, each of its own name.
    pub tables: &'a [&'a Table],
    /// The dense part.
    pub dense: &'a [u8],
    /// Whether optimiser state goes along: a training needs it, a server does not.
    pub state: bool,
}

/// A snapshot that lies in a folder.
#[derive(Clone)]
pub struct Snapshot {
    files: Arc<dyn Files>,
    path: PathBuf,
    checksum: String,
    sealed: Vec<SealedFile>,
    facts: Facts,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Facts {
    version: u32,
    model: String,
    sequence: u64,
    parent: Option<String>,
    dense: String,
    tables: Vec<SnapshotTable>,
}

/// What a snapshot says of a table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SnapshotTable {
    /// Its name.
    pub table: String,
    /// Its file in the folder.
    pub file: String,
    /// Numbers of a row.
    pub width: usize,
    /// How they are written.
    pub format: Format,
    /// Rows.
    pub rows: u64,
    /// Whether rows are known by keys, or numbered.
    pub keyed: bool,
    /// Numbers of optimiser state of a row; 0 where none is here.
    pub state: usize,
    /// Steps that the optimiser had made.
    pub steps: u32,
}

impl SnapshotTable {
    fn widths(&self) -> Widths {
        Widths { row: self.format.row_bytes(self.width), state: self.state * 4 }
    }
}

impl Snapshot {
    /// Writes `parent/name`: it is there whole afterwards, or not at all.
    ///
    /// # Errors
    /// Where it exists, two tables have one name, a number is not finite, or the system refuses.
    pub fn write(
        files: &Arc<dyn Files>,
        parent: &Path,
        name: &str,
        contents: Contents<'_>,
    ) -> Result<Snapshot> {
        let names: Vec<&str> =
            contents.tables.iter().map(|table| table.config().name.as_str()).collect();
        if let Some(at) = (1..names.len()).find(|at| names[..*at].contains(&names[*at])) {
            return Err(Error::contents("snapshot", format!("two tables {:?}", names[at])));
        }
        // Before anything is made: a table that cannot be shipped leaves no folder behind.
        contents.tables.iter().try_for_each(|table| Format::of(table.config()).map(drop))?;
        let mut staged = Staged::begin(files.clone(), parent, name)?;
        let mut tables = Vec::new();
        for (at, table) in contents.tables.iter().enumerate() {
            let config = table.config();
            let state =
                if contents.state { config.optimiser.state_width(config.width) } else { 0 };
            let known = SnapshotTable {
                table: config.name.clone(),
                // Numbered: a table's name need not be one that a file may have.
                file: format!("table-{at:03}.parquet"),
                width: config.width,
                format: Format::of(config)?,
                rows: table.len() as u64,
                keyed: table.keys.is_some(),
                state,
                steps: if contents.state { table.steps } else { 0 },
            };
            let mut file = staged.create(&known.file)?;
            let place = staged.path().join(&known.file);
            rows_file::write(table, known.widths(), &mut file, &place)?;
            staged.finish(file)?;
            tables.push(known);
        }
        staged.add(DENSE, contents.dense)?;
        let facts = Facts {
            version: SNAPSHOT_VERSION,
            model: contents.model.to_owned(),
            sequence: 0,
            parent: contents.parent.map(str::to_owned),
            dense: DENSE.to_owned(),
            tables,
        };
        let facts = serde_json::to_value(facts)
            .map_err(|error| Error::contents("snapshot", error.to_string()))?;
        staged.seal(KIND, facts)?;
        Snapshot::open(files, &parent.join(name))
    }

    /// Opens the snapshot in the folder at `path`; rows are checked when they are read.
    ///
    /// # Errors
    /// Where there is none, its manifest is damaged, or its format is newer.
    pub fn open(files: &Arc<dyn Files>, path: &Path) -> Result<Snapshot> {
        let manifest = sealed::open_as(files.as_ref(), path, KIND)?;
        let place = path.join(sealed::MANIFEST);
        #[derive(Deserialize)]
        struct Version {
            version: u32,
        }
        let Version { version: found } = manifest.facts(path)?;
        if found > SNAPSHOT_VERSION {
            let known = SNAPSHOT_VERSION;
            return Err(data::Error::Newer { path: place, found, known }.into());
        }
        let facts: Facts = manifest.facts(path)?;
        for table in &facts.tables {
            let most = 1 << 16;
            if table.width == 0 || table.width > most || table.state > 2 * most {
                let what = format!("table {}: width {}", table.table, table.width);
                return Err(Error::damaged(&place, what));
            }
        }
        let (_, checksum) = sealed::read_checked::<Manifest>(files.as_ref(), &place)?;
        let (files, path) = (files.clone(), path.to_path_buf());
        Ok(Snapshot { files, path, checksum, sealed: manifest.files, facts })
    }

    /// What deltas name as their base.
    pub fn checksum(&self) -> &str {
        &self.checksum
    }

    /// Name of the model.
    pub fn model(&self) -> &str {
        &self.facts.model
    }

    /// Checksum of the snapshot before it.
    pub fn parent(&self) -> Option<&str> {
        self.facts.parent.as_deref()
    }

    /// Its tables.
    pub fn tables(&self) -> &[SnapshotTable] {
        &self.facts.tables
    }

    /// Bytes of all its files but the manifest.
    pub fn bytes(&self) -> u64 {
        self.sealed.iter().map(|file| file.bytes).sum()
    }

    /// The dense part.
    ///
    /// # Errors
    /// Where its file is damaged or missing.
    pub fn dense(&self) -> Result<Bytes> {
        self.check(&self.facts.dense)?;
        let place = self.path.join(&self.facts.dense);
        let mut bytes = Vec::new();
        let mut file = self.files.open(&place).map_err(data::Error::io(&place))?;
        file.read_to_end(&mut bytes).map_err(data::Error::io(&place))?;
        Ok(bytes.into())
    }

    /// Makes a table of rows that go on learning; `config` is that of the table that was written, but that
    /// its optimiser begins anew where the snapshot has no state.
    ///
    /// # Errors
    /// Where there is no such table, it has another width or format, or its file is damaged.
    pub fn table(&self, config: TableConfig) -> Result<Table> {
        let named = |table: &&SnapshotTable| table.table == config.name;
        let Some(known) = self.facts.tables.iter().find(named) else {
            let what = "the snapshot has no such table";
            return Err(Error::contents(format!("table {}", config.name), what));
        };
        let state = config.optimiser.state_width(config.width);
        if known.width != config.width
            || known.format != Format::of(&config)?
            || (known.state != 0 && known.state != state)
        {
            let what = format!(
                "the snapshot has {} numbers a row as {:?} with {} of state",
                known.width, known.format, known.state
            );
            return Err(Error::contents(format!("table {}", config.name), what));
        }
        let rows = self.room(known)?;
        let mut table = match known.keyed {
            true => Table::keyed(config, rows)?,
            false => Table::dense(config, rows)?,
        };
        let place = self.path.join(&known.file);
        let mut row = vec![0.0; known.width];
        let mut state = vec![0.0; known.state];
        let widths = known.widths();
        self.rows(known, |some| {
            for (at, id) in some.ids.iter().enumerate() {
                if known.keyed {
                    table.admit(&[*id])?;
                } else if *id >= known.rows {
                    return Err(Error::damaged(&place, format!("id {id} of {rows} rows")));
                }
                known.format.decode(&some.rows[at * widths.row..], &mut row);
                table.set(*id, &row)?;
                if widths.state > 0 {
                    Format::F32.decode(&some.states[at * widths.state..], &mut state);
                    table.set_state(*id, &state);
                }
            }
            Ok(())
        })?;
        table.steps = known.steps;
        Ok(table)
    }

    /// Hands on the rows of a table, some at a time, after its file was checked against its checksum.
    pub(super) fn rows(
        &self,
        table: &SnapshotTable,
        each: impl FnMut(rows_file::Part<'_>) -> Result<()>,
    ) -> Result<()> {
        let bytes = self.check(&table.file)?;
        let place = self.path.join(&table.file);
        let found =
            rows_file::read(&self.files, &place, bytes, table.format, table.widths(), each)?;
        if found != table.rows {
            let what = format!("{found} rows, the manifest says {}", table.rows);
            return Err(Error::damaged(&place, what));
        }
        Ok(())
    }

    /// Rows of a table, for whom makes room for them: no more than its file has bytes for.
    pub(super) fn room(&self, table: &SnapshotTable) -> Result<usize> {
        let place = self.path.join(&table.file);
        let io = |source| data::Error::io(&place)(source);
        let mut file = self.files.open(&place).map_err(io)?;
        let bytes = file.seek(SeekFrom::End(0)).map_err(io)?;
        let fits =
            table.rows.checked_mul(table.widths().row as u64).is_some_and(|it| it <= bytes);
        match usize::try_from(table.rows) {
            Ok(rows) if fits && rows < 1 << 31 => Ok(rows),
            _ => {
                let what = format!("{bytes} bytes cannot hold {} rows", table.rows);
                Err(Error::damaged(&place, what))
            }
        }
    }

    /// Compares a file with its checksum, and holds a megabyte of it at a time; says its bytes.
    fn check(&self, name: &str) -> Result<u64> {
        let place = self.path.join(name);
        let Some(sealed) = self.sealed.iter().find(|file| file.name == name) else {
            return Err(Error::damaged(&place, "the manifest does not name this file"));
        };
        let mut file = self.files.open(&place).map_err(data::Error::io(&place))?;
        let (mut hasher, mut bytes) = (blake3::Hasher::new(), 0u64);
        let mut buffer = vec![0; 1 << 20];
        loop {
            match file.read(&mut buffer).map_err(data::Error::io(&place))? {
                0 => break,
                count => {
                    hasher.update(&buffer[..count]);
                    bytes += count as u64;
                }
            }
        }
        if bytes != sealed.bytes {
            let what = format!("{bytes} bytes, sealed with {}", sealed.bytes);
            return Err(Error::damaged(&place, what));
        }
        match hasher.finalize().to_hex().as_str() == sealed.blake3 {
            true => Ok(bytes),
            false => Err(Error::damaged(&place, "its checksum is not the sealed one")),
        }
    }
}
