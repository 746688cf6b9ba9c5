//! A folder that servers follow, from its writer's side.

use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use data::{Change, Files, Lock};

use super::layout::{delta_name, encode};
use super::order::rows_of;
use super::snapshot::{Contents, SNAPSHOT, Snapshot};
use super::{Delta, Error, Follower, Result, Served};
use crate::Table;

/// Held by who writes here.
const LOCK: &str = ".lock";

/// Writes one snapshot and its deltas, in order.
pub struct Publisher {
    files: Arc<dyn Files>,
    dir: PathBuf,
    model: String,
    base: String,
    /// Of the last delta; 0: the snapshot.
    sequence: u64,
    previous: String,
    _lock: Lock,
}

/// A delta that lies there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    /// Its place in the order.
    pub sequence: u64,
    /// Its file.
    pub path: PathBuf,
    /// Bytes of it.
    pub bytes: u64,
    /// Rows.
    pub rows: usize,
    /// Tombstones.
    pub tombstones: usize,
}

impl Publisher {
    /// Begins `dir` with a snapshot.
    ///
    /// # Errors
    /// Where there is one, another process writes there, a number is not finite, or the system refuses.
    pub fn begin(
        files: &Arc<dyn Files>,
        dir: &Path,
        contents: Contents<'_>,
    ) -> Result<Publisher> {
        let lock = lock(files, dir)?;
        let snapshot = Snapshot::write(files, dir, SNAPSHOT, contents)?;
        let (model, base) = (snapshot.model().to_owned(), snapshot.checksum().to_owned());
        Ok(Publisher {
            files: files.clone(),
            dir: dir.to_path_buf(),
            model,
            previous: base.clone(),
            base,
            sequence: 0,
            _lock: lock,
        })
    }

    /// Goes on after the last delta in `dir`; also gives what servers have there.
    ///
    /// # Errors
    /// Where there is no snapshot, another process writes there, or a file is damaged.
    pub fn go_on(files: &Arc<dyn Files>, dir: &Path) -> Result<(Publisher, Served)> {
        let lock = lock(files, dir)?;
        let (mut follower, served) = Follower::open(files, dir)?;
        follower.look(&served)?;
        let publisher = Publisher {
            files: files.clone(),
            dir: dir.to_path_buf(),
            model: served.model().to_owned(),
            base: served.base().to_owned(),
            sequence: served.sequence(),
            previous: served.last(),
            _lock: lock,
        };
        Ok((publisher, served))
    }

    /// What deltas build on.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// Deltas so far.
    pub fn sequence(&self) -> u64 {
        self.sequence
    }

    /// Writes the next delta: of each table the ids that servers lack the newest row of, rising; ids
    /// without a row become tombstones. It is there whole afterwards, or not at all.
    ///
    /// # Errors
    /// Where a row is not finite, ids do not rise, or the system refuses: nothing is published then, and
    /// the same call may be made again.
    pub fn delta(
        &mut self,
        changes: &[(&Table, &[u64])],
        dense: Option<Bytes>,
    ) -> Result<Published> {
        let tables = changes
            .iter()
            .map(|(table, ids)| rows_of(table, ids))
            .collect::<Result<Vec<_>>>()?;
        let mut delta = Delta {
            model: self.model.clone(),
            base: self.base.clone(),
            sequence: self.sequence + 1,
            previous: self.previous.clone(),
            tables,
            dense,
            checksum: String::new(),
        };
        let name = delta_name(delta.sequence);
        let (path, temporary) = (self.dir.join(&name), self.dir.join(format!(".{name}.new")));
        if self.files.open(&path).is_ok() {
            let what = "it is there already, written by somebody else";
            return Err(Error::contents(path.display(), what));
        }
        // Left by a writer that died.
        let _ = self.files.change(Change::Remove(&temporary));
        let mut out =
            BufWriter::new(self.files.create(&temporary).map_err(data::Error::io(&temporary))?);
        let bytes = encode(&mut delta, &mut out, &temporary)?;
        out.flush().map_err(data::Error::io(&temporary))?;
        let mut file =
            out.into_inner().map_err(|why| data::Error::io(&temporary)(why.into_error()))?;
        file.sync().map_err(data::Error::io(&temporary))?;
        drop(file);
        let rename = Change::Rename { from: &temporary, to: &path };
        self.files.change(rename).map_err(data::Error::io(&path))?;
        // Servers may see it from here on, so it counts, whatever comes of the rest.
        self.sequence = delta.sequence;
        self.previous.clone_from(&delta.checksum);
        self.files.change(Change::SyncDir(&self.dir)).map_err(data::Error::io(&self.dir))?;
        let tombstones = delta.tables.iter().map(|table| table.tombstones.len()).sum();
        let (sequence, rows) = (delta.sequence, delta.rows());
        Ok(Published { sequence, path, bytes, rows, tombstones })
    }
}

fn lock(files: &Arc<dyn Files>, dir: &Path) -> Result<Lock> {
    files.change(Change::MakeDir(dir)).map_err(data::Error::io(dir))?;
    let path = dir.join(LOCK);
    let lock = files.lock(&path).map_err(data::Error::io(&path))?;
    lock.ok_or_else(|| {
        Error::contents(path.display(), "another process publishes here; wait for it to end")
    })
}
