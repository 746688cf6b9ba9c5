//! Files that are read and written at any place, for slabs of records: real ones, and ones that fail on
//! purpose as [`crate::FaultyFiles`] says.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use crate::faulty::FaultyFiles;

/// How a [`RandomFile`] is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Access {
    /// Makes a new file, and fails where one exists; else it must exist.
    pub create: bool,
    /// Goes past the page cache (`O_DIRECT`): places, sizes and addresses of buffers must be multiples of
    /// [`DIRECT_BYTES`].
    pub direct: bool,
}

/// What a direct access is a multiple of: a page, which is enough for every device in use.
pub const DIRECT_BYTES: usize = 4096;

/// A file open for reading and writing at any place, by several threads at once.
pub trait RandomFile: Send + Sync {
    /// Fills `buffer` from `offset` on; an error where the file ends before.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()>;

    /// Writes all of `bytes`.
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()>;

    /// Cuts the file, or lengthens it by zeros that take no place.
    fn set_len(&self, bytes: u64) -> io::Result<()>;

    /// Its size.
    fn len(&self) -> io::Result<u64>;

    /// Whether it has no byte.
    fn is_empty(&self) -> io::Result<bool> {
        Ok(self.len()? == 0)
    }

    /// Forces what was written to the device; never retried, as with [`crate::WriteFile::sync`].
    fn sync(&self) -> io::Result<()>;
}

/// `O_DIRECT` of Linux, which the standard library does not name.
#[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "x86")))]
const O_DIRECT: i32 = 0o40_000;
#[cfg(all(target_os = "linux", any(target_arch = "aarch64", target_arch = "arm")))]
const O_DIRECT: i32 = 0o200_000;
/// Elsewhere there is none, and what is asked for is refused.
#[cfg(not(all(
    target_os = "linux",
    any(
        target_arch = "x86_64",
        target_arch = "x86",
        target_arch = "aarch64",
        target_arch = "arm"
    )
)))]
const O_DIRECT: i32 = 0;

pub(crate) fn open_real(path: &Path, access: Access) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create_new(access.create);
    if access.direct {
        if O_DIRECT == 0 {
            return Err(io::Error::new(
                io::ErrorKind::Unsupported,
                "this system has no direct access to files; open it without",
            ));
        }
        options.custom_flags(O_DIRECT);
    }
    options.open(path)
}

impl RandomFile for File {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        self.read_exact_at(buffer, offset)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.write_all_at(bytes, offset)
    }

    fn set_len(&self, bytes: u64) -> io::Result<()> {
        File::set_len(self, bytes)
    }

    fn len(&self) -> io::Result<u64> {
        Ok(self.metadata()?.len())
    }

    fn sync(&self) -> io::Result<()> {
        self.sync_all()
    }
}

/// A real file under [`FaultyFiles`]. After the fault, and when it is closed, every second write that
/// was not synced is taken back (its file is never direct): a machine that loses power has written some pages and not others.
pub(crate) struct FaultyRandom {
    inner: File,
    faults: FaultyFiles,
    /// What lay where something was written since the last sync.
    before: Mutex<Vec<(u64, Vec<u8>)>>,
}

impl FaultyRandom {
    pub(crate) fn new(inner: File, faults: FaultyFiles) -> FaultyRandom {
        FaultyRandom { inner, faults, before: Mutex::default() }
    }

    fn remember(&self, bytes: usize, offset: u64) -> io::Result<()> {
        // What lies beyond the end reads as zeros.
        let mut old = vec![0; bytes];
        let known = self.inner.metadata()?.len().saturating_sub(offset);
        let known = usize::try_from(known).unwrap_or(bytes).min(bytes);
        self.inner.read_exact_at(&mut old[..known], offset)?;
        self.before.lock().unwrap_or_else(PoisonError::into_inner).push((offset, old));
        Ok(())
    }
}

impl RandomFile for FaultyRandom {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        self.faults.count()?;
        self.inner.read_exact_at(buffer, offset)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.remember(bytes.len(), offset)?;
        if let Err(fault) = self.faults.count() {
            let _torn = self.inner.write_all_at(&bytes[..bytes.len() / 2], offset);
            return Err(fault);
        }
        self.inner.write_all_at(bytes, offset)
    }

    fn set_len(&self, bytes: u64) -> io::Result<()> {
        self.faults.count()?;
        self.inner.set_len(bytes)
    }

    fn len(&self) -> io::Result<u64> {
        self.faults.count()?;
        RandomFile::len(&self.inner)
    }

    fn sync(&self) -> io::Result<()> {
        self.faults.count()?;
        self.inner.sync_all()?;
        self.before.lock().unwrap_or_else(PoisonError::into_inner).clear();
        Ok(())
    }
}

impl Drop for FaultyRandom {
    fn drop(&mut self) {
        if !self.faults.failed() {
            return;
        }
        let before =
            std::mem::take(self.before.get_mut().unwrap_or_else(PoisonError::into_inner));
        for (at, (offset, old)) in before.into_iter().enumerate().rev() {
            if at % 2 == 0 {
                let _lost = self.inner.write_all_at(&old, offset);
            }
        }
    }
}
