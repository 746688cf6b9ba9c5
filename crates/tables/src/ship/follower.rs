//! A folder that a publisher writes, from a server's side.

use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use data::Files;

use super::layout::{decode, delta_name};
use super::snapshot::{SNAPSHOT, Snapshot};
use super::{Delta, Error, Result, Served};

/// Reads a snapshot, then its deltas as they come.
pub struct Follower {
    files: Arc<dyn Files>,
    dir: PathBuf,
}

impl Follower {
    /// The folder `dir` and its tables as the snapshot has them.
    ///
    /// # Errors
    /// Where there is no snapshot, or it is damaged.
    pub fn open(files: &Arc<dyn Files>, dir: &Path) -> Result<(Follower, Served)> {
        let served = Served::of(&Snapshot::open(files, &dir.join(SNAPSHOT))?)?;
        Ok((Follower { files: files.clone(), dir: dir.to_path_buf() }, served))
    }

    /// The tables of `dir` as they were after a delta; 0: as the snapshot has them.
    ///
    /// # Errors
    /// As [`Follower::open`], and where there is no such delta.
    pub fn serve_at(files: &Arc<dyn Files>, dir: &Path, sequence: u64) -> Result<Served> {
        let (follower, served) = Follower::open(files, dir)?;
        while served.sequence() < sequence {
            let next = served.sequence() + 1;
            let Some(delta) = follower.read(next)? else {
                return Err(Error::Gap { expected: next, found: sequence + 1 });
            };
            served.apply(&delta)?;
        }
        Ok(served)
    }

    /// Applies what has come; says how many deltas. What cannot be applied leaves `served` at the delta
    /// before it.
    ///
    /// # Errors
    /// Where a delta is damaged, missing before another one, or does not fit.
    pub fn look(&mut self, served: &Served) -> Result<u64> {
        let from = served.sequence();
        while let Some(delta) = self.read(served.sequence() + 1)? {
            served.apply(&delta)?;
        }
        let next = served.sequence() + 1;
        match self.latest()? {
            Some(found) if found > next => Err(Error::Gap { expected: next, found }),
            _ => Ok(served.sequence() - from),
        }
    }

    /// The delta of that number, where it is there.
    fn read(&self, sequence: u64) -> Result<Option<Delta>> {
        let path = self.dir.join(delta_name(sequence));
        let mut file = match self.files.open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(data::Error::io(&path)(error).into()),
        };
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(data::Error::io(&path))?;
        let delta = decode(&Bytes::from(bytes), &path)?;
        if delta.sequence != sequence {
            let what = format!("it is delta {} under another's name", delta.sequence);
            return Err(Error::damaged(&path, what));
        }
        Ok(Some(delta))
    }

    /// The highest number of a delta in the folder.
    fn latest(&self) -> Result<Option<u64>> {
        let entries = self.files.list(&self.dir).map_err(data::Error::io(&self.dir))?;
        let number = |path: &PathBuf| {
            let name = path.file_name()?.to_str()?;
            name.strip_suffix(".delta")?.parse::<u64>().ok()
        };
        Ok(entries.iter().filter_map(number).max())
    }

    /// Everything of the folder that is damaged; empty: all is well.
    pub fn verify(files: &Arc<dyn Files>, dir: &Path) -> Vec<Error> {
        let mut found: Vec<Error> = data::sealed::verify(files.as_ref(), &dir.join(SNAPSHOT))
            .into_iter()
            .map(Error::from)
            .collect();
        let follower = Follower { files: files.clone(), dir: dir.to_path_buf() };
        match follower.latest() {
            Ok(latest) => {
                for sequence in 1..=latest.unwrap_or(0) {
                    match follower.read(sequence) {
                        Ok(Some(_)) => {}
                        Ok(None) => found.push(Error::damaged(
                            &dir.join(delta_name(sequence)),
                            "it is missing, and later ones are there",
                        )),
                        Err(error) => found.push(error),
                    }
                }
            }
            Err(error) => found.push(error),
        }
        found
    }
}
