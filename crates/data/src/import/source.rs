//! Opening a source: plain, gzip or zstd by its first bytes, decompressed on a thread of its
//! own, handed out line by line with bounded memory.

use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, sync_channel};

use flate2::bufread::MultiGzDecoder;

use super::RowSink;
use crate::{Error, Files, Progress, ReadFile, Result};

/// Longest line that is looked at; a longer one is a reject.
pub(super) const LINE_BYTES_MAX: usize = 1 << 20;
const BLOCK_BYTES: usize = 1 << 20;
const BLOCKS_AHEAD: usize = 4;
const PACKED_BYTES: usize = 1 << 17;
const MARK: &[u8] = b"\xef\xbb\xbf";
/// Why such a line is a reject.
pub(super) const LINE_TOO_LONG: &str = "the line is over 1 MiB long";

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
        // The readers report; this runs beside them.
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
pub(super) struct Lines<'p> {
    path: PathBuf,
    progress: Progress<'p>,
    /// An empty block is the end; a closed channel before it means that the thread died.
    blocks: Receiver<io::Result<Vec<u8>>>,
    block: Vec<u8>,
    at: usize,
    /// The beginning of a line that a block cut in two.
    carried: Vec<u8>,
    skipping: bool,
    number: u64,
    begun: bool,
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

impl<'p> Lines<'p> {
    /// Opens a file. `progress` hears of every block, so that even a line without an end can be
    /// stopped.
    pub(super) fn open(
        files: &Arc<dyn Files>,
        path: &Path,
        progress: &Progress<'p>,
    ) -> Result<Lines<'p>> {
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
                    if send.send(Ok(block)).is_err() || end {
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
            progress: *progress,
            blocks,
            block: Vec::new(),
            at: 0,
            carried: Vec::new(),
            skipping: false,
            number: 0,
            begun: false,
            ended: false,
            raw_read,
            raw_bytes,
        })
    }

    /// Number of the line that came last, from 1.
    pub(super) fn number(&self) -> u64 {
        self.number
    }

    /// The next line.
    #[inline]
    pub(super) fn next(&mut self) -> Result<Option<Line<'_>>> {
        // Nearly every line lies whole in its block.
        if let Some(length) = memchr::memchr(b'\n', &self.block[self.at..]) {
            let from = self.at;
            self.at += length + 1;
            self.number += 1;
            return Ok(Some(Line::Bytes(without_return(&self.block[from..from + length]))));
        }
        self.next_in_pieces()
    }

    fn next_in_pieces(&mut self) -> Result<Option<Line<'_>>> {
        self.carried.clear();
        self.skipping = false;
        loop {
            let rest = &self.block[self.at..];
            let newline = memchr::memchr(b'\n', rest);
            let to = newline.map_or(self.block.len(), |length| self.at + length);
            self.carry(self.at, to);
            self.at = to;
            if newline.is_some() {
                self.at += 1;
                break;
            }
            if !self.refill()? {
                if self.carried.is_empty() && !self.skipping {
                    return Ok(None);
                }
                break;
            }
        }
        self.number += 1;
        Ok(Some(if self.skipping {
            Line::TooLong
        } else {
            Line::Bytes(without_return(&self.carried))
        }))
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
        let read = self.raw_read.load(Ordering::Relaxed);
        self.progress.step("reading bytes", read, Some(self.raw_bytes))?;
        let problem = match self.blocks.recv() {
            Ok(Ok(block)) => {
                self.ended = block.is_empty();
                self.at = if self.begun { 0 } else { mark_bytes(&block) };
                self.block = block;
                self.begun = true;
                return Ok(!self.ended);
            }
            Ok(Err(error)) => error.to_string(),
            Err(_) => "its reader died".to_owned(),
        };
        self.ended = true;
        Err(unreadable(&self.path, &problem))
    }
}

fn unreadable(path: &Path, problem: &str) -> Error {
    let what = format!("cannot be read to its end ({problem}); is the file whole?");
    Error::input(path.display(), what)
}

/// Gives every line that is not empty to `take`, with its number; one that is too long is a
/// reject.
pub(super) fn each_line(
    lines: &mut Lines<'_>,
    sink: &mut dyn RowSink,
    mut take: impl FnMut(&[u8], u64, &mut dyn RowSink) -> Result<()>,
) -> Result<()> {
    loop {
        let number = lines.number() + 1;
        match lines.next()? {
            None => return Ok(()),
            Some(Line::TooLong) => sink.reject(number, LINE_TOO_LONG)?,
            Some(Line::Bytes(line)) if line.trim_ascii().is_empty() => {}
            Some(Line::Bytes(line)) => take(line, number, sink)?,
        }
    }
}

/// The first bytes of a file, unpacked: at most `bytes`, and fewer where it is shorter.
pub(super) fn head(files: &Arc<dyn Files>, path: &Path, bytes: u64) -> Result<Vec<u8>> {
    let file = files.open(path).map_err(Error::io(path))?;
    let mut head = Vec::new();
    decompressed(Counted { file, read: Arc::default() })
        .and_then(|reader| reader.take(bytes).read_to_end(&mut head))
        .map_err(|error| unreadable(path, &error.to_string()))?;
    head.drain(..mark_bytes(&head));
    Ok(head)
}

/// Length of the mark that some programs put before UTF-8 text.
fn mark_bytes(text: &[u8]) -> usize {
    if text.starts_with(MARK) { MARK.len() } else { 0 }
}

#[inline]
fn without_return(line: &[u8]) -> &[u8] {
    match line {
        [line @ .., b'\r'] => line,
        line => line,
    }
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

fn decompressed(mut file: Counted) -> io::Result<Box<dyn Read>> {
    let mut magic = Vec::new();
    file.by_ref().take(4).read_to_end(&mut magic)?;
    let is_gzip = magic.starts_with(&[0x1f, 0x8b]);
    let is_zstd = magic == [0x28, 0xb5, 0x2f, 0xfd];
    let whole = io::Cursor::new(magic).chain(file);
    Ok(if is_gzip {
        Box::new(MultiGzDecoder::new(BufReader::with_capacity(PACKED_BYTES, whole)))
    } else if is_zstd {
        Box::new(zstd::Decoder::with_buffer(BufReader::with_capacity(PACKED_BYTES, whole))?)
    } else {
        Box::new(whole)
    })
}

/// Finds the one of `names` that lies in the folder `dir`, plain or packed.
pub(super) fn find(
    files: &Arc<dyn Files>,
    dir: &Path,
    names: &[&str],
) -> Result<Option<PathBuf>> {
    let entries = files.list(dir).map_err(Error::io(dir))?;
    let wanted = |name: &&str| entries.iter().find(|path| bare_name(path) == **name).cloned();
    Ok(names.iter().find_map(wanted))
}

/// Whether `path` is a folder.
pub(super) fn is_folder(files: &Arc<dyn Files>, path: &Path) -> bool {
    files.list(path).is_ok_and(|entries| !entries.is_empty())
}
