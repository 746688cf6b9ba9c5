//! Crashes, damage and full disks while rows are shipped; and planted bugs that the same sweeps find.

use std::io::{Read, Write};
use std::path::Path;
use std::sync::Arc;

use data::{Change, Files};
use tables::ship::{Follower, Publisher, Tracker, delta_name};
use tables::{Dtype, Table};

use crate::crashing::{CrashingFiles, Loss, Never, Planted};
use crate::shipping::{Rows, contents, served, step, table, trained};

const FOLDER: &str = "/m/1";

/// A trainer with a table, and a folder of a snapshot and a delta of it.
struct World {
    disk: CrashingFiles,
    trainer: Table,
    tracker: Tracker,
}

fn world() -> World {
    let mut tracker = Tracker::new(1, 1 << 20);
    tracker.begin("s");
    World {
        disk: CrashingFiles::new(),
        trainer: table(&[1, 2, 3, 1 << 50], Dtype::F32),
        tracker,
    }
}

fn files(disk: &CrashingFiles) -> Arc<dyn Files> {
    Arc::new(disk.clone())
}

impl World {
    fn train(&mut self, by: f32) {
        step(&mut self.tracker, &mut self.trainer, &[2, 3], by);
        self.tracker.touch(0, &self.trainer, &[1, 77]).unwrap();
        self.trainer.forget(1);
        self.trainer.admit(&[77]).unwrap();
    }
}

/// What a server makes of the disk: nothing where there is no snapshot.
fn found(disk: &CrashingFiles) -> Result<Option<Rows>, String> {
    let disk = files(disk);
    let folder = Path::new(FOLDER);
    if !disk.list(folder).unwrap().contains(&folder.join("snapshot")) {
        return Ok(None);
    }
    let follower = Follower::open(disk, folder).map_err(|error| error.to_string())?;
    follower.serve().map(|it| Some(served(&it))).map_err(|error| error.to_string())
}

const LOSSES: [Loss; 7] = [
    Loss::Nothing,
    Loss::Unsynced,
    Loss::Some(1),
    Loss::Some(2),
    Loss::Some(3),
    Loss::Some(4),
    Loss::Some(5),
];

type Doing<'a> = &'a dyn Fn(Arc<dyn Files>, &mut World) -> Result<(), String>;

/// Crashes `doing` at each of its operations and after the last, and loses power in every way: what is found
/// is the old state or the new one, and the new one where `doing` said so. Else: what was found.
fn sweep(
    prepare: &dyn Fn() -> World,
    wrap: &dyn Fn(&CrashingFiles) -> Arc<dyn Files>,
    doing: Doing<'_>,
) -> Result<u64, String> {
    let mut whole = prepare();
    let old = found(&whole.disk)?;
    whole.disk.fail_from(u64::MAX);
    doing(files(&whole.disk.clone()), &mut whole)?;
    let count = whole.disk.operations();
    let new = found(&whole.disk)?;
    assert_ne!(old, new, "nothing was done");
    for fault in 0..=count {
        for loss in LOSSES {
            let mut world = prepare();
            world.disk.fail_from(fault);
            let result = doing(wrap(&world.disk), &mut world);
            if let Err(error) = &result
                && !error.contains("no space left")
            {
                return Err(format!("operation {fault}: an unclear error: {error}"));
            }
            let left = world.disk.after(loss);
            let state =
                found(&left).map_err(|e| format!("operation {fault}, {loss:?}: {e}"))?;
            if state != new && (result.is_ok() || state != old) {
                return Err(format!("operation {fault}, {loss:?}: neither old nor new"));
            }
        }
    }
    Ok(count)
}

fn publish(files: Arc<dyn Files>, world: &mut World) -> Result<(), String> {
    let tables = [&world.trainer];
    let begun = Publisher::begin(files, Path::new(FOLDER), contents(&tables));
    begun.map(|_| ()).map_err(|error| error.to_string())
}

fn add_delta(files: Arc<dyn Files>, world: &mut World) -> Result<(), String> {
    let said = |error: tables::ship::Error| error.to_string();
    let mut publisher = Publisher::resume(files, Path::new(FOLDER)).map_err(said)?;
    let taken = world.tracker.look("s", &[&world.trainer]).map_err(said)?;
    publisher.delta(&[&world.trainer], &taken, Some(b"dense 1"[..].into())).map_err(said)?;
    world.tracker.done("s", &taken);
    Ok(())
}

/// The folder of models is there, and what lies in it is synced.
fn empty() -> World {
    let world = world();
    world.disk.change(Change::MakeDir(Path::new("/m"))).unwrap();
    world.disk.change(Change::SyncDir(Path::new("/"))).unwrap();
    world
}

fn with_snapshot() -> World {
    let mut world = empty();
    publish(files(&world.disk.clone()), &mut world).unwrap();
    world.train(1.0);
    world
}

fn plain(disk: &CrashingFiles) -> Arc<dyn Files> {
    files(disk)
}

#[test]
fn a_crash_leaves_the_old_state_or_the_new_one() {
    let snapshot = sweep(&empty, &plain, &publish).unwrap();
    let delta = sweep(&with_snapshot, &plain, &add_delta).unwrap();
    assert!(snapshot > 10 && delta > 8, "{snapshot} {delta}");
}

#[test]
fn the_sweep_finds_a_writer_that_never_syncs() {
    let never = |disk: &CrashingFiles| -> Arc<dyn Files> {
        Arc::new(Planted(disk.clone(), Never::Written))
    };
    let error = sweep(&empty, &never, &publish).unwrap_err();
    assert!(error.contains("Unsynced") || error.contains("Some"), "{error}");
    let error = sweep(&with_snapshot, &never, &add_delta).unwrap_err();
    assert!(error.contains("000001.delta"), "{error}");
}

#[test]
fn the_sweep_finds_a_manifest_that_is_written_first() {
    /// A folder that is there before its files are.
    fn wrong_order(files: Arc<dyn Files>, world: &mut World) -> Result<(), String> {
        let good = CrashingFiles::new();
        let tables = [&world.trainer];
        Publisher::begin(Arc::new(good.clone()), Path::new(FOLDER), contents(&tables)).unwrap();
        let folder = Path::new(FOLDER).join("snapshot");
        let write = || -> std::io::Result<()> {
            files.change(Change::MakeDir(&folder))?;
            let mut paths = good.list(&folder)?;
            paths.sort_by_key(|path| !path.ends_with("manifest.json"));
            for path in paths {
                let mut bytes = Vec::new();
                good.open(&path)?.read_to_end(&mut bytes)?;
                let mut file = files.create(&path)?;
                file.write_all(&bytes)?;
                file.sync()?;
            }
            for dir in [&folder, Path::new(FOLDER), Path::new("/m")] {
                files.change(Change::SyncDir(dir))?;
            }
            Ok(())
        };
        write().map_err(|error| error.to_string())
    }
    let error = sweep(&empty, &plain, &wrong_order).unwrap_err();
    assert!(error.contains("operation"), "{error}");
}

/// All files of the folder, by path.
fn all_files(disk: &CrashingFiles) -> Vec<(std::path::PathBuf, usize)> {
    let folder = Path::new(FOLDER);
    let mut paths = disk.list(&folder.join("snapshot")).unwrap();
    paths.push(folder.join(delta_name(1)));
    let size = |path: &std::path::PathBuf| {
        let mut bytes = Vec::new();
        disk.open(path).unwrap().read_to_end(&mut bytes).unwrap();
        bytes.len()
    };
    paths.iter().map(|path| (path.clone(), size(path))).collect()
}

fn with_delta() -> World {
    let mut world = with_snapshot();
    add_delta(files(&world.disk.clone()), &mut world).unwrap();
    world
}

/// Flips three bits of every byte, one at a time: the flips that `found` does not refuse with the name of the file.
fn flips(mend: &dyn Fn(&Path, &mut Vec<u8>)) -> Vec<String> {
    let world = with_delta();
    let mut missed = Vec::new();
    for (path, size) in all_files(&world.disk) {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        for at in 0..size {
            for bit in [0, 4, 7] {
                let mut as_written = Vec::new();
                world.disk.spoil(&path, |bytes| {
                    as_written = bytes.clone();
                    bytes[at] ^= 1 << bit;
                    mend(&path, bytes);
                });
                match found(&world.disk) {
                    Err(error) if error.contains(&name) => {}
                    other => missed.push(format!("{name}, byte {at}, bit {bit}: {other:?}")),
                }
                world.disk.spoil(&path, |bytes| *bytes = as_written);
            }
        }
    }
    missed
}

#[test]
fn every_flipped_byte_is_found_and_its_file_named() {
    let missed = flips(&|_, _| ());
    assert!(missed.is_empty(), "{} missed, first {}", missed.len(), missed[0]);
}

#[test]
fn the_flips_find_a_delta_without_a_checksum() {
    // A checksum that is always right guards as much as none.
    let missed = flips(&|path, bytes| {
        if path.ends_with(delta_name(1)) {
            let end = bytes.len() - 32;
            let right = *blake3::hash(&bytes[..end]).as_bytes();
            bytes[end..].copy_from_slice(&right);
        }
    });
    assert!(missed.len() > 100, "{}", missed.len());
    assert!(missed.iter().all(|it| it.starts_with("000001.delta")));
}

#[test]
fn files_that_are_cut_missing_or_swapped_are_named() {
    let sizes = all_files(&with_delta().disk);
    for (path, size) in &sizes {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        for left in (0..*size).step_by(7) {
            let world = with_delta();
            world.disk.spoil(path, |bytes| bytes.truncate(left));
            let error = found(&world.disk).unwrap_err();
            assert!(error.contains(&name), "{name} cut to {left}: {error}");
        }
    }
    let mut world = with_delta();
    world.train(2.0);
    add_delta(files(&world.disk.clone()), &mut world).unwrap();
    assert_eq!(found(&world.disk).unwrap().unwrap(), trained(&world.trainer));
    let [one, two] = [1, 2].map(|at| Path::new(FOLDER).join(delta_name(at)));
    let aside = Path::new(FOLDER).join("aside");
    for (from, to) in [(&one, &aside), (&two, &one), (&aside, &two)] {
        world.disk.change(Change::Rename { from, to }).unwrap();
    }
    let error = found(&world.disk).unwrap_err();
    assert!(error.contains("000001.delta") && error.contains("it is delta 2"), "{error}");
    world.disk.change(Change::Remove(&one)).unwrap();
    assert!(found(&world.disk).unwrap_err().contains("000001.delta"));
}

#[test]
fn an_error_while_reading_leaves_served_rows_as_they_are() {
    let mut world = with_snapshot();
    let follower = Follower::open(files(&world.disk), Path::new(FOLDER)).unwrap();
    let server = follower.serve().unwrap();
    let old = served(&server);
    add_delta(files(&world.disk.clone()), &mut world).unwrap();
    for fault in 0.. {
        world.disk.fail_from(fault);
        if follower.follow(&server).is_ok() {
            assert!(fault > 0);
            break;
        }
        assert_eq!((served(&server), server.sequence()), (old.clone(), 0));
    }
    assert_eq!(served(&server), trained(&world.trainer));
}

#[test]
fn nothing_is_lost_where_a_delta_could_not_be_written() {
    let mut count = 0;
    loop {
        let mut world = with_snapshot();
        let disk = files(&world.disk);
        let mut publisher = Publisher::resume(disk, Path::new(FOLDER)).unwrap();
        world.disk.fail_from(count);
        let taken = world.tracker.look("s", &[&world.trainer]).unwrap();
        let failed = publisher.delta(&[&world.trainer], &taken, None).is_err();
        world.disk.fail_from(u64::MAX);
        if failed {
            // There is space again, and more was learnt meanwhile.
            world.train(3.0);
            let taken = world.tracker.look("s", &[&world.trainer]).unwrap();
            publisher.delta(&[&world.trainer], &taken, None).unwrap();
        }
        assert_eq!(found(&world.disk).unwrap().unwrap(), trained(&world.trainer), "{count}");
        if !failed {
            break;
        }
        count += 1;
    }
    assert!(count > 5);
}
