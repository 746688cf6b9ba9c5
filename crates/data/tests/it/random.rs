//! Files read and written at any place.

use data::{Access, FaultyFiles, Files, RealFiles};

const NEW: Access = Access { create: true, direct: false };
const OLD: Access = Access { create: false, direct: false };

#[test]
fn what_is_written_is_read_and_ends_are_errors() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("slab");
    let file = RealFiles.random(&path, NEW).unwrap();
    assert!(RealFiles.random(&path, NEW).is_err(), "it exists");
    file.set_len(100).unwrap();
    file.write_at(&[1, 2, 3], 96).unwrap();
    let mut four = [9; 4];
    file.read_at(&mut four, 96).unwrap();
    assert_eq!(four, [1, 2, 3, 0]);
    assert!(file.read_at(&mut four, 97).is_err(), "behind the end");
    assert_eq!(file.len().unwrap(), 100);
}

#[test]
fn what_was_not_synced_may_be_lost() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("slab");
    // open, set_len, write, sync, write, write, and the fault.
    let files = FaultyFiles::failing_from(6);
    let file = files.random(&path, NEW).unwrap();
    file.set_len(6).unwrap();
    file.write_at(&[1, 1], 0).unwrap();
    file.sync().unwrap();
    file.write_at(&[2, 2], 0).unwrap();
    file.write_at(&[3, 3], 2).unwrap();
    assert!(file.write_at(&[4, 4], 4).is_err());
    drop(file);
    let mut found = [9; 6];
    RealFiles.random(&path, OLD).unwrap().read_at(&mut found, 0).unwrap();
    assert_eq!(found, [1, 1, 3, 3, 0, 0], "the first and the third unsynced write are lost");
}
