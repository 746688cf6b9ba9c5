//! External sort of events by (time, seq): memory stays bounded however large the file.
//!
//! Records arrive in order of `seq`. A full chunk is sorted and spilled as a run by a thread of
//! its own while the next one fills; at the end the runs are merged. An import that fits one
//! chunk never touches the disk.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io::{BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;

use rayon::slice::ParallelSliceMut;

use crate::{Change, Error, Files, ReadFile, Result};

/// Records of one chunk: 96 MB, and as much again while the chunk before is spilled.
pub(crate) const CHUNK_ROWS: usize = 2_000_000;
/// Bytes of tails (queries, request ids) at which a chunk is full too.
const CHUNK_TAIL_BYTES: usize = 64 << 20;
const RUN_BUFFER_BYTES: usize = 1 << 20;

/// The fixed part of an event on its way into a segment. Its tail (query, request id) lies
/// beside it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Record {
    pub(crate) time_ms: i64,
    pub(crate) seq: u64,
    /// Hash of the row, or of the id that the source gave.
    pub(crate) hash: u64,
    tail_at: u64,
    pub(crate) user: u32,
    pub(crate) item: u32,
    pub(crate) value: f32,
    tail_len: u16,
    pub(crate) kind: u16,
}

impl Record {
    pub(crate) fn new(time_ms: i64, seq: u64, hash: u64) -> Record {
        Record {
            time_ms,
            seq,
            hash,
            tail_at: 0,
            user: super::log::NONE,
            item: super::log::NONE,
            value: f32::NAN,
            tail_len: 0,
            kind: 0,
        }
    }

    fn key(&self) -> (i64, u64) {
        (self.time_ms, self.seq)
    }

    fn to_bytes(self) -> [u8; RECORD_BYTES] {
        let mut bytes = [0; RECORD_BYTES];
        bytes[0..8].copy_from_slice(&self.time_ms.to_le_bytes());
        bytes[8..16].copy_from_slice(&self.seq.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.hash.to_le_bytes());
        bytes[24..28].copy_from_slice(&self.user.to_le_bytes());
        bytes[28..32].copy_from_slice(&self.item.to_le_bytes());
        bytes[32..36].copy_from_slice(&self.value.to_le_bytes());
        bytes[36..38].copy_from_slice(&self.tail_len.to_le_bytes());
        bytes[38..40].copy_from_slice(&self.kind.to_le_bytes());
        bytes
    }

    fn from_bytes(bytes: &[u8; RECORD_BYTES]) -> Record {
        fn part<const N: usize>(bytes: &[u8; RECORD_BYTES], at: usize) -> [u8; N] {
            bytes[at..at + N].try_into().expect("the range has N bytes")
        }
        Record {
            time_ms: i64::from_le_bytes(part(bytes, 0)),
            seq: u64::from_le_bytes(part(bytes, 8)),
            hash: u64::from_le_bytes(part(bytes, 16)),
            tail_at: 0,
            user: u32::from_le_bytes(part(bytes, 24)),
            item: u32::from_le_bytes(part(bytes, 28)),
            value: f32::from_le_bytes(part(bytes, 32)),
            tail_len: u16::from_le_bytes(part(bytes, 36)),
            kind: u16::from_le_bytes(part(bytes, 38)),
        }
    }
}

const RECORD_BYTES: usize = 40;

/// Records and their tails, in memory.
#[derive(Default)]
struct Chunk {
    records: Vec<Record>,
    tails: Vec<u8>,
}

impl Chunk {
    fn sort(&self) -> Vec<u32> {
        // Sorting 16-byte keys and visiting the records through them beats moving records.
        let mut keys: Vec<(i64, u32)> = (0..)
            .zip(&self.records)
            .map(|(place, record): (u32, &Record)| (record.time_ms, place))
            .collect();
        // Places rise with `seq`, so this is the order (time, seq).
        if !keys.is_sorted() {
            keys.par_sort_unstable();
        }
        keys.into_iter().map(|(_, place)| place).collect()
    }

    fn tail(&self, record: &Record) -> &[u8] {
        let from = record.tail_at as usize;
        &self.tails[from..from + usize::from(record.tail_len)]
    }

    fn clear(&mut self) {
        self.records.clear();
        self.tails.clear();
    }
}

/// Takes records, gives them back sorted.
pub(crate) struct Sorter {
    files: Arc<dyn Files>,
    dir: PathBuf,
    chunk_rows: usize,
    chunk: Chunk,
    spare: Option<Chunk>,
    spilling: Option<JoinHandle<Result<Chunk>>>,
    runs: Vec<PathBuf>,
}

impl Sorter {
    /// Spills into the folder `dir`, which it makes when it needs it.
    pub(crate) fn new(files: Arc<dyn Files>, dir: PathBuf, chunk_rows: usize) -> Sorter {
        let (chunk, spare) = (Chunk::default(), Some(Chunk::default()));
        Sorter { files, dir, chunk_rows, chunk, spare, spilling: None, runs: Vec::new() }
    }

    /// Takes a record; `seq` must rise from call to call.
    #[inline]
    pub(crate) fn push(&mut self, mut record: Record, tail: &[u8]) -> Result<()> {
        record.tail_at = self.chunk.tails.len() as u64;
        record.tail_len = u16::try_from(tail.len()).expect("ids and queries are checked");
        self.chunk.tails.extend_from_slice(tail);
        self.chunk.records.push(record);
        if self.chunk.records.len() >= self.chunk_rows
            || self.chunk.tails.len() >= CHUNK_TAIL_BYTES
        {
            self.spill()?;
        }
        Ok(())
    }

    fn spill(&mut self) -> Result<()> {
        let spare = match self.spilling.take() {
            Some(thread) => join(thread)?,
            None => self.spare.take().unwrap_or_default(),
        };
        let mut full = std::mem::replace(&mut self.chunk, spare);
        if self.runs.is_empty() {
            self.files.change(Change::MakeDir(&self.dir)).map_err(Error::io(&self.dir))?;
        }
        let path = self.dir.join(format!("{:05}.run", self.runs.len()));
        self.runs.push(path.clone());
        let files = self.files.clone();
        self.spilling = Some(std::thread::spawn(move || {
            write_run(files.as_ref(), &path, &full).map_err(Error::io(&path))?;
            full.clear();
            Ok(full)
        }));
        Ok(())
    }

    /// All records in the order (time, seq).
    pub(crate) fn finish(mut self) -> Result<Merge> {
        if let Some(thread) = self.spilling.take() {
            join(thread)?;
        }
        let mut runs = Vec::with_capacity(self.runs.len() + 1);
        for path in &self.runs {
            let file = self.files.open(path).map_err(Error::io(path))?;
            let mut run = FileRun {
                path: path.clone(),
                file: BufReader::with_capacity(RUN_BUFFER_BYTES, file),
                head: None,
                tail: Vec::new(),
            };
            run.advance()?;
            runs.push(run);
        }
        let order = self.chunk.sort();
        let mut merge = Merge {
            runs,
            chunk: self.chunk,
            order,
            next: 0,
            heap: BinaryHeap::new(),
            tail: Vec::new(),
        };
        for at in 0..merge.runs.len() {
            merge.offer(at);
        }
        merge.offer(merge.runs.len());
        Ok(merge)
    }
}

fn join(thread: JoinHandle<Result<Chunk>>) -> Result<Chunk> {
    thread.join().expect("the spilling thread does not panic")
}

fn write_run(files: &dyn Files, path: &Path, chunk: &Chunk) -> std::io::Result<()> {
    let mut file = BufWriter::with_capacity(RUN_BUFFER_BYTES, files.create(path)?);
    for place in chunk.sort() {
        let record = &chunk.records[place as usize];
        file.write_all(&record.to_bytes())?;
        file.write_all(chunk.tail(record))?;
    }
    // Scratch: it need not survive a crash, so it is not synced.
    file.flush()
}

struct FileRun {
    path: PathBuf,
    file: BufReader<Box<dyn ReadFile>>,
    head: Option<Record>,
    tail: Vec<u8>,
}

impl FileRun {
    fn advance(&mut self) -> Result<()> {
        let mut bytes = [0; RECORD_BYTES];
        let mut read = || -> std::io::Result<Option<Record>> {
            if self.file.read(&mut bytes[..1])? == 0 {
                return Ok(None);
            }
            self.file.read_exact(&mut bytes[1..])?;
            let record = Record::from_bytes(&bytes);
            self.tail.resize(usize::from(record.tail_len), 0);
            self.file.read_exact(&mut self.tail)?;
            Ok(Some(record))
        };
        self.head = read().map_err(Error::io(&self.path))?;
        Ok(())
    }
}

/// The merged records.
pub(crate) struct Merge {
    runs: Vec<FileRun>,
    /// The last chunk, which never was on disk; number `runs.len()` in the heap.
    chunk: Chunk,
    order: Vec<u32>,
    next: usize,
    heap: BinaryHeap<Reverse<((i64, u64), usize)>>,
    tail: Vec<u8>,
}

impl Merge {
    /// The next record and its tail.
    pub(crate) fn next(&mut self) -> Result<Option<(Record, &[u8])>> {
        if self.runs.is_empty() {
            // All in memory: no heap in the way.
            let Some(&place) = self.order.get(self.next) else { return Ok(None) };
            self.next += 1;
            let record = self.chunk.records[place as usize];
            return Ok(Some((record, self.chunk.tail(&record))));
        }
        let Some(Reverse((_, at))) = self.heap.pop() else { return Ok(None) };
        let record = if at == self.runs.len() {
            let record = self.chunk.records[self.order[self.next] as usize];
            self.next += 1;
            self.tail.clear();
            self.tail.extend_from_slice(self.chunk.tail(&record));
            record
        } else {
            let run = &mut self.runs[at];
            let record = run.head.expect("a run in the heap has a head");
            std::mem::swap(&mut self.tail, &mut run.tail);
            run.advance()?;
            record
        };
        self.offer(at);
        Ok(Some((record, &self.tail)))
    }

    fn offer(&mut self, at: usize) {
        let key = if at == self.runs.len() {
            self.order.get(self.next).map(|place| self.chunk.records[*place as usize].key())
        } else {
            self.runs[at].head.map(|record| record.key())
        };
        if let Some(key) = key {
            self.heap.push(Reverse((key, at)));
        }
    }
}

#[cfg(test)]
mod tests;
