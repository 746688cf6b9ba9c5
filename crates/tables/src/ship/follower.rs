//! The server's side of a folder.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use data::Files;
use data::sealed::MANIFEST;

use super::{Applied, Delta, Error, Result, SNAPSHOT, Served, Snapshot, decode, delta_name};

/// Reads the deltas of one snapshot, one after another.
pub struct Follower {
    files: Arc<dyn Files>,
    folder: PathBuf,
    snapshot: Snapshot,
}

impl Follower {
    /// Opens a folder of a [`super::Publisher`].
    ///
    /// # Errors
    /// Where it has no snapshot that can be read.
    pub fn open(files: Arc<dyn Files>, folder: &Path) -> Result<Follower> {
        let snapshot = Snapshot::open(&files, &folder.join(SNAPSHOT))?;
        Ok(Follower { files, folder: folder.to_path_buf(), snapshot })
    }

    /// The snapshot.
    pub fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    /// Whether served tables can follow this folder still: it was not begun anew, by another snapshot or with
    /// fewer deltas. While it has no snapshot nobody knows better.
    ///
    /// # Errors
    /// Where the folder cannot be read.
    pub fn is_followed_by(&self, served: &Served) -> Result<bool> {
        let path = self.folder.join(SNAPSHOT);
        if self.files.open(&path.join(MANIFEST)).is_err() {
            return Ok(true);
        }
        let now = Snapshot::open(&self.files, &path)?;
        let last = last(self.files.as_ref(), &self.folder)?;
        Ok(now.checksum() == self.snapshot.checksum() && last >= served.sequence())
    }

    /// Tables as the last delta has them.
    ///
    /// # Errors
    /// Where the snapshot or a delta is damaged or missing.
    pub fn serve(&self) -> Result<Served> {
        let served = Served::of(&self.snapshot)?;
        self.follow(&served)?;
        Ok(served)
    }

    /// Tables as delta number `sequence` left them; 0: the snapshot's.
    ///
    /// # Errors
    /// As [`Follower::serve`], and where there is no such delta.
    pub fn serve_at(&self, sequence: u64) -> Result<Served> {
        let served = Served::of(&self.snapshot)?;
        for next in 1..=sequence {
            served.apply(&read(self.files.as_ref(), &self.folder, next)?)?;
        }
        Ok(served)
    }

    /// The deltas after number `after`, in order.
    ///
    /// # Errors
    /// Where one is damaged, or missing though later ones are there.
    pub fn look(&self, after: u64) -> Result<Vec<Delta>> {
        let last = last(self.files.as_ref(), &self.folder)?;
        (after + 1..=last).map(|next| read(self.files.as_ref(), &self.folder, next)).collect()
    }

    /// Applies the deltas that served tables do not have yet, one in memory at a time; says how many.
    ///
    /// # Errors
    /// As [`Follower::look`] and [`Served::apply`]; those before the bad one are applied.
    pub fn follow(&self, served: &Served) -> Result<usize> {
        let last = last(self.files.as_ref(), &self.folder)?;
        let mut applied = 0;
        for next in served.sequence() + 1..=last {
            let delta = read(self.files.as_ref(), &self.folder, next)?;
            applied += usize::from(served.apply(&delta)? == Applied::Now);
        }
        Ok(applied)
    }
}

/// Numbers of the deltas in a folder.
fn numbers(files: &dyn Files, folder: &Path) -> Result<Vec<u64>> {
    let entries = files.list(folder).map_err(data::Error::io(folder))?;
    let number = |path: &PathBuf| {
        let name = path.file_name()?.to_str()?;
        let number: u64 = name.strip_suffix(".delta")?.parse().ok()?;
        (name == delta_name(number)).then_some(number)
    };
    Ok(entries.iter().filter_map(number).collect())
}

pub(super) fn last(files: &dyn Files, folder: &Path) -> Result<u64> {
    Ok(numbers(files, folder)?.into_iter().max().unwrap_or(0))
}

pub(super) fn is_there(files: &dyn Files, folder: &Path, sequence: u64) -> Result<bool> {
    Ok(numbers(files, folder)?.contains(&sequence))
}

pub(super) fn read_file(files: &dyn Files, path: &Path) -> Result<Delta> {
    let mut bytes = Vec::new();
    let mut file = files.open(path).map_err(data::Error::io(path))?;
    file.read_to_end(&mut bytes).map_err(data::Error::io(path))?;
    decode(&bytes.into(), path)
}

/// Reads the delta of this number.
pub(super) fn read(files: &dyn Files, folder: &Path, sequence: u64) -> Result<Delta> {
    let path = folder.join(delta_name(sequence));
    let delta = read_file(files, &path)?;
    if delta.sequence != sequence {
        let what = format!("it is delta {} by its header", delta.sequence);
        return Err(Error::damaged(&path, what));
    }
    Ok(delta)
}
