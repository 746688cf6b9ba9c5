//! Training a sequence model: from the log to a served slate, and on after any end.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use super::{answered, json, refused};

/// A small network, and as many epochs as a test can wait for.
pub(super) const SMALL: [&str; 12] = [
    "--set",
    "sasrec.training.model.dim=16",
    "--set",
    "sasrec.training.model.hidden=32",
    "--set",
    "sasrec.training.model.length_max=20",
    "--set",
    "sasrec.training.batch_tokens=60",
    "--set",
    "sasrec.training.epochs=20",
    "--set",
    "sasrec.training.checkpoint_every=5",
];

/// A log in the folder `log`.
pub(super) fn log_in(dir: &Path) {
    // Users who find something new until the end: training can be stopped by it.
    let mut text = String::from("user_id,item_id,timestamp\n");
    for step in 0..1200u32 {
        let (user, item) = (step % 40, (step.wrapping_mul(2_654_435_761) >> 16) % 60);
        text.push_str(&format!("u{user},i{item},{}\n", 1_500_000_000 + step * 60));
    }
    std::fs::write(dir.join("events.csv"), text).unwrap();
    answered(dir, &["import", "csv", "events.csv", "--into", "log"]);
}

fn train<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&["train", "log", "--model", "sasrec"][..], &SMALL, more].concat()
}

/// The published model, and its checksum as the version's manifest states it.
fn published(dir: &Path, version: &str) -> (Vec<u8>, String) {
    let folder = dir.join("log/models").join(version);
    let manifest: serde_json::Value =
        serde_json::from_slice(&std::fs::read(folder.join("manifest.json")).unwrap()).unwrap();
    let files = manifest["files"].to_string();
    (std::fs::read(folder.join("sasrec.safetensors")).unwrap(), files)
}

fn start(dir: &Path, args: &[&str]) -> Child {
    Command::new(env!("CARGO_BIN_EXE_tastemaker"))
        .args(args)
        .current_dir(dir)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary starts")
}

/// Whether the run in this phase has written a checkpoint.
fn has_checkpoint(dir: &Path, phase: &str) -> bool {
    let folder = dir.join("log/checkpoints/sasrec").join(phase);
    let Ok(entries) = std::fs::read_dir(folder) else { return false };
    entries.flatten().any(|entry| {
        let name = entry.file_name().to_string_lossy().into_owned();
        name.bytes().all(|byte| byte.is_ascii_digit())
    })
}

/// Ends `child` with `signal` once the phase has a checkpoint; whether it was still at work.
fn cut_off(dir: &Path, mut child: Child, phase: &str, signal: &str) -> bool {
    while !has_checkpoint(dir, phase) && child.try_wait().unwrap().is_none() {
        std::thread::sleep(Duration::from_millis(1));
    }
    let at_work = child.try_wait().unwrap().is_none();
    if at_work {
        let sent = Command::new("kill").args([signal, &child.id().to_string()]).status();
        assert!(sent.unwrap().success());
    }
    let output = child.wait_with_output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    if at_work && signal == "-INT" && !output.status.success() {
        assert_eq!(output.status.code(), Some(130), "{told}");
        assert!(told.contains("--resume"), "{told}");
    }
    at_work && !output.status.success()
}

#[test]
fn a_training_that_was_cut_off_ends_with_the_same_bytes() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    log_in(dir);
    answered(dir, &train(&[]));
    let whole = published(dir, "000001");
    assert!(!has_checkpoint(dir, "search") && !has_checkpoint(dir, "refit"), "cleared");
    let mut version = 1;
    let mut cuts = 0;
    for (phase, signal) in
        [("search", "-INT"), ("search", "-KILL"), ("refit", "-INT"), ("refit", "-KILL")]
    {
        // The end may come first on a quick machine: then there is nothing to go on from.
        let cut = cut_off(dir, start(dir, &train(&[])), phase, signal);
        if cut {
            answered(dir, &train(&["--resume"]));
            cuts += 1;
        }
        version += 1;
        let resumed = published(dir, &format!("{version:06}"));
        assert_eq!(resumed.1, whole.1, "checksums after {signal} in {phase}");
        assert!(resumed.0 == whole.0, "bytes after {signal} in {phase}");
        assert!(!has_checkpoint(dir, "search") && !has_checkpoint(dir, "refit"), "cleared");
    }
    assert!(cuts >= 1, "no training was cut off");
}

#[test]
fn items_on_disk_make_the_same_model_within_their_budget() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    log_in(dir);
    answered(dir, &train(&["--set", "sasrec.training.item_updates=keyed"]));
    let expected = published(dir, "000001");
    let told = json(dir, &train(&["--table-memory", "1MiB", "--json"]));
    let table = &told["models"][0]["table"];
    let bytes = |name: &str| table[name].as_u64().unwrap();
    assert_eq!((bytes("rows"), bytes("memory_budget")), (60, 1 << 20));
    assert!(bytes("memory_bytes") <= 1 << 20 && bytes("asked") > 0, "{table}");
    let found = published(dir, "000002");
    assert!(found.0 == expected.0, "other weights");
    assert!(!dir.join("log/checkpoints/sasrec/table").exists(), "the slab goes with the run");

    // Killed in the middle it leaves its slab; going on, with more memory, ends with the same bytes. The
    // end may come first on a quick machine: then there is nothing to go on from.
    let slab = dir.join("log/checkpoints/sasrec/table");
    let (mut version, mut cuts) = (2, 0);
    while cuts < 2 && version < 12 {
        if cut_off(dir, start(dir, &train(&["--table-memory", "1MiB"])), "search", "-KILL") {
            assert!(slab.exists(), "a killed process clears nothing");
            match cuts {
                0 => answered(dir, &train(&["--table-memory", "3MiB", "--resume"])),
                // Nor does who has all in memory go on with it; what is left there goes all the same.
                _ => answered(dir, &train(&["--set", "sasrec.training.item_updates=keyed"])),
            };
            cuts += 1;
        }
        version += 1;
        let found = published(dir, &format!("{version:06}"));
        assert!(found.0 == expected.0, "other weights");
        assert!(!slab.exists(), "what was left is gone");
    }
    assert_eq!(cuts, 2, "no training was cut off");

    let told = refused(dir, &train(&["--table-memory", "9KiB"]));
    assert!(told.contains("--table-memory: 9216 bytes are too few"), "{told}");
    assert!(told.contains("leave it out"), "{told}");
    let told = refused(dir, &["train", "log", "--model", "als", "--table-memory", "1MiB"]);
    assert!(told.contains("none of these models has a table"), "{told}");
}

#[test]
fn refusals_of_a_training_say_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    log_in(dir);
    for (args, word) in [
        (&["--resume"][..], "no checkpoint to go on from"),
        (&["--set", "sasrec.training.model.heads=3"], "heads"),
        (&["--set", "sasrec.training.batch_tokens=3"], "batch_tokens"),
        (&["--set", "sasrec.held_out=0.9"], "held_out"),
        (&["--set", "sasrec.training.loss.kind=guess"], "guess"),
        (&["--set", "sasrec.training.loss.kind=gbce"], "t"),
    ] {
        let err = refused(dir, &train(args));
        assert!(err.contains(word), "{args:?}: {err}");
    }
    let err = refused(dir, &["train", "log", "--model", "popular", "--resume"]);
    assert!(err.contains("--resume"), "{err}");
}

#[test]
fn another_kind_of_loss_brings_its_own_settings() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let gbce =
        ["--set", "sasrec.training.loss.kind=gbce", "--set", "sasrec.training.loss.t=0.75"];
    let settings = json(dir, &[&["config", "--json"][..], &gbce].concat());
    let loss = serde_json::json!({"kind": "gbce", "t": 0.75});
    assert_eq!(settings["sasrec"]["training"]["loss"], loss);
    let settings =
        json(dir, &["config", "--json", "--set", "sasrec.training.negatives.count=9"]);
    assert_eq!(settings["sasrec"]["training"]["negatives"]["kind"], "uniform");
    assert_eq!(settings["sasrec"]["training"]["negatives"]["count"], 9);
}

#[test]
fn a_trained_sequence_model_recommends_and_tells_how_it_was_trained() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    log_in(dir);
    answered(dir, &train(&["--model", "popular", "--set", "sasrec.training.epochs=3"]));
    let slate = json(
        dir,
        &["recommend", "log", "--user", "u3", "-k", "5", "--model", "sasrec", "--json"],
    );
    assert_eq!(slate["items"].as_array().unwrap().len(), 5, "{slate}");
    assert!(slate["items"][0]["reason"].as_str().unwrap().starts_with("because of"), "{slate}");
    let merged = json(dir, &["recommend", "log", "--user", "u3", "-k", "5", "--json"]);
    assert!(merged["items"].to_string().contains("sasrec"), "{merged}");
    let inspected = json(dir, &["inspect", "log", "--json"]);
    let training = &inspected["versions"][0]["facts"]["models"][0]["training"];
    assert_eq!(training["epochs"].as_array().unwrap().len(), 3, "{training}");
    assert!(training["epochs"][0]["loss"].as_f64().unwrap() > 0.0, "{training}");
    assert!(training["epochs"][0]["ndcg"].is_f64(), "{training}");
    let shown = answered(dir, &["inspect", "log"]);
    assert!(shown.contains("sasrec: epoch") && shown.contains("NDCG@10"), "{shown}");
}

#[test]
fn a_log_without_a_next_event_leaves_the_sequence_model_out() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let rows: Vec<String> =
        (0..30).map(|user| format!("u{user},i{},{}", user % 7, 1_500_000_000 + user)).collect();
    let text = format!("user_id,item_id,timestamp\n{}\n", rows.join("\n"));
    std::fs::write(dir.join("events.csv"), text).unwrap();
    answered(dir, &["import", "csv", "events.csv", "--into", "log"]);
    let both =
        json(dir, &["train", "log", "--model", "popular", "--model", "sasrec", "--json"]);
    assert_eq!(both["models"].as_array().unwrap().len(), 1, "{both}");
    let err = refused(dir, &["train", "log", "--model", "sasrec"]);
    assert!(err.contains("no user has two events"), "{err}");
}
