//! Files that fail on purpose: the n-th operation, or from the n-th operation on.
//!
//! A sweep over n shows that a failure at any point leaves the old state or the new one, never
//! a mix. After the fault nothing succeeds any more, which is what a killed process looks like
//! from the outside.

use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::files::{Change, Files, Lock, ReadFile, RealFiles, WriteFile};
use crate::random::{Access, FaultyRandom, RandomFile, open_real};

/// Real files that fail from the operation with a given number on.
#[derive(Debug, Clone)]
pub struct FaultyFiles {
    done: Arc<AtomicU64>,
    fail_from: u64,
}

impl FaultyFiles {
    /// Operations `0..fail_from` succeed, all later ones fail. A failing write leaves half of
    /// its bytes in the file, as a torn write does.
    pub fn failing_from(fail_from: u64) -> Self {
        Self { done: Arc::default(), fail_from }
    }

    /// Operations counted so far: with `fail_from = u64::MAX`, the number to sweep over.
    pub fn operations(&self) -> u64 {
        self.done.load(Ordering::Relaxed)
    }

    /// Whether an operation has failed.
    pub(crate) fn failed(&self) -> bool {
        self.operations() > self.fail_from
    }

    pub(crate) fn count(&self) -> io::Result<()> {
        if self.done.fetch_add(1, Ordering::Relaxed) >= self.fail_from {
            return Err(io::Error::other("planted fault"));
        }
        Ok(())
    }
}

impl Files for FaultyFiles {
    fn open(&self, path: &Path) -> io::Result<Box<dyn ReadFile>> {
        self.count()?;
        Ok(Box::new(FaultyRead { inner: RealFiles.open(path)?, faults: self.clone() }))
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn WriteFile>> {
        self.count()?;
        Ok(Box::new(FaultyWrite { inner: RealFiles.create(path)?, faults: self.clone() }))
    }

    fn random(&self, path: &Path, access: Access) -> io::Result<Box<dyn RandomFile>> {
        self.count()?;
        // Not past the page cache: what is remembered to be taken back has any size.
        let file = open_real(path, Access { direct: false, ..access })?;
        Ok(Box::new(FaultyRandom::new(file, self.clone())))
    }

    fn change(&self, change: Change<'_>) -> io::Result<()> {
        self.count()?;
        RealFiles.change(change)
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<PathBuf>> {
        self.count()?;
        RealFiles.list(dir)
    }

    fn lock(&self, path: &Path) -> io::Result<Option<Lock>> {
        self.count()?;
        RealFiles.lock(path)
    }
}

struct FaultyRead {
    inner: Box<dyn ReadFile>,
    faults: FaultyFiles,
}

impl Read for FaultyRead {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.faults.count()?;
        self.inner.read(buffer)
    }
}

impl Seek for FaultyRead {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.inner.seek(to)
    }
}

struct FaultyWrite {
    inner: Box<dyn WriteFile>,
    faults: FaultyFiles,
}

impl Write for FaultyWrite {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if let Err(fault) = self.faults.count() {
            let _torn = self.inner.write(&bytes[..bytes.len() / 2]);
            return Err(fault);
        }
        self.inner.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

impl WriteFile for FaultyWrite {
    fn sync(&mut self) -> io::Result<()> {
        self.faults.count()?;
        self.inner.sync()
    }
}
