//! A process that is killed in the middle, again and again, ends where one that was not ends.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// `target/PROFILE/examples/train_tiny`, beside the folder of this test.
fn example() -> Option<PathBuf> {
    let own = std::env::current_exe().ok()?;
    let found = own.parent()?.parent()?.join("examples").join("train_tiny");
    found.is_file().then_some(found)
}

fn start(example: &Path, dir: &Path) -> Child {
    let mut command = Command::new(example);
    command.arg(dir).arg("42").stdout(Stdio::piped()).spawn().expect("it starts")
}

/// Reads lines until `lines` have come; all where it ends before.
fn read(child: &mut Child, lines: usize) -> Vec<String> {
    let stdout = BufReader::new(child.stdout.take().expect("it is piped"));
    stdout.lines().take(lines).map(|line| line.expect("text")).collect()
}

fn finish(example: &Path, dir: &Path) -> Vec<String> {
    let mut child = start(example, dir);
    let lines = read(&mut child, usize::MAX);
    assert!(child.wait().expect("it ends").success(), "{lines:?}");
    lines
}

#[test]
fn killed_again_and_again_it_ends_with_the_same_weights() {
    let Some(example) = example() else {
        println!("SKIPPED: no train_tiny here; `cargo test -p train` builds it");
        return;
    };
    let dirs = [(); 2].map(|()| tempfile::tempdir().expect("a folder"));
    let whole = finish(&example, dirs[0].path());
    let checksum = whole.last().expect("a checksum");
    assert!(checksum.starts_with("checksum "), "{whole:?}");

    let mut went_on = 0;
    for lines in [1, 2, 4, 2] {
        let mut child = start(&example, dirs[1].path());
        let told = read(&mut child, lines);
        // SIGKILL: nothing of it runs any more.
        child.kill().expect("it is alive");
        child.wait().expect("it is gone");
        went_on += usize::from(told[0].starts_with("going on after step"));
    }
    assert_eq!(went_on, 3, "each but the first found a checkpoint");
    let resumed = finish(&example, dirs[1].path());
    assert!(resumed[0].starts_with("going on after step"), "{resumed:?}");
    assert!(resumed.len() < whole.len(), "it did not begin anew");
    assert_eq!(resumed.last(), Some(checksum));
    let again = finish(&example, dirs[1].path());
    assert_eq!(again, ["the run had ended after epoch 12", checksum]);
}
