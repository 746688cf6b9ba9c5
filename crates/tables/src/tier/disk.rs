//! A slab of records on disk.
//!
//! Copy on write: each row has two slots in the slab, and the checkpoint says which one counts. A row
//! that changes after a checkpoint goes to its other slot, as often as it changes, so that what the
//! checkpoint has is never written over; after a crash the table is the last checkpoint, to the bit, and
//! nothing need be synced in between. The price is twice the place on disk (of files with holes: as much
//! as was written) and 3 bits of memory a row. A journal would write every record twice, and sync before
//! each write-back, and a log needs memory for each row that changed.
//!
//! ```text
//! slab        slot 0 of all rows, slot 1 of all rows: record ‖ xxh3 of row, slot and record
//! places-G    2 bits a row: never written, slot 0, slot 1
//! checkpoint  JSON: generation G, sizes, checksum of places-G, a note; with its own checksum
//! ```
//!
//! A checkpoint syncs the slab, writes and syncs `places-G`, then replaces `checkpoint` by renaming. One
//! handle at a time: a folder is locked while it is open.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use data::sealed::{read_checked, write_checked};
use data::{Access, Change, Files, Lock, RandomFile};
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

use super::Tier;
use super::block::{Buffer, Moving, Spot};
use super::places::{Place, Places};
use crate::{Error, Result};

/// Version that is written, and the newest that is read.
const VERSION: u32 = 1;
const FORMAT: &str = "tastemaker-slab";
const SUM: usize = 8;
/// Rows whose record is asked for at once, at least, for which another thread is worth it.
const ROWS_A_THREAD: usize = 64;

/// What a slab on disk is.
#[derive(Debug, Clone)]
pub struct Disk {
    /// Its folder, made where there is none.
    pub folder: PathBuf,
    /// Rows, numbered from 0.
    pub rows: u64,
    /// Bytes of a record.
    pub record: usize,
    /// Reads and writes go past the page cache, which is memory as well.
    pub direct: bool,
    /// Threads that wait for the disk, 1 at least.
    pub threads: usize,
}

/// Records of one size in a folder.
pub struct DiskTier {
    disk: Disk,
    files: Arc<dyn Files>,
    slab: Box<dyn RandomFile>,
    places: Places,
    generation: u64,
    note: Option<String>,
    /// A flush failed: what the device has is not known, so nothing may be written over.
    broken: bool,
    buffers: Vec<Buffer>,
    /// Of one request; kept, so that its size is known.
    spots: Vec<Spot>,
    _lock: Lock,
}

#[derive(Serialize, Deserialize)]
struct Checkpoint {
    format: String,
    version: u32,
    generation: u64,
    rows: u64,
    record: u64,
    xxh3: u64,
    note: String,
}

impl Checkpoint {
    fn of(disk: &Disk, generation: u64, slots: &[u8], note: &str) -> Checkpoint {
        Checkpoint {
            format: FORMAT.into(),
            version: VERSION,
            generation,
            rows: disk.rows,
            record: disk.record as u64,
            xxh3: xxh3_64(slots),
            note: note.into(),
        }
    }
}

impl DiskTier {
    /// Opens what the last flush of a folder left, or begins a slab of rows that were never written.
    ///
    /// # Errors
    /// Where the folder cannot be read or written, is damaged, in use, newer, or of other sizes.
    pub fn open(files: Arc<dyn Files>, disk: Disk) -> Result<DiskTier> {
        let can_be = (1..1 << 40).contains(&disk.rows) && (1..=1 << 24).contains(&disk.record);
        let bytes = can_be.then_some(2 * (disk.record + SUM) as u64);
        let bytes = bytes.and_then(|both| both.checked_mul(disk.rows));
        let Some(bytes) = bytes.and_then(|bytes| bytes.checked_next_multiple_of(1 << 12))
        else {
            let what = format!("{} rows of {} bytes cannot be", disk.rows, disk.record);
            return Err(Error::Setting { field: "disk", what });
        };
        let folder = disk.folder.clone();
        files.change(Change::MakeDir(&folder)).map_err(failed(&folder))?;
        let place = folder.join("lock");
        let lock = files.lock(&place).map_err(failed(&place))?.ok_or_else(|| Error::Tier {
            place: folder.display().to_string(),
            what: "another table has it open".into(),
        })?;
        let found = files.list(&folder).map_err(failed(&folder))?;
        let (slab, checkpoint) = (folder.join("slab"), folder.join("checkpoint"));
        let (generation, note, places) = match found.contains(&checkpoint) {
            true => Self::read(files.as_ref(), &disk, &checkpoint)?,
            false if found.contains(&slab) => {
                return Err(damaged(
                    &checkpoint,
                    "it is gone; remove the folder to begin anew",
                ));
            }
            false => {
                // Before the slab, so that one without the other is known to be damage.
                let none = Places::none(disk.rows);
                let begun = Checkpoint::of(&disk, 0, none.slots(), "");
                write_checked(files.as_ref(), &checkpoint, &begun)
                    .map_err(said(&checkpoint))?;
                (0, None, none)
            }
        };
        if !found.contains(&slab) && note.is_some() {
            return Err(damaged(&slab, "it is gone"));
        }
        let access = Access { create: !found.contains(&slab), direct: disk.direct };
        let file = files.random(&slab, access).map_err(failed(&slab))?;
        match file.len().map_err(failed(&slab))? {
            len if len == bytes => {}
            // Without a checkpoint it has nothing that counts.
            _ if note.is_none() => file.set_len(bytes).map_err(failed(&slab))?,
            len => return Err(damaged(&slab, format!("{len} bytes, not {bytes}"))),
        }
        let current = format!("places-{generation}");
        let is_old = |path: &&PathBuf| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            name.starts_with("places-") && name != current
        };
        let old: Vec<&PathBuf> = found.iter().filter(is_old).collect();
        if !old.is_empty() {
            // Whoever wrote the checkpoint may have died before its name was safe, and the one before it
            // needs what is removed now.
            files.change(Change::SyncDir(&folder)).map_err(failed(&folder))?;
        }
        for old in old {
            files.change(Change::Remove(old)).map_err(failed(old))?;
        }
        let buffers =
            (0..disk.threads.max(1)).map(|_| Buffer::new(disk.record + SUM)).collect();
        Ok(DiskTier {
            disk,
            files,
            slab: file,
            places,
            generation,
            note,
            broken: false,
            buffers,
            spots: Vec::new(),
            _lock: lock,
        })
    }

    fn read(
        files: &dyn Files,
        disk: &Disk,
        path: &Path,
    ) -> Result<(u64, Option<String>, Places)> {
        let (found, _): (serde_json::Value, String) =
            read_checked(files, path).map_err(said(path))?;
        // A newer one may have other fields.
        if found["format"] != FORMAT {
            return Err(damaged(path, format!("format {} is unknown", found["format"])));
        }
        if found["version"].as_u64().is_some_and(|version| version > u64::from(VERSION)) {
            let version = &found["version"];
            let what = format!("version {version} is newer than {VERSION}; upgrade tastemaker");
            return Err(Error::Tier { place: path.display().to_string(), what });
        }
        let found: Checkpoint =
            serde_json::from_value(found).map_err(|error| damaged(path, error))?;
        if (found.rows, found.record) != (disk.rows, disk.record as u64) {
            let what = format!(
                "{} rows of {} bytes, opened as {} of {}",
                found.rows, found.record, disk.rows, disk.record
            );
            return Err(Error::Tier { place: path.display().to_string(), what });
        }
        if found.generation == 0 {
            return Ok((0, None, Places::none(disk.rows)));
        }
        let place = disk.folder.join(format!("places-{}", found.generation));
        let mut slots = Vec::new();
        let mut file = files.open(&place).map_err(failed(&place))?;
        file.read_to_end(&mut slots).map_err(failed(&place))?;
        if xxh3_64(&slots) != found.xxh3 {
            return Err(damaged(&place, "its checksum is another one"));
        }
        let places = Places::read(disk.rows, slots)
            .ok_or_else(|| damaged(&place, "it is not of these rows"))?;
        Ok((found.generation, Some(found.note), places))
    }

    fn slab_path(&self) -> PathBuf {
        self.disk.folder.join("slab")
    }

    fn at(&self, row: u64, slot: u8) -> u64 {
        (u64::from(slot) * self.disk.rows + row) * (self.disk.record + SUM) as u64
    }

    fn sound(&self) -> Result<()> {
        match self.broken {
            false => Ok(()),
            true => Err(Error::Tier {
                place: self.disk.folder.display().to_string(),
                what: "a flush failed; open it again, as the last flush left it".into(),
            }),
        }
    }

    fn check(&self, rows: &[u64]) -> Result<()> {
        match rows.iter().find(|row| **row >= self.disk.rows) {
            None => Ok(()),
            Some(row) => Err(Error::Tier {
                place: self.slab_path().display().to_string(),
                what: format!("row {row} of {}", self.disk.rows),
            }),
        }
    }
}

/// Of a record: one that lies in another row's place is none.
fn sum(row: u64, slot: u8, record: &[u8]) -> [u8; SUM] {
    xxh3_64_with_seed(record, row << 1 | u64::from(slot)).to_le_bytes()
}

impl Tier for DiskTier {
    fn read(&mut self, rows: &[u64], out: &mut [u8], known: &mut [bool]) -> Result<()> {
        let record = self.disk.record;
        assert_eq!((out.len(), known.len()), (rows.len() * record, rows.len()), "rows");
        self.check(rows)?;
        let mut spots = std::mem::take(&mut self.spots);
        spots.clear();
        for (number, row) in rows.iter().enumerate() {
            let place = self.places.get(*row);
            known[number] = place != Place::None;
            if let Place::Slot(slot) = place {
                spots.push(Spot { at: self.at(*row, slot), number });
            }
        }
        spots.sort_unstable_by_key(|spot| spot.at);
        let half = self.at(0, 1);
        let moving =
            Moving { file: self.slab.as_ref(), record: record + SUM, direct: self.disk.direct };
        let path = self.slab_path();
        // Records of the request, to be given to whoever reads them.
        let mut outs: Vec<Option<&mut [u8]>> = out.chunks_mut(record).map(Some).collect();
        let mut own: Vec<&mut [u8]> = Vec::with_capacity(spots.len());
        for (at, spot) in spots.iter_mut().enumerate() {
            own.extend(outs[spot.number].take());
            spot.number = at;
        }
        let mut own = &mut own[..];
        let runs = moving.runs(&spots, false);
        let each = runs.len().div_ceil(self.buffers.len());
        let each = if spots.len() < ROWS_A_THREAD { runs.len() } else { each }.max(1);
        let work = |runs: &[&[Spot]], buffer: &mut Buffer, own: &mut [&mut [u8]]| {
            let first = runs[0][0].number;
            for run in runs {
                let mut bad = None;
                moving
                    .read(run, buffer, |number, bytes| {
                        let (bytes, found) = bytes.split_at(record);
                        let at = run[number - run[0].number].at;
                        let slot = u8::from(at >= half);
                        let row = (at - u64::from(slot) * half) / (record + SUM) as u64;
                        if sum(row, slot, bytes) != found {
                            bad.get_or_insert(row);
                        }
                        own[number - first].copy_from_slice(bytes);
                    })
                    .map_err(failed(&path))?;
                if let Some(row) = bad {
                    return Err(damaged(&path, format!("row {row}: its checksum is wrong")));
                }
            }
            Ok(())
        };
        let result = std::thread::scope(|scope| {
            let mut waiting = Vec::new();
            let mut last = Ok(());
            let parts = runs.len().div_ceil(each);
            for (part, (runs, buffer)) in runs.chunks(each).zip(&mut self.buffers).enumerate() {
                let count = runs.iter().map(|run| run.len()).sum();
                let (mine, rest) = std::mem::take(&mut own).split_at_mut(count);
                own = rest;
                let work = &work;
                match part + 1 == parts {
                    true => last = work(runs, buffer, mine),
                    false => waiting.push(scope.spawn(move || work(runs, buffer, mine))),
                }
            }
            waiting.into_iter().map(joined).fold(last, Result::and)
        });
        drop(runs);
        self.spots = spots;
        result
    }

    fn write(&mut self, rows: &[u64], records: &[u8]) -> Result<()> {
        let record = self.disk.record;
        assert_eq!(records.len(), rows.len() * record, "rows");
        self.check(rows)?;
        self.sound()?;
        let mut spots = std::mem::take(&mut self.spots);
        spots.clear();
        spots.extend(rows.iter().enumerate().map(|(number, row)| {
            let at = self.at(*row, self.places.writable(*row));
            Spot { at, number }
        }));
        spots.sort_unstable_by_key(|spot| spot.at);
        let moving =
            Moving { file: self.slab.as_ref(), record: record + SUM, direct: self.disk.direct };
        let (path, places) = (self.slab_path(), &self.places);
        let runs = moving.runs(&spots, true);
        let each = runs.len().div_ceil(self.buffers.len()).max(ROWS_A_THREAD / 4);
        let mut parts = Vec::new();
        let mut from = 0;
        while from < runs.len() {
            let mut to = (from + each).min(runs.len());
            while to < runs.len() && moving.share(runs[to - 1], runs[to]) {
                to += 1;
            }
            parts.push(&runs[from..to]);
            from = to;
        }
        let work = |runs: &[&[Spot]], buffer: &mut Buffer| {
            for run in runs {
                moving
                    .write(run, buffer, |number, bytes| {
                        let own = &records[number * record..][..record];
                        bytes[..record].copy_from_slice(own);
                        let row = rows[number];
                        bytes[record..].copy_from_slice(&sum(row, places.writable(row), own));
                    })
                    .map_err(failed(&path))?;
            }
            Ok(())
        };
        let result = std::thread::scope(|scope| {
            let mut waiting = Vec::new();
            let mut last = Ok(());
            let count = parts.len();
            for (at, (part, buffer)) in parts.into_iter().zip(&mut self.buffers).enumerate() {
                let work = &work;
                match at + 1 == count {
                    true => last = work(part, buffer),
                    false => waiting.push(scope.spawn(move || work(part, buffer))),
                }
            }
            waiting.into_iter().map(joined).fold(last, Result::and)
        });
        drop(runs);
        self.spots = spots;
        result?;
        for row in rows {
            self.places.put(*row, self.places.writable(*row));
        }
        Ok(())
    }

    fn flush(&mut self, note: &str) -> Result<()> {
        self.sound()?;
        self.broken = true;
        let path = self.slab_path();
        self.slab.sync().map_err(failed(&path))?;
        // The checkpoint before still holds, and may be followed by another try.
        self.broken = false;
        let generation = self.generation + 1;
        let name = format!("places-{generation}");
        let place = self.disk.folder.join(&name);
        // One that a failed flush left.
        let _ = self.files.change(Change::Remove(&place));
        let write = || -> io::Result<()> {
            let mut file = self.files.create(&place)?;
            file.write_all(self.places.slots())?;
            file.sync()?;
            // A checkpoint that is there knows its places there, and the slab.
            self.files.change(Change::SyncDir(&self.disk.folder))
        };
        write().map_err(failed(&place))?;
        self.broken = true;
        let checkpoint = Checkpoint::of(&self.disk, generation, self.places.slots(), note);
        let path = self.disk.folder.join("checkpoint");
        write_checked(self.files.as_ref(), &path, &checkpoint).map_err(said(&path))?;
        let old = self.disk.folder.join(format!("places-{}", self.generation));
        self.generation = generation;
        self.note = Some(note.into());
        self.places.checkpointed();
        self.broken = false;
        if generation > 1 {
            // Where this fails, the next one to open it removes it.
            let _ = self.files.change(Change::Remove(&old));
        }
        Ok(())
    }

    fn note(&mut self) -> Result<Option<String>> {
        Ok(self.note.clone())
    }

    fn bytes(&self, rows: usize) -> usize {
        let buffers: usize = self.buffers.iter().map(Buffer::bytes).sum();
        // A spot, its run, and where its record goes, twice.
        let each = size_of::<Spot>() + 2 * size_of::<&[Spot]>() + 2 * size_of::<&mut [u8]>();
        self.places.bytes() + buffers + rows.next_power_of_two() * each
    }
}

fn joined(thread: std::thread::ScopedJoinHandle<'_, Result<()>>) -> Result<()> {
    thread.join().unwrap_or_else(|_| {
        Err(Error::Tier { place: "disk".into(), what: "a thread that moved rows died".into() })
    })
}

fn failed(path: &Path) -> impl Fn(io::Error) -> Error + '_ {
    |error| Error::Tier { place: path.display().to_string(), what: error.to_string() }
}

fn said(path: &Path) -> impl Fn(data::Error) -> Error + '_ {
    |error| {
        let (place, text) = (path.display().to_string(), error.to_string());
        let what = text.strip_prefix(&format!("{place}: ")).unwrap_or(&text).to_owned();
        Error::Tier { place, what }
    }
}

fn damaged(path: &Path, what: impl std::fmt::Display) -> Error {
    Error::Tier { place: path.display().to_string(), what: format!("damaged: {what}") }
}
