//! The trainer's side of a folder: a snapshot, then deltas.

use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use data::{Change, Files};

use super::follower::{self, read};
use super::order::rows_of;
use super::{Contents, Delta, Error, Result, SNAPSHOT, Snapshot, Taken, delta_name, encode};
use crate::Table;

/// Writes the deltas of one snapshot, one after another.
pub struct Publisher {
    files: Arc<dyn Files>,
    folder: PathBuf,
    model: String,
    base: String,
    /// Number and checksum of the last delta.
    sequence: u64,
    previous: String,
    /// The delta beside which rows were kept that wait.
    kept: Option<u64>,
}

/// Where rows are kept that delta number `sequence` had no room for.
fn waiting_name(sequence: u64) -> String {
    format!("waiting-{sequence:06}")
}

/// A delta that was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    /// Its file.
    pub path: PathBuf,
    /// Its number.
    pub sequence: u64,
    /// Its size.
    pub bytes: u64,
    /// Its rows.
    pub rows: usize,
}

impl Publisher {
    /// Writes the snapshot of a new folder.
    ///
    /// # Errors
    /// As [`Snapshot::write`], and where deltas lie there already.
    pub fn begin(
        files: Arc<dyn Files>,
        folder: &Path,
        contents: Contents<'_>,
    ) -> Result<Publisher> {
        let io = |change: Change<'_>| files.change(change).map_err(data::Error::io(folder));
        io(Change::MakeDir(folder))?;
        if let Some(parent) = folder.parent().filter(|it| !it.as_os_str().is_empty()) {
            io(Change::SyncDir(parent))?;
        }
        if follower::last(files.as_ref(), folder)? > 0 {
            let what = "deltas lie here already; begin another folder";
            return Err(Error::contents(folder.display(), what));
        }
        let snapshot = Snapshot::write(&files, folder, SNAPSHOT, contents)?;
        Ok(Publisher::after(files, folder, &snapshot))
    }

    fn after(files: Arc<dyn Files>, folder: &Path, snapshot: &Snapshot) -> Publisher {
        let base = snapshot.checksum().to_owned();
        Publisher {
            files,
            folder: folder.to_path_buf(),
            model: snapshot.model().to_owned(),
            previous: base.clone(),
            base,
            sequence: 0,
            kept: None,
        }
    }

    /// Goes on after the last delta of a folder. The trainer's rows must be those of that delta, or all that
    /// changed since the snapshot must be touched.
    ///
    /// # Errors
    /// Where the snapshot or the last delta cannot be read.
    pub fn resume(files: Arc<dyn Files>, folder: &Path) -> Result<Publisher> {
        let snapshot = Snapshot::open(&files, &folder.join(SNAPSHOT))?;
        let mut publisher = Publisher::after(files, folder, &snapshot);
        while publisher.settle()? {}
        Ok(publisher)
    }

    /// Deltas so far.
    pub fn sequence(&self) -> u64 {
        self.sequence
    }

    /// Checksum of the snapshot.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// Writes the next delta: the rows of ids that have one, tombstones of the others. Tell the tracker
    /// [`super::Tracker::done`] after it returned, not before.
    ///
    /// # Errors
    /// Where a row is not finite or the system refuses. Call it again then: where the file had got its name
    /// all the same, it stays as it is and this delta is the one after it.
    pub fn delta(
        &mut self,
        tables: &[&Table],
        taken: &Taken,
        dense: Option<Bytes>,
    ) -> Result<Published> {
        while self.settle()? {}
        let mut delta = self.next(tables, taken, dense)?;
        self.forget_others()?;
        let (path, bytes) = self.write(&mut delta, delta_name(self.sequence + 1))?;
        // What waited before it: a leftover that nobody reads.
        let waited = self.folder.join(waiting_name(self.sequence));
        let _ = self.files.change(Change::Remove(&waited));
        self.sequence = delta.sequence;
        self.previous.clone_from(&delta.checksum);
        Ok(Published { path, sequence: delta.sequence, bytes, rows: delta.rows() })
    }

    /// Keeps the rows that the next delta has no room for beside it: whoever goes on later begins with what
    /// was shipped, and with these ([`Publisher::waiting`]). Before [`Publisher::delta`], so that nothing is lost
    /// between the two.
    ///
    /// # Errors
    /// As [`Publisher::delta`].
    pub fn keep(&mut self, tables: &[&Table], left_out: &Taken) -> Result<()> {
        while self.settle()? {}
        let mut delta = self.next(tables, left_out, None)?;
        self.write(&mut delta, waiting_name(self.sequence + 1))?;
        self.kept = Some(delta.sequence);
        Ok(())
    }

    /// Removes what somebody kept beside the next delta who died before he wrote it: this one is another.
    fn forget_others(&self) -> Result<()> {
        let next = self.sequence + 1;
        let path = self.folder.join(waiting_name(next));
        let found = self.files.list(&self.folder).map_err(data::Error::io(&self.folder))?;
        if self.kept == Some(next) || !found.contains(&path) {
            return Ok(());
        }
        let change = |change| self.files.change(change).map_err(data::Error::io(&path));
        change(Change::Remove(&path))?;
        change(Change::SyncDir(&self.folder)).map_err(Error::from)
    }

    /// The rows that were kept beside the last delta.
    ///
    /// # Errors
    /// Where they are damaged.
    pub fn waiting(&self) -> Result<Option<Delta>> {
        let path = self.folder.join(waiting_name(self.sequence));
        let found = self.files.list(&self.folder).map_err(data::Error::io(&self.folder))?;
        if !found.contains(&path) {
            return Ok(None);
        }
        let delta = follower::read_file(self.files.as_ref(), &path)?;
        match delta.base == self.base && delta.sequence == self.sequence {
            true => Ok(Some(delta)),
            false => Err(Error::damaged(&path, "it lies beside another delta than its own")),
        }
    }

    /// A delta of these rows, the next in order.
    fn next(&self, tables: &[&Table], taken: &Taken, dense: Option<Bytes>) -> Result<Delta> {
        let mut changes = Vec::new();
        for (table, touches) in tables.iter().zip(&taken.tables) {
            let mut ids = [&touches.ids[..], &touches.tombstones].concat();
            ids.sort_unstable();
            if !ids.is_empty() {
                changes.push(rows_of(table, &ids)?);
            }
        }
        Ok(Delta {
            model: self.model.clone(),
            base: self.base.clone(),
            sequence: self.sequence + 1,
            previous: self.previous.clone(),
            tables: changes,
            dense,
            checksum: String::new(),
        })
    }

    fn write(&self, delta: &mut Delta, name: String) -> Result<(PathBuf, u64)> {
        let path = self.folder.join(&name);
        let temporary = self.folder.join(format!(".{name}.new"));
        // A leftover of a writer that died.
        let _ = self.files.change(Change::Remove(&temporary));
        let io = |source| data::Error::io(&path)(source);
        let mut file = self.files.create(&temporary).map_err(io)?;
        let mut buffered = BufWriter::with_capacity(1 << 20, &mut file);
        let bytes = encode(delta, &mut buffered, &path)?;
        buffered.flush().map_err(io)?;
        drop(buffered);
        file.sync().map_err(io)?;
        self.files.change(Change::Rename { from: &temporary, to: &path }).map_err(io)?;
        self.files.change(Change::SyncDir(&self.folder)).map_err(io)?;
        Ok((path, bytes))
    }

    /// Goes past a delta that is there although nobody counted it: it was renamed before an error or the
    /// end of its writer, and readers may have it.
    fn settle(&mut self) -> Result<bool> {
        let next = self.sequence + 1;
        if !follower::is_there(self.files.as_ref(), &self.folder, next)? {
            return Ok(false);
        }
        let delta = read(self.files.as_ref(), &self.folder, next)?;
        if delta.base != self.base || delta.previous != self.previous {
            let what = "it does not follow the delta before it; begin another folder";
            return Err(Error::contents(self.folder.join(delta_name(next)).display(), what));
        }
        self.files
            .change(Change::SyncDir(&self.folder))
            .map_err(data::Error::io(&self.folder))?;
        (self.sequence, self.previous) = (next, delta.checksum);
        Ok(true)
    }
}
