//! Checkpoints that cannot be written, are damaged, or are of another run.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use data::{FaultyFiles, Files, RealFiles, Sequences, sealed};
use train::{Checkpoints, SequenceConfig, Trained};

use crate::planted::{ITEMS, attempt, bits, log, quick};
use crate::unsynced::Unsynced;

fn tiny() -> SequenceConfig {
    SequenceConfig {
        batch_tokens: 60,
        epochs: 2,
        validate_every: 1,
        checkpoint_every: 2,
        ..quick()
    }
}

fn run(
    config: &SequenceConfig,
    files: Arc<dyn Files>,
    dir: &Path,
    resume: bool,
) -> (train::Result<Trained>, Vec<String>) {
    let (train, held) = log(24);
    let mut lines = Vec::new();
    let mut tell = |line: &str| lines.push(line.to_owned());
    let checkpoints = Some(Checkpoints::new(files, dir));
    let result = attempt(config, (&train, &held), checkpoints, resume, &mut tell);
    (result, lines)
}

fn undisturbed() -> Arc<dyn Files> {
    Arc::new(Unsynced)
}

/// A finished run and its folder, whose newest checkpoint is of the end.
fn finished() -> (tempfile::TempDir, Trained) {
    let dir = tempfile::tempdir().unwrap();
    let trained = run(&tiny(), undisturbed(), dir.path(), false).0.unwrap();
    (dir, trained)
}

fn ids(dir: &Path) -> Vec<String> {
    sealed::ids(&RealFiles, dir).unwrap()
}

fn flip(path: &Path, share: f64) {
    let mut bytes = std::fs::read(path).unwrap();
    let at = ((bytes.len() - 1) as f64 * share) as usize;
    bytes[at] ^= 1;
    std::fs::write(path, bytes).unwrap();
}

fn files_of(dir: &Path) -> Vec<PathBuf> {
    RealFiles.list(dir).unwrap()
}

#[test]
fn a_write_that_fails_anywhere_leaves_what_can_be_resumed() {
    let config = SequenceConfig { epochs: 1, ..tiny() };
    let dir = tempfile::tempdir().unwrap();
    let counting = FaultyFiles::failing_from(u64::MAX);
    let whole = run(&config, Arc::new(counting.clone()), dir.path(), false).0.unwrap();
    let operations = counting.operations();
    assert!(operations > 40, "{operations} operations");
    let mut resumed = 0;
    for fail_from in 0..operations {
        let dir = tempfile::tempdir().unwrap();
        let files = Arc::new(FaultyFiles::failing_from(fail_from));
        let (failed, _) = run(&config, files, dir.path(), false);
        let error = failed.unwrap_err().to_string();
        assert!(error.contains("planted fault"), "operation {fail_from}: {error}");
        for id in ids(dir.path()) {
            let found = sealed::verify(&RealFiles, &dir.path().join(id));
            assert!(found.is_empty(), "operation {fail_from}: {found:?}");
        }
        let resume = Checkpoints::new(undisturbed(), dir.path()).any().unwrap();
        resumed += usize::from(resume);
        let (second, lines) = run(&config, undisturbed(), dir.path(), resume);
        assert!(lines.iter().all(|line| !line.contains("damaged")), "{lines:?}");
        let second = second.unwrap();
        assert!(bits(&second) == bits(&whole), "operation {fail_from}");
        assert_eq!(second.epochs, whole.epochs);
        // What a dead writer left is gone.
        let left = files_of(dir.path());
        assert!(
            left.iter().all(|path| sealed::is_id(&path.file_name().unwrap().to_string_lossy()))
        );
    }
    assert!(resumed * 2 > operations as usize, "{resumed} of {operations} were resumed");
}

#[test]
fn the_last_three_are_kept() {
    let (dir, _) = finished();
    let ids = ids(dir.path());
    assert_eq!(ids.len(), 3);
    assert!(ids[0].as_str() > "000001");
}

#[test]
fn a_damaged_checkpoint_is_passed_over_and_named() {
    let (dir, whole) = finished();
    let newest = ids(dir.path()).pop().unwrap();
    let names: Vec<String> = files_of(&dir.path().join(newest))
        .iter()
        .map(|path| path.file_name().unwrap().to_string_lossy().into_owned())
        .collect();
    let expected =
        ["best.safetensors", "manifest.json", "moments.safetensors", "weights.safetensors"];
    assert_eq!(names, expected);
    for name in &names {
        for share in [0.0, 0.3, 0.9, 1.0, 2.0] {
            let (dir, _) = finished();
            let path = dir.path().join(ids(dir.path()).pop().unwrap()).join(name);
            if share > 1.0 {
                std::fs::remove_file(&path).unwrap();
            } else {
                flip(&path, share);
            }
            let (resumed, lines) = run(&tiny(), undisturbed(), dir.path(), true);
            let resumed = resumed.unwrap();
            assert!(bits(&resumed) == bits(&whole), "{name} at {share}");
            assert_eq!(resumed.epochs, whole.epochs);
            let what = path.display().to_string();
            assert!(lines[0].starts_with(&what), "{lines:?}");
            assert!(lines[0].ends_with("; trying the checkpoint before it"), "{lines:?}");
            assert!(lines[1].starts_with("going on after step"), "{lines:?}");
        }
    }
}

#[test]
fn nothing_undamaged_is_an_error_that_names_the_newest() {
    let (dir, _) = finished();
    for id in ids(dir.path()) {
        flip(&dir.path().join(id).join("weights.safetensors"), 0.5);
    }
    let (resumed, lines) = run(&tiny(), undisturbed(), dir.path(), true);
    let error = resumed.unwrap_err().to_string();
    let newest = dir.path().join(ids(dir.path()).pop().unwrap()).join("weights.safetensors");
    let expected = format!(
        "{}: every checkpoint is damaged, the newest: {}: damaged: its checksum is not the sealed \
         one; train without --resume to begin anew",
        dir.path().display(),
        newest.display()
    );
    assert_eq!(error, expected);
    assert_eq!(lines.len(), 3);
    // Begun anew, it works.
    run(&tiny(), undisturbed(), dir.path(), false).0.unwrap();
}

#[test]
fn nothing_to_resume_is_said() {
    let dir = tempfile::tempdir().unwrap();
    for dir in [dir.path().to_path_buf(), dir.path().join("missing")] {
        let error = run(&tiny(), undisturbed(), &dir, true).0.unwrap_err().to_string();
        let dir = dir.display();
        let expected = format!("{dir}: no checkpoint to go on from; train without --resume");
        assert_eq!(error, expected);
    }
    let (train, held) = log(24);
    let error = attempt(&tiny(), (&train, &held), None, true, &mut |_| {}).unwrap_err();
    assert_eq!(error.to_string(), "a run without checkpoints has none to go on from");
}

#[test]
fn another_run_is_not_gone_on_with() {
    let (dir, _) = finished();
    let before = ids(dir.path());
    let refused = |config: &SequenceConfig, parts: (&Sequences, &Sequences), how: &str| {
        let checkpoints = Some(Checkpoints::new(undisturbed(), dir.path()));
        let error = attempt(config, parts, checkpoints, true, &mut |_| {}).unwrap_err();
        let newest = dir.path().join(before.last().unwrap());
        let expected = format!(
            "{}: this checkpoint is of a run {how}; resume with what it began with, or train \
             without --resume to begin anew",
            newest.display()
        );
        assert_eq!(error.to_string(), expected);
        assert_eq!(ids(dir.path()), before);
    };
    let (train, held) = log(24);
    let config = SequenceConfig { epochs: 3, ..tiny() };
    refused(&config, (&train, &held), "with epochs 2, not 3");
    let mut config = tiny();
    config.schedule.peak = 0.5;
    refused(&config, (&train, &held), "with schedule.peak 0.01, not 0.5");
    config = SequenceConfig { loss: train::Loss::Gbce { t: 0.0 }, ..tiny() };
    refused(&config, (&train, &held), "with loss.kind \"sampled-softmax\", not \"gbce\"");
    let nobody = Sequences::from_events(24, ITEMS, &[]).unwrap();
    refused(&tiny(), (&train, &nobody), "with other training data");
    let (other, other_held) = log(25);
    refused(&tiny(), (&other, &other_held), "with other training data");
    let checkpoints = Some(Checkpoints::new(undisturbed(), dir.path()));
    let error = train::fit(train::Run {
        config: &tiny(),
        train: &train,
        held: Some(&held),
        seed: 6,
        checkpoints,
        resume: true,
        table: None,
        clock: &data::FixedClock(0),
        progress: &data::Progress::silent(),
        tell: &mut |_| {},
    });
    let error = error.unwrap_err().to_string();
    assert!(error.contains("is of a run with seed 5, not 6;"), "{error}");
}
