//! Sealed folders: whole or not at all, and every flipped byte is named.

use std::path::Path;
use std::sync::Arc;

use data::sealed::{self, Staged};
use data::{FaultyFiles, Files, RealFiles};

fn seal(files: Arc<dyn Files>, parent: &Path) -> data::Result<String> {
    let mut staged = Staged::begin(files, parent, "v1")?;
    staged.add("weights.bin", &[1, 2, 3, 4])?;
    staged.add("names.txt", b"a\nb\n")?;
    staged.seal("model", serde_json::json!({"seed": 7}))
}

#[test]
fn every_flipped_byte_is_found_and_its_file_named() {
    let dir = tempfile::tempdir().unwrap();
    seal(Arc::new(RealFiles), dir.path()).unwrap();
    let folder = dir.path().join("v1");
    assert!(sealed::verify(&RealFiles, &folder).is_empty());
    for name in ["manifest.json", "weights.bin", "names.txt"] {
        let path = folder.join(name);
        let bytes = std::fs::read(&path).unwrap();
        for at in 0..bytes.len() {
            for bit in 0..8 {
                let mut flipped = bytes.clone();
                flipped[at] ^= 1 << bit;
                std::fs::write(&path, flipped).unwrap();
                let found = sealed::verify(&RealFiles, &folder);
                let named = found.iter().any(|error| error.to_string().contains(name));
                assert!(named, "{name} byte {at} bit {bit}: {found:?}");
            }
        }
        std::fs::write(&path, bytes).unwrap();
    }
    std::fs::remove_file(folder.join("names.txt")).unwrap();
    assert!(sealed::verify(&RealFiles, &folder)[0].to_string().contains("names.txt"));
    std::fs::write(folder.join("names.txt"), b"a\nb\n").unwrap();
    std::fs::write(folder.join("extra"), b"").unwrap();
    assert!(sealed::verify(&RealFiles, &folder)[0].to_string().contains("extra"));
}

#[test]
fn a_fault_at_any_operation_leaves_no_folder_or_a_whole_one() {
    let dir = tempfile::tempdir().unwrap();
    let counted = FaultyFiles::failing_from(u64::MAX);
    seal(Arc::new(counted.clone()), &dir.path().join("counted")).unwrap();
    let mut failed = 0;
    for fault in 0..counted.operations() {
        let parent = dir.path().join(format!("at-{fault}"));
        let result = seal(Arc::new(FaultyFiles::failing_from(fault)), &parent);
        failed += u32::from(result.is_err());
        let folder = parent.join("v1");
        if folder.exists() {
            assert!(sealed::verify(&RealFiles, &folder).is_empty(), "operation {fault}");
        } else {
            assert!(result.is_err(), "operation {fault}");
        }
        // What a killed writer left is in nobody's way.
        if !folder.exists() {
            seal(Arc::new(RealFiles), &parent).unwrap();
        }
    }
    assert!(failed > 10, "{failed}");
}

#[test]
fn a_newer_format_is_refused_by_name() {
    let dir = tempfile::tempdir().unwrap();
    let body = serde_json::json!({
        "format": "tastemaker-folder", "version": 99, "kind": "model", "facts": {}, "files": [],
    });
    sealed::write_checked(&RealFiles, &dir.path().join("manifest.json"), &body).unwrap();
    let error = sealed::open(&RealFiles, dir.path()).unwrap_err().to_string();
    assert!(error.contains("newer"), "{error}");
}
