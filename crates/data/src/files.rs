//! All file access of the house goes through this small trait, so that faults can be planted
//! under every reader and writer ([`crate::FaultyFiles`]).

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};

use crate::random::{Access, RandomFile, open_real};

/// A file open for reading.
pub trait ReadFile: Read + Seek + Send {}
impl<T: Read + Seek + Send> ReadFile for T {}

/// A file open for writing.
pub trait WriteFile: Write + Send {
    /// Forces what was written to the device. Never retried: after a failed sync the pages may
    /// be lost although a second call reports success.
    fn sync(&mut self) -> io::Result<()>;
}

impl WriteFile for File {
    fn sync(&mut self) -> io::Result<()> {
        self.sync_all()
    }
}

/// A change of the tree of files.
#[derive(Debug, Clone, Copy)]
pub enum Change<'a> {
    /// Makes a folder and what is missing above it.
    MakeDir(&'a Path),
    /// Renames a file or folder.
    Rename {
        /// Present name.
        from: &'a Path,
        /// Name afterwards; an existing file there is replaced.
        to: &'a Path,
    },
    /// Removes a file or a folder with everything in it.
    Remove(&'a Path),
    /// Forces the entries of a folder to the device.
    SyncDir(&'a Path),
}

/// Held while writing to a log; released on drop, by the system when the process dies.
#[derive(Debug)]
pub struct Lock(#[allow(dead_code, reason = "the open file is the lock")] Option<File>);

impl Lock {
    /// A lock that locks nothing, for file systems in memory.
    pub fn none() -> Lock {
        Lock(None)
    }
}

/// Files and folders, real or faulty.
pub trait Files: Send + Sync {
    /// Opens a file for reading.
    fn open(&self, path: &Path) -> io::Result<Box<dyn ReadFile>>;

    /// Makes a new file; fails where one exists.
    fn create(&self, path: &Path) -> io::Result<Box<dyn WriteFile>>;

    /// Opens or makes a file that is read and written at any place. Files that have no such thing refuse.
    fn random(&self, path: &Path, access: Access) -> io::Result<Box<dyn RandomFile>> {
        let what = format!("{}: no random access here ({access:?})", path.display());
        Err(io::Error::new(io::ErrorKind::Unsupported, what))
    }

    /// Changes the tree.
    fn change(&self, change: Change<'_>) -> io::Result<()>;

    /// The entries of a folder, sorted by name; none where there is no folder.
    fn list(&self, dir: &Path) -> io::Result<Vec<PathBuf>>;

    /// Takes the lock at `path`, or `None` where another process holds it.
    fn lock(&self, path: &Path) -> io::Result<Option<Lock>>;
}

/// The operating system's files.
#[derive(Debug, Clone, Copy, Default)]
pub struct RealFiles;

/// Makes a folder and those above it, whose entries are safe then.
fn make_dirs(path: &Path) -> io::Result<()> {
    let is_new = |path: &&Path| !path.as_os_str().is_empty() && !path.is_dir();
    let new: Vec<&Path> = path.ancestors().take_while(is_new).collect();
    std::fs::create_dir_all(path)?;
    for parent in new.iter().filter_map(|path| path.parent()) {
        let here = parent.as_os_str().is_empty();
        File::open(if here { Path::new(".") } else { parent })?.sync_all()?;
    }
    Ok(())
}

impl Files for RealFiles {
    fn open(&self, path: &Path) -> io::Result<Box<dyn ReadFile>> {
        Ok(Box::new(File::open(path)?))
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn WriteFile>> {
        Ok(Box::new(OpenOptions::new().write(true).create_new(true).open(path)?))
    }

    fn random(&self, path: &Path, access: Access) -> io::Result<Box<dyn RandomFile>> {
        Ok(Box::new(open_real(path, access)?))
    }

    fn change(&self, change: Change<'_>) -> io::Result<()> {
        match change {
            Change::MakeDir(path) => make_dirs(path),
            Change::Rename { from, to } => std::fs::rename(from, to),
            Change::Remove(path) if path.is_dir() => std::fs::remove_dir_all(path),
            Change::Remove(path) => std::fs::remove_file(path),
            Change::SyncDir(path) => File::open(path)?.sync_all(),
        }
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<PathBuf>> {
        let entries = match std::fs::read_dir(dir) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let mut paths =
            entries.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<PathBuf>>>()?;
        paths.sort();
        Ok(paths)
    }

    fn lock(&self, path: &Path) -> io::Result<Option<Lock>> {
        let file = OpenOptions::new().write(true).create(true).truncate(false).open(path)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Lock(Some(file)))),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }
}

/// Reads a whole file.
pub(crate) fn read_all(files: &dyn Files, path: &Path) -> crate::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut file = files.open(path).map_err(crate::Error::io(path))?;
    file.read_to_end(&mut bytes).map_err(crate::Error::io(path))?;
    Ok(bytes)
}
