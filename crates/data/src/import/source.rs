//! Opening a source: plain, gzip or zstd by its first bytes, decompressed on a thread of its
//! own, handed out line by line with bounded memory.

use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, sync_channel};

use flate2::bufread::MultiGzDecoder;

use crate::{Error, Files, Progress, ReadFile, Result};

/// Longest line that is looked at; a longer one is a reject.
pub(super) const LINE_BYTES_MAX: usize = 1 << 20;
const BLOCK_BYTES: usize = 1 << 20;
const BLOCKS_AHEAD: usize = 4;
/// Lines between two reports of progress.
const LINES_PER_STEP: u64 = 1 << 15;

/// The name of a file, without its folder.
pub(super) fn file_name(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

/// Its name without `.gz` and `.zst`.
pub(super) fn bare_name(path: &Path) -> String {
    let name = file_name(path);
    let bare = name.strip_suffix(".gz").or_else(|| name.strip_suffix(".zst"));
    bare.map(str::to_owned).unwrap_or(name)
}

/// Its size in bytes.
pub(super) fn size(files: &Arc<dyn Files>, path: &Path) -> Result<u64> {
    let mut file = files.open(path).map_err(Error::io(path))?;
    file.seek(io::SeekFrom::End(0)).map_err(Error::io(path))
}

/// Its size and the BLAKE3 of its bytes as they lie there.
pub(super) fn fingerprint(
    files: &Arc<dyn Files>,
    path: &Path,
    progress: &Progress<'_>,
) -> Result<(u64, String)> {
    let mut file = files.open(path).map_err(Error::io(path))?;
    let mut hasher = blake3::Hasher::new();
    let mut block = vec![0; BLOCK_BYTES];
    let mut bytes = 0;
    loop {
        progress.check()?;
        match file.read(&mut block).map_err(Error::io(path))? {
            0 => return Ok((bytes, hasher.finalize().to_hex().to_string())),
            read => {
                hasher.update(&block[..read]);
                bytes += read as u64;
            }
        }
    }
}

/// Lines of a source, without their ends. A line over [`LINE_BYTES_MAX`] comes as
/// [`Line::TooLong`]; its bytes are skipped, not kept.
pub(super) struct Lines {
    path: PathBuf,
    blocks: Receiver<io::Result<Vec<u8>>>,
    block: Vec<u8>,
    at: usize,
    /// The beginning of a line that a block cut in two.
    carried: Vec<u8>,
    skipping: bool,
    number: u64,
    ended: bool,
    raw_read: Arc<AtomicU64>,
    raw_bytes: u64,
}

/// One line.
pub(super) enum Line<'a> {
    /// Its bytes, without the end of line.
    Bytes(&'a [u8]),
    /// It has more bytes than a line may have.
    TooLong,
}

impl Lines {
    pub(super) fn open(files: &Arc<dyn Files>, path: &Path) -> Result<Lines> {
        let raw_bytes = size(files, path)?;
        let file = files.open(path).map_err(Error::io(path))?;
        let raw_read = Arc::new(AtomicU64::new(0));
        let (send, blocks) = sync_channel(BLOCKS_AHEAD);
        let counted = Counted { file, read: raw_read.clone() };
        std::thread::spawn(move || {
            let sent = decompressed(counted).and_then(|mut reader| {
                loop {
                    let mut block = Vec::with_capacity(BLOCK_BYTES);
                    reader.by_ref().take(BLOCK_BYTES as u64).read_to_end(&mut block)?;
                    let end = block.is_empty();
                    // Nobody listens any more where the importer gave up.
                    if end || send.send(Ok(block)).is_err() {
                        return Ok(());
                    }
                }
            });
            if let Err(error) = sent {
                let _ = send.send(Err(error));
            }
        });
        Ok(Lines {
            path: path.to_path_buf(),
            blocks,
            block: Vec::new(),
            at: 0,
            carried: Vec::new(),
            skipping: false,
            number: 0,
            ended: false,
            raw_read,
            raw_bytes,
        })
    }

    /// Number of the line that came last, from 1.
    pub(super) fn number(&self) -> u64 {
        self.number
    }

    /// Reports how far the reading is, every so many lines.
    pub(super) fn step(&self, progress: &Progress<'_>) -> Result<()> {
        if self.number % LINES_PER_STEP == 1 {
            let read = self.raw_read.load(Ordering::Relaxed);
            progress.step("reading bytes", read, Some(self.raw_bytes))?;
        }
        Ok(())
    }

    /// The next line.
    pub(super) fn next(&mut self) -> Result<Option<Line<'_>>> {
        self.carried.clear();
        self.skipping = false;
        loop {
            if self.at == self.block.len() && !self.refill()? {
                if self.carried.is_empty() && !self.skipping {
                    return Ok(None);
                }
                self.number += 1;
                if self.skipping {
                    return Ok(Some(Line::TooLong));
                }
                return Ok(Some(Line::Bytes(without_return(&self.carried))));
            }
            let rest = &self.block[self.at..];
            let Some(end) = memchr::memchr(b'\n', rest) else {
                self.carry(self.at, self.block.len());
                self.at = self.block.len();
                continue;
            };
            let from = self.at;
            self.at += end + 1;
            self.number += 1;
            if self.skipping || self.carried.len() + end > LINE_BYTES_MAX {
                return Ok(Some(Line::TooLong));
            }
            if self.carried.is_empty() {
                return Ok(Some(Line::Bytes(without_return(&self.block[from..from + end]))));
            }
            self.carry(from, from + end);
            return Ok(Some(Line::Bytes(without_return(&self.carried))));
        }
    }

    fn carry(&mut self, from: usize, to: usize) {
        if self.skipping || self.carried.len() + (to - from) > LINE_BYTES_MAX {
            self.skipping = true;
            self.carried.clear();
        } else {
            self.carried.extend_from_slice(&self.block[from..to]);
        }
    }

    fn refill(&mut self) -> Result<bool> {
        if self.ended {
            return Ok(false);
        }
        match self.blocks.recv() {
            Ok(Ok(block)) => {
                self.block = block;
                self.at = 0;
                // The mark that some programs put before UTF-8 text.
                if self.number == 0 && self.block.starts_with(b"\xef\xbb\xbf") {
                    self.at = 3;
                }
                Ok(true)
            }
            Ok(Err(error)) => Err(Error::input(
                self.path.display(),
                format!("cannot be read to its end ({error}); is the file whole?"),
            )),
            Err(_) => {
                self.ended = true;
                Ok(false)
            }
        }
    }
}

fn without_return(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\r").unwrap_or(line)
}

struct Counted {
    file: Box<dyn ReadFile>,
    read: Arc<AtomicU64>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(buffer)?;
        self.read.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}

fn decompressed(file: Counted) -> io::Result<Box<dyn Read>> {
    let mut reader = BufReader::with_capacity(BLOCK_BYTES, file);
    let head = io::BufRead::fill_buf(&mut reader)?;
    Ok(if head.starts_with(&[0x1f, 0x8b]) {
        Box::new(MultiGzDecoder::new(reader))
    } else if head.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) {
        Box::new(zstd::Decoder::with_buffer(reader)?)
    } else {
        Box::new(reader)
    })
}

/// Finds the one of `names` that lies in the folder `dir`, plain or packed.
pub(super) fn find(files: &Arc<dyn Files>, dir: &Path, names: &[&str]) -> Result<Option<PathBuf>> {
    let entries = files.list(dir).map_err(Error::io(dir))?;
    let wanted = |name: &&str| entries.iter().find(|path| bare_name(path) == **name).cloned();
    Ok(names.iter().find_map(wanted))
}

/// Whether `path` is a folder.
pub(super) fn is_folder(files: &Arc<dyn Files>, path: &Path) -> bool {
    files.list(path).is_ok_and(|entries| !entries.is_empty())
}
