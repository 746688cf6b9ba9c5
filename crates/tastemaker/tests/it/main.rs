//! The binary as a user meets it, and the rules of the house.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop here")]

mod house;
mod manual;
mod commands;
mod sequence;
mod continuing;
mod screen;
mod demo;
mod paper;
mod study;
mod sweep;
mod scale;
mod world;

use std::path::Path;
use std::process::{Command, Output};

/// Runs the binary in `dir` with nothing of this machine's settings.
fn tastemaker(dir: &Path, args: &[&str]) -> Output {
    let clean = std::env::vars_os()
        .filter(|(name, _)| !name.to_string_lossy().starts_with("TASTEMAKER"));
    Command::new(env!("CARGO_BIN_EXE_tastemaker"))
        .args(args)
        .current_dir(dir)
        .env_clear()
        .envs(clean)
        .output()
        .expect("the binary starts")
}

/// Its stdout, which must be that of a success.
fn answered(dir: &Path, args: &[&str]) -> String {
    let output = tastemaker(dir, args);
    let (out, err) = texts(&output);
    assert!(output.status.success(), "{args:?}: {out}\n{err}");
    out
}

/// Its last stdout line as JSON.
fn json(dir: &Path, args: &[&str]) -> serde_json::Value {
    let out = answered(dir, args);
    let line = out.trim_end().lines().last().unwrap_or_default();
    serde_json::from_str(line).unwrap_or_else(|error| panic!("{args:?}: {error}: {line}"))
}

/// Its stderr, which must be that of a failure that ends with a hint.
fn refused(dir: &Path, args: &[&str]) -> String {
    let output = tastemaker(dir, args);
    let (out, err) = texts(&output);
    assert!(!output.status.success(), "{args:?} should fail: {out}");
    let last = err.trim_end().lines().last().unwrap_or_default();
    assert!(last.starts_with("hint: "), "{args:?}: no hint at the end of {err}");
    err
}

fn texts(output: &Output) -> (String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (text(&output.stdout), text(&output.stderr))
}

/// A small log: two groups of users with tastes of their own, one event a minute.
fn small_csv() -> String {
    let mut text = String::from("user_id,item_id,rating,timestamp\n");
    for step in 0..600u32 {
        let user = step % 40;
        let item = (step * 7 + user) % 12 + if user < 20 { 0 } else { 12 };
        let time_s = 1_500_000_000 + u64::from(step) * 60;
        text.push_str(&format!("u{user},i{item},{},{time_s}\n", 1 + step % 5));
    }
    text
}

/// A folder with the small log imported into `log`.
fn small_log() -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a temporary folder");
    std::fs::write(dir.path().join("events.csv"), small_csv()).expect("writable");
    answered(dir.path(), &["import", "csv", "events.csv", "--into", "log"]);
    dir
}
