//! The slab on disk: what is written is read, damage is seen, a crash leaves the last flush.

use std::path::Path;
use std::sync::Arc;

use data::{FaultyFiles, Files, RealFiles};
use tables::{Disk, DiskTier, Tier};

use crate::crashing::{CrashingFiles, Loss, Never, Planted};

const RECORD: usize = 12;
const ROWS: u64 = 40;

fn disk(folder: &Path) -> Disk {
    Disk { folder: folder.into(), rows: ROWS, record: RECORD, direct: false, threads: 2 }
}

fn open(folder: &Path) -> DiskTier {
    DiskTier::open(Arc::new(RealFiles), disk(folder)).unwrap()
}

fn record(row: u64, version: u8) -> Vec<u8> {
    (0..RECORD as u64).map(|at| (row * 7 + at) as u8 ^ version).collect()
}

fn write(tier: &mut DiskTier, rows: &[u64], version: u8) -> tables::Result<()> {
    let records: Vec<u8> = rows.iter().flat_map(|row| record(*row, version)).collect();
    tier.write(rows, &records)
}

/// The version of each row; none where it was never written.
fn versions(tier: &mut DiskTier) -> tables::Result<Vec<Option<u8>>> {
    let rows: Vec<u64> = (0..ROWS).rev().collect();
    let (mut out, mut known) = (vec![0; rows.len() * RECORD], vec![false; rows.len()]);
    tier.read(&rows, &mut out, &mut known)?;
    let version = |at: usize| {
        let found = &out[at * RECORD..][..RECORD];
        let version = found[0] ^ record(rows[at], 0)[0];
        assert_eq!(found, record(rows[at], version), "a mix in row {}", rows[at]);
        version
    };
    let mut all: Vec<Option<u8>> =
        (0..rows.len()).map(|at| known[at].then(|| version(at))).collect();
    all.reverse();
    Ok(all)
}

#[test]
fn what_is_written_is_read_past_the_page_cache_as_well() {
    for direct in [false, true] {
        for threads in [1, 3] {
            let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
            let disk = Disk { direct, threads, rows: 5000, ..disk(folder.path()) };
            let mut tier = match DiskTier::open(Arc::new(RealFiles), disk) {
                Ok(tier) => tier,
                Err(error) if direct => return skipped(&error),
                Err(error) => panic!("{error}"),
            };
            for version in [1, 2, 3] {
                let rows: Vec<u64> = (0..5000).filter(|row| row % 7 != 3).rev().collect();
                write(&mut tier, &rows, version).unwrap();
                let rows: Vec<u64> = (0..5000).step_by(3).collect();
                let mut out = vec![0; rows.len() * RECORD];
                let mut known = vec![false; rows.len()];
                tier.read(&rows, &mut out, &mut known).unwrap();
                for ((row, found), known) in rows.iter().zip(out.chunks(RECORD)).zip(known) {
                    assert_eq!(known, row % 7 != 3, "row {row}");
                    assert!(!known || found == record(*row, version), "row {row}");
                }
                tier.flush("").unwrap();
            }
        }
    }
}

#[allow(clippy::print_stdout, reason = "a test that does nothing says so")]
fn skipped(error: &tables::Error) {
    println!("SKIPPED: this file system has no direct access: {error}");
}

#[test]
fn only_what_was_flushed_is_there_again() {
    let folder = tempfile::tempdir().unwrap();
    let mut tier = open(folder.path());
    assert_eq!(tier.note().unwrap(), None);
    write(&mut tier, &[1, 5, 39], 1).unwrap();
    drop(tier);
    let mut tier = open(folder.path());
    assert_eq!(versions(&mut tier).unwrap(), vec![None; 40], "never flushed");
    write(&mut tier, &[1, 5], 2).unwrap();
    tier.flush("two").unwrap();
    write(&mut tier, &[5, 6], 3).unwrap();
    write(&mut tier, &[5], 4).unwrap();
    assert_eq!(versions(&mut tier).unwrap()[5], Some(4));
    let second = DiskTier::open(Arc::new(RealFiles), disk(folder.path()));
    assert!(second.err().unwrap().to_string().contains("another table has it open"));
    drop(tier);
    let mut tier = open(folder.path());
    let found = versions(&mut tier).unwrap();
    assert_eq!((found[1], found[5], found[6]), (Some(2), Some(2), None));
    assert_eq!(tier.note().unwrap().as_deref(), Some("two"));
    drop(tier);
    let other = Disk { rows: 41, ..disk(folder.path()) };
    let error = DiskTier::open(Arc::new(RealFiles), other).err().unwrap().to_string();
    assert!(error.contains("40 rows of 12 bytes, opened as 41"), "{error}");
}

#[test]
fn every_flipped_byte_is_seen_and_its_row_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let mut tier = open(folder.path());
    write(&mut tier, &(0..ROWS).collect::<Vec<u64>>(), 1).unwrap();
    tier.flush("one").unwrap();
    write(&mut tier, &[3, 4], 2).unwrap();
    tier.flush("two").unwrap();
    drop(tier);
    for name in ["slab", "places-2", "checkpoint"] {
        let path = folder.path().join(name);
        let sound = std::fs::read(&path).unwrap();
        let mut seen = 0;
        for flip in 0..sound.len() * 8 {
            let at = flip / 8;
            let mut bytes = sound.clone();
            bytes[at] ^= 1 << (flip % 8);
            std::fs::write(&path, &bytes).unwrap();
            let tier = DiskTier::open(Arc::new(RealFiles), disk(folder.path()));
            let (slot, row) = (at / 20 / 40, at / 20 % 40);
            // What no checkpoint has may be anything.
            let counts =
                name != "slab" || slot == usize::from(row == 3 || row == 4) && slot < 2;
            match tier.and_then(|mut tier| versions(&mut tier)) {
                Ok(found) => {
                    assert!(!counts, "{name} byte {at}: nobody saw it");
                    assert_eq!((found[3], found[5]), (Some(2), Some(1)));
                }
                Err(error) => {
                    let error = error.to_string();
                    assert!(counts && error.contains(name), "{name} byte {at}: {error}");
                    let row = format!("row {row}: ");
                    assert!(
                        name != "slab" || error.contains(&row),
                        "{name} byte {at}: {error}"
                    );
                    seen += 1;
                }
            }
        }
        assert!(seen >= 8 * if name == "slab" { 40 * 20 } else { sound.len() });
        std::fs::write(&path, &sound).unwrap();
    }
}

/// Two flushes with writes before, between and after.
fn work(files: Arc<dyn Files>, folder: &Path) -> tables::Result<()> {
    let disk = Disk { threads: 1, ..disk(folder) };
    let mut tier = DiskTier::open(files, disk)?;
    write(&mut tier, &(0..20).collect::<Vec<u64>>(), 1)?;
    write(&mut tier, &[2, 3, 9], 2)?;
    tier.flush("first")?;
    write(&mut tier, &[2, 4, 30], 3)?;
    write(&mut tier, &[2, 31], 4)?;
    tier.flush("second")?;
    write(&mut tier, &[2, 5, 30, 35], 5)
}

/// What [`work`] leaves, by what the last flush said.
fn states() -> [(Option<&'static str>, Vec<Option<u8>>); 3] {
    let empty = vec![None; ROWS as usize];
    let mut first = empty.clone();
    first[..20].fill(Some(1));
    [2, 3, 9].iter().for_each(|row| first[*row] = Some(2));
    let mut second = first.clone();
    for (row, version) in [(2, 4), (4, 3), (30, 3), (31, 4)] {
        second[row] = Some(version);
    }
    [(None, empty), (Some("first"), first), (Some("second"), second)]
}

/// Which of these a flush left.
fn state_of(note: Option<&str>) -> usize {
    states().iter().position(|(own, _)| *own == note).expect("a flush of the work")
}

#[test]
fn a_crash_anywhere_leaves_the_last_flush_whole() {
    let folder = tempfile::tempdir().unwrap();
    let counting = FaultyFiles::failing_from(u64::MAX);
    work(Arc::new(counting.clone()), folder.path()).unwrap();
    let operations = counting.operations();
    assert!(operations > 25, "{operations}");
    let mut met = [0; 3];
    for fail_from in 0..=operations {
        let folder = tempfile::tempdir().unwrap();
        let result = work(Arc::new(FaultyFiles::failing_from(fail_from)), folder.path());
        assert_eq!(result.is_err(), fail_from < operations, "{fail_from}");
        let mut tier = open(folder.path());
        let found = versions(&mut tier).unwrap();
        let state = state_of(tier.note().unwrap().as_deref());
        assert_eq!(found, states()[state].1, "after a crash at {fail_from}");
        met[state] += 1;
        // And it goes on.
        write(&mut tier, &[0, 2, 39], 9).unwrap();
        tier.flush("third").unwrap();
        drop(tier);
        assert_eq!(versions(&mut open(folder.path())).unwrap()[2], Some(9));
    }
    assert!(met.iter().all(|count| *count > 3), "{met:?}");
}

/// All losses of power that are tried at a place.
const LOSSES: [Loss; 6] =
    [Loss::Nothing, Loss::Unsynced, Loss::Some(1), Loss::Some(2), Loss::Some(3), Loss::Some(4)];

/// What is wrong with a folder after power was lost, in words.
fn wrong_after(files: &CrashingFiles, loss: Loss, at_least: Option<&str>) -> Option<String> {
    let disk = Disk { threads: 1, ..disk(Path::new("/m/slab")) };
    let mut tier = match DiskTier::open(Arc::new(files.after(loss)), disk) {
        Ok(tier) => tier,
        Err(error) => return Some(error.to_string()),
    };
    let note = tier.note().unwrap();
    let state = state_of(note.as_deref());
    if state < state_of(at_least) {
        return Some(format!("{at_least:?} had been flushed, {note:?} is there"));
    }
    match versions(&mut tier) {
        Ok(found) if found == states()[state].1 => None,
        Ok(found) => Some(format!("{note:?} with {found:?}")),
        Err(error) => Some(error.to_string()),
    }
}

/// What is wrong after power was lost at any operation, and after the folder was opened again in between.
fn wrong_anywhere(plant: impl Fn(CrashingFiles) -> Arc<dyn Files>) -> Vec<String> {
    let folder = Path::new("/m/slab");
    let fresh = || {
        let files = CrashingFiles::new();
        files.change(data::Change::MakeDir(folder)).unwrap();
        files.change(data::Change::SyncDir(Path::new("/m"))).unwrap();
        files.change(data::Change::SyncDir(Path::new("/"))).unwrap();
        files
    };
    let counting = fresh();
    counting.fail_from(u64::MAX);
    work(plant(counting.clone()), folder).unwrap();
    let operations = counting.operations();
    assert!(operations > 25, "{operations}");
    let mut wrong = Vec::new();
    for fail_from in 0..=operations {
        let files = fresh();
        files.fail_from(fail_from);
        let done = work(plant(files.clone()), folder).is_ok();
        let flushed = done.then_some("second");
        wrong.extend(LOSSES.iter().filter_map(|loss| wrong_after(&files, *loss, flushed)));
        // The process died, another goes on, and then the power is lost.
        files.fail_from(u64::MAX);
        let disk = Disk { threads: 1, ..disk(folder) };
        let opened = DiskTier::open(plant(files.clone()), disk);
        match opened.and_then(|mut tier| write(&mut tier, &[0, 2, 4, 30, 31], 7)) {
            Ok(()) => {
                let after =
                    LOSSES.iter().filter_map(|loss| wrong_after(&files, *loss, flushed));
                wrong.extend(after);
            }
            Err(error) => wrong.push(error.to_string()),
        }
    }
    wrong
}

#[test]
fn power_that_is_lost_anywhere_leaves_a_flush_whole() {
    assert_eq!(wrong_anywhere(|files| Arc::new(files)), Vec::<String>::new());
}

#[test]
fn a_sync_that_is_left_out_is_found_by_the_sweep() {
    for never in [Never::Written, Never::Random, Never::Folders] {
        let wrong = wrong_anywhere(|files| Arc::new(Planted(files, never)));
        assert!(!wrong.is_empty(), "{never:?}: a planted bug that nobody sees");
    }
}

#[test]
fn a_flush_that_found_no_room_is_tried_again() {
    // The places of the second flush: all that is lost is the try.
    let files = CrashingFiles::new();
    files.change(data::Change::MakeDir(Path::new("/m"))).unwrap();
    let folder = Path::new("/m/slab");
    let open = || {
        let disk = Disk { threads: 1, ..disk(folder) };
        DiskTier::open(Arc::new(files.clone()), disk).unwrap()
    };
    let mut tier = open();
    write(&mut tier, &[1, 2], 1).unwrap();
    tier.flush("one").unwrap();
    write(&mut tier, &[2, 3], 2).unwrap();
    // The slab is synced, and then there is no room for a file.
    files.fail_from(2);
    assert!(tier.flush("two").unwrap_err().to_string().contains("no space left"));
    files.fail_from(u64::MAX);
    tier.flush("two").unwrap();
    drop(tier);
    let mut tier = open();
    let found = versions(&mut tier).unwrap();
    assert_eq!((found[1], found[2], found[3]), (Some(1), Some(2), Some(2)));
}

#[test]
fn a_checkpoint_that_is_gone_or_newer_is_no_empty_table() {
    let folder = tempfile::tempdir().unwrap();
    let mut tier = open(folder.path());
    write(&mut tier, &[1], 1).unwrap();
    tier.flush("one").unwrap();
    drop(tier);
    let path = folder.path().join("checkpoint");
    let said = || {
        let error = DiskTier::open(Arc::new(RealFiles), disk(folder.path())).err().unwrap();
        error.to_string()
    };
    let own: serde_json::Value = data::sealed::read_checked(&RealFiles, &path).unwrap().0;
    let newer = serde_json::json!({"format": own["format"], "version": 99, "shape": "x"});
    data::sealed::write_checked(&RealFiles, &path, &newer).unwrap();
    assert!(said().contains("version 99 is newer") && said().contains("upgrade"), "{}", said());
    std::fs::remove_file(&path).unwrap();
    assert!(said().contains("checkpoint: damaged: it is gone"), "{}", said());
}
