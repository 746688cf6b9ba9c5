//! Real files that wait for no disk: what a process left is there for the next one even so, and
//! hundreds of runs take seconds.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use data::{Change, Files, Lock, ReadFile, RealFiles, WriteFile};

/// [`RealFiles`] without syncing.
pub(crate) struct Unsynced;

struct File(Box<dyn WriteFile>);

impl Files for Unsynced {
    fn open(&self, path: &Path) -> io::Result<Box<dyn ReadFile>> {
        RealFiles.open(path)
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn WriteFile>> {
        Ok(Box::new(File(RealFiles.create(path)?)))
    }

    fn change(&self, change: Change<'_>) -> io::Result<()> {
        match change {
            Change::SyncDir(_) => Ok(()),
            other => RealFiles.change(other),
        }
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<PathBuf>> {
        RealFiles.list(dir)
    }

    fn lock(&self, path: &Path) -> io::Result<Option<Lock>> {
        RealFiles.lock(path)
    }
}

impl Write for File {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl WriteFile for File {
    fn sync(&mut self) -> io::Result<()> {
        self.flush()
    }
}
