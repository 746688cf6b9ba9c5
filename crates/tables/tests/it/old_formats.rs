//! Folders that were written once stay readable: `tests/fixtures/v1` is what version 1 wrote, and is never
//! written again (a copy of the folder that `what_is_written_now_reads_the_same` makes).

use std::path::{Path, PathBuf};
use std::sync::Arc;

use data::Files;
use tables::Dtype;
use tables::ship::{DELTA_VERSION, Follower, Publisher, Tracker, decode, delta_name};

use crate::crashing::CrashingFiles;
use crate::shipping::{contents, real, served, step, table, trained};

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/v1")
}

/// The trainer whose rows the fixtures have.
fn publish(files: Arc<dyn Files>, folder: &Path) -> tables::Table {
    let mut trainer = table(&[1, 2, 3, 1 << 40, u64::MAX], Dtype::F32);
    let mut tracker = Tracker::new(1, 100);
    tracker.begin("s");
    let mut publisher = Publisher::begin(files, folder, contents(&[&trainer])).unwrap();
    step(&mut tracker, &mut trainer, &[2, 1 << 40], 0.5);
    tracker.touch(0, &trainer, &[3, 9]).unwrap();
    trainer.forget(3);
    trainer.admit(&[9]).unwrap();
    let taken = tracker.look("s", &[&trainer]).unwrap();
    publisher.delta(&[&trainer], &taken, Some(b"dense 1"[..].into())).unwrap();
    trainer
}

#[test]
fn what_is_written_now_reads_the_same() {
    let folder = tempfile::tempdir().unwrap();
    publish(real(), folder.path());
    let [now, then] = [folder.path(), &fixtures()].map(|folder| {
        let server = Follower::open(real(), folder).unwrap().serve().unwrap();
        (served(&server), server.sequence(), server.dense())
    });
    assert_eq!(now, then);
}

#[test]
fn version_1_is_read() {
    let follower = Follower::open(real(), &fixtures()).unwrap();
    let server = follower.serve().unwrap();
    let expected = trained(&publish(Arc::new(CrashingFiles::new()), Path::new("/m")));
    assert_eq!((served(&server), server.sequence()), (expected, 1));
    assert_eq!(&server.dense()[..], b"dense 1");
    assert_eq!(server.table("t").unwrap().ids(), [1, 2, 9, 1 << 40, u64::MAX]);
}

#[test]
fn a_newer_version_is_refused() {
    let path = fixtures().join(delta_name(1));
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[8] = DELTA_VERSION as u8 + 1;
    let error = decode(&bytes.into(), &path).unwrap_err().to_string();
    assert!(error.contains("000001.delta: format version 2 is newer than 1"), "{error}");
    assert!(error.contains("upgrade"), "{error}");

    let disk = CrashingFiles::new();
    let folder = Path::new("/m");
    publish(Arc::new(disk.clone()), folder);
    let manifest = folder.join("snapshot/manifest.json");
    disk.spoil(&manifest, |bytes| {
        let text = String::from_utf8(bytes.clone()).unwrap();
        let at = text.find("\"facts\"").unwrap();
        let newer = text[at..].replacen("\"version\": 1", "\"version\": 2", 1);
        let text = format!("{}{newer}", &text[..at]);
        let open = &text[..text.rfind(",\n  \"blake3\"").unwrap()];
        let checksum = blake3::hash(open.as_bytes()).to_hex();
        *bytes = format!("{open},\n  \"blake3\": \"{checksum}\"\n}}\n").into_bytes();
    });
    let error = Follower::open(Arc::new(disk), folder).err().unwrap().to_string();
    assert!(error.contains("manifest.json: format version 2 is newer than 1"), "{error}");
}
