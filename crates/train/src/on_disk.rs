//! Items whose rows do not fit in memory: all of them in a slab on disk, those in use within a budget.
//!
//! The slab is scratch: it begins empty and goes with the run. What a run goes on from is in its
//! checkpoints, which have the rows as a table's file, so that no slab can run ahead of them.

use std::fmt;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use data::{Change, Files, Lock, WriteFile};
use tables::ship::read_matrix;
use tables::{Disk, DiskTier, MemoryBudget, TableConfig, TieredConfig, TieredTable};
use tensor::Tensor;
use xxhash_rust::xxh3::Xxh3;

use crate::{Error, Result};

/// Rows that are looked at at a time.
pub(crate) const BLOCK: u64 = 8192;
/// The copy of the best rows so far, beside the slab.
const BEST: &str = "best.parquet";

/// Where rows lie that have no place in memory, and how much memory the others may take.
#[derive(Clone)]
pub struct TableTier {
    files: Arc<dyn Files>,
    folder: PathBuf,
    memory: MemoryBudget,
}

impl TableTier {
    /// Rows in `folder`, which is made anew and goes with the run; of them, with their optimiser's state
    /// and all that keeps them, at most so many bytes in memory. What the system keeps of files, and
    /// some MiB while all rows are written or read, come on top.
    pub fn new(files: Arc<dyn Files>, folder: &Path, memory: MemoryBudget) -> TableTier {
        TableTier { files, folder: folder.to_path_buf(), memory }
    }
}

impl fmt::Debug for TableTier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("TableTier");
        shown
            .field("folder", &self.folder)
            .field("memory", &self.memory)
            .finish_non_exhaustive()
    }
}

/// What a table on disk and in memory has come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct TableFacts {
    /// Rows.
    pub rows: u64,
    /// Bytes that all of them take, with their optimiser's state.
    pub bytes: u64,
    /// Bytes of memory that it may take.
    pub memory_budget: usize,
    /// Bytes of memory that it takes.
    pub memory_bytes: usize,
    /// Rows that steps of this process have asked for, each once a step.
    pub asked: u64,
    /// Those that were not in memory.
    pub missed: u64,
}

/// Embeddings of all items, in a table over a slab.
pub(crate) struct OnDisk {
    table: Option<TieredTable>,
    config: TableConfig,
    rows: u64,
    tier: TableTier,
    asked: u64,
    missed: u64,
    /// Nobody else has the folder.
    _lock: Lock,
}

impl fmt::Debug for OnDisk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("OnDisk");
        shown.field("rows", &self.rows).field("tier", &self.tier).finish_non_exhaustive()
    }
}

impl OnDisk {
    pub(crate) fn begin(tier: &TableTier, config: TableConfig, rows: u32) -> Result<OnDisk> {
        // Beside the folder, which comes and goes.
        let TableTier { files, folder, .. } = tier;
        if let Some(parent) = folder.parent() {
            files.change(Change::MakeDir(parent)).map_err(data::Error::io(parent))?;
        }
        let place = folder.with_extension("lock");
        let lock = files.lock(&place).map_err(data::Error::io(&place))?;
        let lock = lock.ok_or_else(|| {
            Error::Refused(format!("{}: another training has its rows there", folder.display()))
        })?;
        let mut items = OnDisk {
            table: None,
            config,
            rows: u64::from(rows).max(1),
            tier: tier.clone(),
            asked: 0,
            missed: 0,
            _lock: lock,
        };
        items.empty()?;
        Ok(items)
    }

    /// Over an empty slab, whatever was there before.
    fn empty(&mut self) -> Result<()> {
        self.table = None;
        let TableTier { files, folder, memory } = &self.tier;
        remove(files.as_ref(), folder)?;
        files.change(Change::MakeDir(folder)).map_err(data::Error::io(folder))?;
        let state = self.config.optimiser.state_width(self.config.width);
        let disk = Disk {
            folder: folder.join("rows"),
            rows: self.rows,
            record: (self.config.width + state) * 4,
            direct: false,
            // Nothing else is done meanwhile.
            threads: rayon::current_num_threads().min(8),
        };
        let tier = DiskTier::open(files.clone(), disk)?;
        let config = TieredConfig::in_parts(&tier, &self.config, self.rows, *memory);
        let table = TieredTable::open(Box::new(tier), config).map_err(|error| match error {
            tables::Error::Setting { field: "memory", what } => {
                Error::setting("table_memory", what)
            }
            other => other.into(),
        })?;
        self.table = Some(table);
        Ok(())
    }

    fn table(&mut self) -> Result<&mut TieredTable> {
        let lost = || Error::Refused("the items' table could not be opened again".into());
        self.table.as_mut().ok_or_else(lost)
    }

    pub(crate) fn dim(&self) -> usize {
        self.config.width
    }

    pub(crate) fn rows(&self) -> u64 {
        self.rows
    }

    /// Copies rows out for a step, one after another.
    pub(crate) fn take(&mut self, rows: &[u32], values: &mut Vec<f32>) -> Result<()> {
        let before = self.table()?.counters()?.unique_misses;
        self.look(rows, values)?;
        self.asked += rows.len() as u64;
        self.missed += self.table()?.counters()?.unique_misses - before;
        Ok(())
    }

    /// The same for who only looks.
    pub(crate) fn look(&mut self, rows: &[u32], values: &mut Vec<f32>) -> Result<()> {
        values.resize(rows.len() * self.config.width, 0.0);
        Ok(self.table()?.rows(0, &ids(rows), values)?)
    }

    /// One step with the gradients of `rows`, ascending.
    pub(crate) fn step(&mut self, rows: &[u32], gradient: &[f32], rate: f32) -> Result<()> {
        let table = self.table()?;
        table.set_rate(rate)?;
        Ok(table.update_rows(0, &ids(rows), gradient)?)
    }

    /// All rows, a block at a time: the number of its first, and `[block, dim]`.
    pub(crate) fn blocks(&mut self, each: impl FnMut(u64, &[f32]) -> Result<()>) -> Result<()> {
        self.table()?.blocks(0, BLOCK as usize, each)
    }

    pub(crate) fn matrix(&mut self) -> Result<Tensor> {
        let width = self.config.width;
        let mut matrix = Tensor::zeros(self.rows as usize, width);
        self.blocks(|from, block| {
            let at = from as usize * width;
            matrix.values_mut()[at..at + block.len()].copy_from_slice(block);
            Ok(())
        })?;
        Ok(matrix)
    }

    pub(crate) fn facts(&mut self) -> Result<TableFacts> {
        let (rows, asked, missed) = (self.rows, self.asked, self.missed);
        let table = self.table()?;
        Ok(TableFacts {
            rows,
            bytes: rows * table.config().record_bytes() as u64,
            memory_budget: table.config().memory_bytes,
            memory_bytes: table.memory_bytes()?,
            asked,
            missed,
        })
    }

    /// Steps so far.
    pub(crate) fn steps(&mut self) -> Result<u32> {
        Ok(self.table()?.steps(0))
    }

    /// Rows and state, for a checkpoint.
    pub(crate) fn write(&mut self, out: impl Write + Send, place: &Path) -> Result<()> {
        Ok(self.table()?.write_file(0, true, out, place)?)
    }

    /// Takes over what [`OnDisk::write`] wrote; where that fails, it is to be called again with another
    /// file.
    pub(crate) fn read(
        &mut self,
        files: &Arc<dyn Files>,
        place: &Path,
        bytes: u64,
        steps: u32,
    ) -> Result<()> {
        self.empty()?;
        Ok(self.table()?.read_file(0, files, place, bytes, steps)?)
    }

    /// A copy of the rows as they are now, in place of the one before.
    pub(crate) fn keep(&mut self) -> Result<KeptFile> {
        let place = self.tier.folder.join(BEST);
        let mut out = self.copy_at(&place)?;
        self.table()?.write_file(0, false, &mut out, &place)?;
        Ok(self.kept(place, &out))
    }

    /// Takes over a copy that a checkpoint has.
    pub(crate) fn keep_file(&mut self, files: &dyn Files, from: &Path) -> Result<KeptFile> {
        let place = self.tier.folder.join(BEST);
        let mut out = self.copy_at(&place)?;
        let mut source = files.open(from).map_err(data::Error::io(from))?;
        std::io::copy(&mut source, &mut out).map_err(data::Error::io(&place))?;
        Ok(self.kept(place, &out))
    }

    fn copy_at(&self, place: &Path) -> Result<Summed<Box<dyn WriteFile>>> {
        remove(self.tier.files.as_ref(), place)?;
        let inner = self.tier.files.create(place).map_err(data::Error::io(place))?;
        Ok(Summed { inner, bytes: 0, sum: Xxh3::new() })
    }

    fn kept<W>(&self, place: PathBuf, out: &Summed<W>) -> KeptFile {
        let files = self.tier.files.clone();
        KeptFile { files, place, bytes: out.bytes, sum: out.sum.digest() }
    }

    /// The rows of a copy, in memory, in place of the table.
    pub(crate) fn into_matrix(mut self, kept: &KeptFile) -> Result<Tensor> {
        self.table = None;
        kept.copy_to(&mut std::io::sink(), &kept.place)?;
        let KeptFile { files, place, bytes, .. } = kept;
        let values = read_matrix(&self.config, self.rows, files, place, *bytes)?;
        Ok(Tensor::new(self.rows as usize, self.config.width, values)?)
    }
}

impl Drop for OnDisk {
    fn drop(&mut self) {
        self.table = None;
        // Where this fails, the next run that begins there removes it.
        let _ = self.tier.files.change(Change::Remove(&self.tier.folder));
    }
}

/// Rows in a file, without their state.
#[derive(Clone)]
pub(crate) struct KeptFile {
    files: Arc<dyn Files>,
    place: PathBuf,
    bytes: u64,
    sum: u64,
}

impl KeptFile {
    /// Copies it, and refuses what is not as it was written.
    pub(crate) fn copy_to(&self, out: &mut impl Write, to: &Path) -> Result<()> {
        let mut file = self.files.open(&self.place).map_err(data::Error::io(&self.place))?;
        let mut out = Summed { inner: out, bytes: 0, sum: Xxh3::new() };
        std::io::copy(&mut file, &mut out).map_err(data::Error::io(to))?;
        match (out.bytes, out.sum.digest()) == (self.bytes, self.sum) {
            true => Ok(()),
            false => {
                let what = "its checksum is not that of when it was written";
                Err(data::Error::damaged(&self.place, what.to_owned()).into())
            }
        }
    }
}

impl fmt::Debug for KeptFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeptFile").field("place", &self.place).finish_non_exhaustive()
    }
}

/// Counts and sums what passes.
struct Summed<W> {
    inner: W,
    bytes: u64,
    sum: Xxh3,
}

impl<W: Write> Write for Summed<W> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.sum.update(&bytes[..written]);
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.inner.flush()
    }
}

fn ids(rows: &[u32]) -> Vec<u64> {
    rows.iter().map(|row| u64::from(*row)).collect()
}

/// Removes a file or folder where there is one.
fn remove(files: &dyn Files, path: &Path) -> Result<()> {
    let Some(parent) = path.parent() else { return Ok(()) };
    let there = files.list(parent).map_err(data::Error::io(parent))?;
    if there.iter().any(|entry| entry == path) {
        files.change(Change::Remove(path)).map_err(data::Error::io(path))?;
    }
    Ok(())
}
