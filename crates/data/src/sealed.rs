//! Sealed folders: files that never change, and a manifest that knows each one's checksum.
//!
//! A folder is written under a name that starts with a dot, synced, and renamed: it is there
//! whole or not at all. An import of a log is one, a model version is one. The manifest is
//! JSON that ends with the checksum of all bytes before it, so that it guards itself:
//!
//! ```text
//! {
//!   "format": "tastemaker-folder", "version": 1, "kind": "model", "facts": {...},
//!   "files": [{"name": "als.safetensors", "bytes": 123, "blake3": "..."}],
//!   "blake3": "..."
//! }
//! ```

use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

mod series;

pub use series::{id_after, ids, is_id, open_as};

use crate::files::read_all;
use crate::{Change, Error, Files, Result, WriteFile};

/// Name of the manifest in every folder.
pub const MANIFEST: &str = "manifest.json";
/// Prefix of folders that are being written; a writer removes leftovers.
pub const STAGING: &str = ".staging-";
/// Version of the folder format that this program writes, and the newest it reads.
pub const FOLDER_VERSION: u32 = 1;
const FOLDER_FORMAT: &str = "tastemaker-folder";

/// One file of a sealed folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SealedFile {
    /// Name inside the folder.
    pub name: String,
    /// Its size.
    pub bytes: u64,
    /// BLAKE3 of its bytes, in hex.
    pub blake3: String,
}

/// What a sealed folder says of itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    format: String,
    version: u32,
    /// `import`, `model`, `report` or `play`.
    pub kind: String,
    /// Facts of that kind.
    pub facts: serde_json::Value,
    /// Every file but the manifest.
    pub files: Vec<SealedFile>,
}

/// A folder being written. Dropped before [`Staged::seal`], it takes its files with it.
pub struct Staged {
    files: Arc<dyn Files>,
    staging: PathBuf,
    target: PathBuf,
    sealed: Vec<SealedFile>,
    published: bool,
}

impl Staged {
    /// Begins a folder that will be `parent/name`.
    pub fn begin(files: Arc<dyn Files>, parent: &Path, name: &str) -> Result<Staged> {
        let staging = parent.join(format!("{STAGING}{name}"));
        let target = parent.join(name);
        if files.open(&target.join(MANIFEST)).is_ok() {
            return Err(Error::Refused(format!("{}: exists already", target.display())));
        }
        files.change(Change::MakeDir(parent)).map_err(Error::io(parent))?;
        if files.list(parent).map_err(Error::io(parent))?.contains(&staging) {
            files.change(Change::Remove(&staging)).map_err(Error::io(&staging))?;
        }
        files.change(Change::MakeDir(&staging)).map_err(Error::io(&staging))?;
        Ok(Staged { files, staging, target, sealed: Vec::new(), published: false })
    }

    /// Where the folder lies while it is written; files that [`Staged::create`] did not make
    /// are not part of it.
    pub fn path(&self) -> &Path {
        &self.staging
    }

    /// Begins a file. Close it with [`Staged::finish`].
    pub fn create(&self, name: &str) -> Result<SealingFile> {
        let path = self.staging.join(name);
        let file = self.files.create(&path).map_err(Error::io(&path))?;
        let inner = BufWriter::with_capacity(
            1 << 20,
            Hashing { file, hasher: blake3::Hasher::new(), bytes: 0 },
        );
        Ok(SealingFile { name: name.to_owned(), path, inner })
    }

    /// Syncs a file and takes it into the folder.
    pub fn finish(&mut self, mut file: SealingFile) -> Result<()> {
        file.inner.flush().map_err(Error::io(&file.path))?;
        let mut hashing = file.inner.into_inner().map_err(|error| Error::Io {
            path: file.path.clone(),
            source: error.into_error(),
        })?;
        hashing.file.sync().map_err(Error::io(&file.path))?;
        self.sealed.push(SealedFile {
            name: file.name,
            bytes: hashing.bytes,
            blake3: hashing.hasher.finalize().to_hex().to_string(),
        });
        Ok(())
    }

    /// Writes a whole file.
    pub fn add(&mut self, name: &str, bytes: &[u8]) -> Result<()> {
        let mut file = self.create(name)?;
        file.write_all(bytes).map_err(Error::io(&self.staging.join(name)))?;
        self.finish(file)
    }

    /// Writes the manifest, syncs and renames. Returns the checksum of the manifest.
    pub fn seal(mut self, kind: &str, facts: serde_json::Value) -> Result<String> {
        self.sealed.sort_by(|a, b| a.name.cmp(&b.name));
        let manifest = Manifest {
            format: FOLDER_FORMAT.to_owned(),
            version: FOLDER_VERSION,
            kind: kind.to_owned(),
            facts,
            files: std::mem::take(&mut self.sealed),
        };
        let checksum =
            write_checked(self.files.as_ref(), &self.staging.join(MANIFEST), &manifest)?;
        let change = |change| self.files.change(change).map_err(Error::io(&self.target));
        change(Change::SyncDir(&self.staging))?;
        change(Change::Rename { from: &self.staging, to: &self.target })?;
        if let Some(parent) = self.target.parent() {
            change(Change::SyncDir(parent))?;
        }
        self.published = true;
        Ok(checksum)
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        if !self.published {
            // Where even this fails the next writer finds the name and removes it.
            let _ = self.files.change(Change::Remove(&self.staging));
        }
    }
}

/// A file of a folder being written: counts and hashes what passes.
pub struct SealingFile {
    name: String,
    path: PathBuf,
    inner: BufWriter<Hashing>,
}

impl Write for SealingFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.inner.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

struct Hashing {
    file: Box<dyn WriteFile>,
    hasher: blake3::Hasher,
    bytes: u64,
}

impl Write for Hashing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.hasher.update(&bytes[..written]);
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// Reads the manifest of the folder at `path`.
pub fn open(files: &dyn Files, path: &Path) -> Result<Manifest> {
    let place = path.join(MANIFEST);
    let (manifest, _): (Manifest, String) = read_checked(files, &place)?;
    if manifest.format != FOLDER_FORMAT {
        return Err(Error::damaged(&place, format!("format {:?} is unknown", manifest.format)));
    }
    if manifest.version > FOLDER_VERSION {
        return Err(Error::Newer {
            path: place,
            found: manifest.version,
            known: FOLDER_VERSION,
        });
    }
    Ok(manifest)
}

impl Manifest {
    /// Reads the file `name` of the folder at `path` and checks it against its checksum.
    pub fn read(&self, files: &dyn Files, path: &Path, name: &str) -> Result<Bytes> {
        let place = path.join(name);
        let sealed = self.sealed(&place, name)?;
        let bytes = read_all(files, &place)?;
        sealed.compare(&place, bytes.len() as u64, blake3::hash(&bytes))?;
        Ok(Bytes::from(bytes))
    }

    /// Checks the file `name` of the folder at `path` against its checksum, a piece at a time; gives
    /// its bytes' number.
    pub fn check(&self, files: &dyn Files, path: &Path, name: &str) -> Result<u64> {
        let place = path.join(name);
        let sealed = self.sealed(&place, name)?;
        let mut file = files.open(&place).map_err(Error::io(&place))?;
        let mut hasher = blake3::Hasher::new();
        let length = io::copy(&mut file, &mut hasher).map_err(Error::io(&place))?;
        sealed.compare(&place, length, hasher.finalize())?;
        Ok(length)
    }

    /// Whether the folder has a file of that name.
    fn has(&self, name: &str) -> bool {
        self.files.iter().any(|file| file.name == name)
    }

    fn sealed(&self, place: &Path, name: &str) -> Result<&SealedFile> {
        self.files
            .iter()
            .find(|file| file.name == name)
            .ok_or_else(|| Error::damaged(place, "the manifest does not name this file"))
    }

    /// The facts as their own type.
    pub fn facts<T: DeserializeOwned>(&self, path: &Path) -> Result<T> {
        serde_json::from_value(self.facts.clone())
            .map_err(|error| Error::damaged(&path.join(MANIFEST), error.to_string()))
    }
}

impl SealedFile {
    fn compare(&self, place: &Path, bytes: u64, hash: blake3::Hash) -> Result<()> {
        let what = if bytes != self.bytes {
            format!("{bytes} bytes, sealed with {}", self.bytes)
        } else if hash.to_hex().as_str() != self.blake3 {
            "its checksum is not the sealed one".into()
        } else {
            return Ok(());
        };
        Err(Error::damaged(place, what))
    }
}

/// Checks every byte of the folder at `path`: what is damaged, missing, or there without being
/// named. Empty: all is well.
pub fn verify(files: &dyn Files, path: &Path) -> Vec<Error> {
    let manifest = match open(files, path) {
        Ok(manifest) => manifest,
        Err(error) => return vec![error],
    };
    let mut found: Vec<Error> = manifest
        .files
        .iter()
        .filter_map(|file| manifest.check(files, path, &file.name).err())
        .collect();
    match files.list(path) {
        Ok(entries) => found.extend(entries.iter().filter_map(|entry| {
            let name = entry.file_name()?.to_string_lossy().into_owned();
            let known = name == MANIFEST || manifest.has(&name);
            (!known).then(|| Error::damaged(entry, "the manifest does not name this file"))
        })),
        Err(error) => found.push(Error::io(path)(error)),
    }
    found
}

/// Replaces the JSON file at `path` atomically by `body`, which must be a JSON object, with
/// its own checksum as the last field. Returns that checksum.
pub fn write_checked<T: Serialize>(files: &dyn Files, path: &Path, body: &T) -> Result<String> {
    let json = serde_json::to_string_pretty(body)
        .map_err(|error| Error::input(path.display(), error.to_string()))?;
    let open = json.strip_suffix("\n}").ok_or_else(|| {
        Error::input(path.display(), "a checked file holds a JSON object with fields")
    })?;
    let checksum = blake3::hash(open.as_bytes()).to_hex().to_string();
    let text = format!("{open},\n  \"blake3\": \"{checksum}\"\n}}\n");

    let name = path.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
    let temporary = path.with_file_name(format!(".{name}.new"));
    let _ = files.change(Change::Remove(&temporary));
    let write = || -> io::Result<()> {
        let mut file = files.create(&temporary)?;
        file.write_all(text.as_bytes())?;
        file.sync()?;
        files.change(Change::Rename { from: &temporary, to: path })?;
        path.parent().map_or(Ok(()), |parent| files.change(Change::SyncDir(parent)))
    };
    write().map_err(Error::io(path))?;
    Ok(checksum)
}

/// Reads a file of [`write_checked`] and its checksum.
pub fn read_checked<T: DeserializeOwned>(
    files: &dyn Files,
    path: &Path,
) -> Result<(T, String)> {
    let bytes = read_all(files, path)?;
    let text = std::str::from_utf8(&bytes)
        .map_err(|_| Error::damaged(path, "it is not UTF-8, so it is not what was written"))?;
    let cut = text
        .rfind(",\n  \"blake3\": \"")
        .ok_or_else(|| Error::damaged(path, "it does not end with its checksum"))?;
    let open = &text[..cut];
    let checksum = blake3::hash(open.as_bytes()).to_hex().to_string();
    if text[cut..] != format!(",\n  \"blake3\": \"{checksum}\"\n}}\n") {
        return Err(Error::damaged(path, "its checksum is not the one it was written with"));
    }
    let body = serde_json::from_str(&format!("{open}\n}}"))
        .map_err(|error| Error::damaged(path, error.to_string()))?;
    Ok((body, checksum))
}
