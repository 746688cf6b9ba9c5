//! A file system in memory that loses power: what was not synced is gone afterwards, or half of it is.
//!
//! A folder's entries and a file's bytes are durable apart from each other, as POSIX has it: a file that was synced
//! under a name that was not is lost, and so is a name whose bytes were not.

use std::collections::BTreeMap;
use std::io::{self, Cursor, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use data::{Access, Change, Files, Lock, RandomFile, ReadFile, WriteFile};

/// What is left after the power is lost.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Loss {
    /// All that was written: the process died, the machine did not.
    Nothing,
    /// Only what was synced.
    Unsynced,
    /// Of what was not synced, some entries and some bytes.
    Some(u64),
}

#[derive(Debug, Default, Clone)]
struct Bytes {
    now: Vec<u8>,
    durable: Vec<u8>,
}

type Inode = Arc<Mutex<Bytes>>;

/// An entry of a folder: a file, or a folder by its own number.
#[derive(Debug, Clone)]
enum Entry {
    File(Inode),
    Folder(usize),
}

#[derive(Debug, Default, Clone)]
struct Folder {
    now: BTreeMap<String, Entry>,
    durable: BTreeMap<String, Entry>,
}

#[derive(Debug)]
struct Disk {
    folders: Vec<Folder>,
    done: u64,
    fail_from: u64,
}

#[derive(Debug, Clone)]
pub(crate) struct CrashingFiles(Arc<Mutex<Disk>>);

impl CrashingFiles {
    pub(crate) fn new() -> CrashingFiles {
        CrashingFiles::over(vec![Folder::default()])
    }

    fn over(folders: Vec<Folder>) -> CrashingFiles {
        CrashingFiles(Arc::new(Mutex::new(Disk { folders, done: 0, fail_from: u64::MAX })))
    }

    /// Operations from number `from`, counted from now, fail; a write leaves half of its bytes.
    pub(crate) fn fail_from(&self, from: u64) {
        let mut disk = self.0.lock().unwrap();
        (disk.done, disk.fail_from) = (0, from);
    }

    /// Operations since then.
    pub(crate) fn operations(&self) -> u64 {
        self.0.lock().unwrap().done
    }

    /// The disk as it is found after power is lost.
    pub(crate) fn after(&self, loss: Loss) -> CrashingFiles {
        let disk = self.0.lock().unwrap();
        let mut draw = 0u64;
        let mut coin = |seed: u64| {
            draw += 1;
            let mixed = (seed ^ draw.wrapping_mul(0x9e37_79b9_7f4a_7c15))
                .wrapping_mul(0xbf58_476d_1ce4_e5b9);
            (mixed >> 32) as usize
        };
        let mut folders = Vec::new();
        for folder in &disk.folders {
            let mut kept = BTreeMap::new();
            for name in folder.now.keys().chain(folder.durable.keys()) {
                let (now, durable) = (folder.now.get(name), folder.durable.get(name));
                let entry = match loss {
                    Loss::Nothing => now,
                    Loss::Unsynced => durable,
                    Loss::Some(seed) => [now, durable][coin(seed) % 2],
                };
                let Some(entry) = entry else { continue };
                let entry = match entry {
                    Entry::Folder(at) => Entry::Folder(*at),
                    Entry::File(inode) => {
                        let bytes = inode.lock().unwrap();
                        let left = match loss {
                            Loss::Nothing => bytes.now.clone(),
                            Loss::Unsynced => bytes.durable.clone(),
                            Loss::Some(_) if bytes.now == bytes.durable => bytes.now.clone(),
                            // Written over: some pieces came to the device, in no order.
                            Loss::Some(seed) if bytes.now.len() == bytes.durable.len() => {
                                let pieces = bytes.now.chunks(8).zip(bytes.durable.chunks(8));
                                pieces
                                    .flat_map(|(now, durable)| [now, durable][coin(seed) % 2])
                                    .copied()
                                    .collect()
                            }
                            Loss::Some(seed) => {
                                bytes.now[..coin(seed) % (bytes.now.len() + 1)].to_vec()
                            }
                        };
                        let (now, durable) = (left.clone(), left);
                        Entry::File(Arc::new(Mutex::new(Bytes { now, durable })))
                    }
                };
                kept.insert(name.clone(), entry);
            }
            folders.push(Folder { now: kept.clone(), durable: kept });
        }
        CrashingFiles::over(folders)
    }

    /// Changes the bytes of a file, as a bad disk does.
    pub(crate) fn spoil(&self, path: &Path, spoil: impl FnOnce(&mut Vec<u8>)) {
        let disk = self.0.lock().unwrap();
        let (at, name) = disk.place(path).unwrap();
        let Some(Entry::File(inode)) = disk.folders[at].now.get(&name) else {
            panic!("{path:?}")
        };
        let mut bytes = inode.lock().unwrap();
        spoil(&mut bytes.now);
        bytes.durable = bytes.now.clone();
    }
}

fn missing(path: &Path) -> io::Error {
    io::Error::new(io::ErrorKind::NotFound, format!("{} is not there", path.display()))
}

impl Disk {
    fn count(&mut self) -> io::Result<()> {
        self.done += 1;
        if self.done > self.fail_from {
            return Err(io::Error::new(io::ErrorKind::StorageFull, "planted: no space left"));
        }
        Ok(())
    }

    fn folder(&self, path: &Path) -> io::Result<usize> {
        let mut at = 0;
        for part in path.iter().filter(|part| *part != "/") {
            match self.folders[at].now.get(&*part.to_string_lossy()) {
                Some(Entry::Folder(next)) => at = *next,
                _ => return Err(missing(path)),
            }
        }
        Ok(at)
    }

    fn place(&self, path: &Path) -> io::Result<(usize, String)> {
        let parent = path.parent().ok_or_else(|| missing(path))?;
        let name = path.file_name().ok_or_else(|| missing(path))?;
        Ok((self.folder(parent)?, name.to_string_lossy().into_owned()))
    }
}

impl Files for CrashingFiles {
    fn open(&self, path: &Path) -> io::Result<Box<dyn ReadFile>> {
        let mut disk = self.0.lock().unwrap();
        disk.count()?;
        let (at, name) = disk.place(path)?;
        match disk.folders[at].now.get(&name) {
            Some(Entry::File(inode)) => {
                Ok(Box::new(Cursor::new(inode.lock().unwrap().now.clone())))
            }
            _ => Err(missing(path)),
        }
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn WriteFile>> {
        let mut disk = self.0.lock().unwrap();
        disk.count()?;
        let (at, name) = disk.place(path)?;
        if disk.folders[at].now.contains_key(&name) {
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, "it is there"));
        }
        let inode = Inode::default();
        disk.folders[at].now.insert(name, Entry::File(inode.clone()));
        Ok(Box::new(Writing { inode, disk: self.clone() }))
    }

    fn random(&self, path: &Path, access: Access) -> io::Result<Box<dyn RandomFile>> {
        let mut disk = self.0.lock().unwrap();
        disk.count()?;
        let (at, name) = disk.place(path)?;
        let inode = match disk.folders[at].now.get(&name) {
            Some(Entry::File(inode)) => inode.clone(),
            None if access.create => {
                let inode = Inode::default();
                disk.folders[at].now.insert(name, Entry::File(inode.clone()));
                inode
            }
            _ => return Err(missing(path)),
        };
        Ok(Box::new(Anywhere { inode, disk: self.clone() }))
    }

    fn change(&self, change: Change<'_>) -> io::Result<()> {
        let mut disk = self.0.lock().unwrap();
        disk.count()?;
        match change {
            Change::MakeDir(path) => {
                let mut so_far = PathBuf::from("/");
                for part in path.iter().filter(|part| *part != "/") {
                    let parent = disk.folder(&so_far)?;
                    so_far.push(part);
                    if disk.folder(&so_far).is_err() {
                        let at = disk.folders.len();
                        disk.folders.push(Folder::default());
                        let name = part.to_string_lossy().into_owned();
                        disk.folders[parent].now.insert(name, Entry::Folder(at));
                    }
                }
            }
            Change::Rename { from, to } => {
                let (old, new) = (disk.place(from)?, disk.place(to)?);
                let entry =
                    disk.folders[old.0].now.remove(&old.1).ok_or_else(|| missing(from))?;
                disk.folders[new.0].now.insert(new.1, entry);
            }
            Change::Remove(path) => {
                let (at, name) = disk.place(path)?;
                disk.folders[at].now.remove(&name).ok_or_else(|| missing(path))?;
            }
            Change::SyncDir(path) => {
                let at = disk.folder(path)?;
                disk.folders[at].durable = disk.folders[at].now.clone();
            }
        }
        Ok(())
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<PathBuf>> {
        let mut disk = self.0.lock().unwrap();
        disk.count()?;
        match disk.folder(dir) {
            Ok(at) => Ok(disk.folders[at].now.keys().map(|name| dir.join(name)).collect()),
            Err(_) => Ok(Vec::new()),
        }
    }

    fn lock(&self, _: &Path) -> io::Result<Option<Lock>> {
        Ok(Some(Lock::none()))
    }
}

struct Writing {
    inode: Inode,
    disk: CrashingFiles,
}

impl Write for Writing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let counted = self.disk.0.lock().unwrap().count();
        let some = if counted.is_ok() { bytes.len() } else { bytes.len() / 2 };
        self.inode.lock().unwrap().now.extend_from_slice(&bytes[..some]);
        counted.map(|()| some)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl WriteFile for Writing {
    fn sync(&mut self) -> io::Result<()> {
        self.disk.0.lock().unwrap().count()?;
        let mut bytes = self.inode.lock().unwrap();
        bytes.durable = bytes.now.clone();
        Ok(())
    }
}

/// A file that is read and written anywhere.
struct Anywhere {
    inode: Inode,
    disk: CrashingFiles,
}

impl RandomFile for Anywhere {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        self.disk.0.lock().unwrap().count()?;
        let bytes = self.inode.lock().unwrap();
        let from = offset as usize;
        let found = bytes.now.get(from..from + buffer.len());
        buffer.copy_from_slice(found.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let counted = self.disk.0.lock().unwrap().count();
        let some = if counted.is_ok() { bytes.len() } else { bytes.len() / 2 };
        let mut own = self.inode.lock().unwrap();
        let end = offset as usize + some;
        let len = own.now.len().max(end);
        own.now.resize(len, 0);
        own.now[offset as usize..end].copy_from_slice(&bytes[..some]);
        counted
    }

    fn set_len(&self, bytes: u64) -> io::Result<()> {
        self.disk.0.lock().unwrap().count()?;
        self.inode.lock().unwrap().now.resize(bytes as usize, 0);
        Ok(())
    }

    fn len(&self) -> io::Result<u64> {
        Ok(self.inode.lock().unwrap().now.len() as u64)
    }

    fn sync(&self) -> io::Result<()> {
        self.disk.0.lock().unwrap().count()?;
        let mut bytes = self.inode.lock().unwrap();
        bytes.durable = bytes.now.clone();
        Ok(())
    }
}

/// What is never synced, though it says so.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Never {
    /// Files that are written from their beginning to their end.
    Written,
    /// Files that are written anywhere.
    Random,
    Folders,
}

/// A disk with a planted bug.
pub(crate) struct Planted(pub(crate) CrashingFiles, pub(crate) Never);

/// A file of it.
struct Lying<F>(F);

impl Write for Lying<Box<dyn WriteFile>> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl WriteFile for Lying<Box<dyn WriteFile>> {
    fn sync(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl RandomFile for Lying<Box<dyn RandomFile>> {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        self.0.read_at(buffer, offset)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.0.write_at(bytes, offset)
    }

    fn set_len(&self, bytes: u64) -> io::Result<()> {
        self.0.set_len(bytes)
    }

    fn len(&self) -> io::Result<u64> {
        self.0.len()
    }

    fn sync(&self) -> io::Result<()> {
        Ok(())
    }
}

impl Files for Planted {
    fn open(&self, path: &Path) -> io::Result<Box<dyn ReadFile>> {
        self.0.open(path)
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn WriteFile>> {
        let file = self.0.create(path)?;
        Ok(if matches!(self.1, Never::Written) { Box::new(Lying(file)) } else { file })
    }

    fn random(&self, path: &Path, access: Access) -> io::Result<Box<dyn RandomFile>> {
        let file = self.0.random(path, access)?;
        Ok(if matches!(self.1, Never::Random) { Box::new(Lying(file)) } else { file })
    }

    fn change(&self, change: Change<'_>) -> io::Result<()> {
        match (self.1, change) {
            (Never::Folders, Change::SyncDir(_)) => Ok(()),
            (_, change) => self.0.change(change),
        }
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<PathBuf>> {
        self.0.list(dir)
    }

    fn lock(&self, path: &Path) -> io::Result<Option<Lock>> {
        self.0.lock(path)
    }
}
