//! `tastemaker train` at a terminal: drawn, stopped by a key, and the terminal given back.
//! `script` of util-linux makes the terminal.

use std::io::{Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use super::{answered, small_log};

const ENTER: &str = "\u{1b}[?1049h";
const LEAVE: &str = "\u{1b}[?1049l";
/// A training that would take for ever.
const TRAIN: &str = "train log --model sasrec --set sasrec.training.epochs=100000 \
    --set sasrec.training.patience=0 --set sasrec.training.model.dim=16";

/// Runs the binary at a terminal of 80 × 24; what it writes there comes piece by piece.
#[allow(clippy::print_stdout, reason = "a test that is skipped says so")]
fn at_a_terminal(dir: &Path, arguments: &str) -> Option<(Child, Receiver<String>)> {
    let version = Command::new("script").arg("--version").output();
    let known =
        version.is_ok_and(|it| String::from_utf8_lossy(&it.stdout).contains("util-linux"));
    if !known {
        println!("SKIPPED: no `script` of util-linux here, so no terminal");
        return None;
    }
    let program = env!("CARGO_BIN_EXE_tastemaker");
    let command = format!("stty rows 24 cols 80; exec '{program}' {arguments}");
    let mut child = Command::new("script")
        .args(["--quiet", "--return", "--command", &command, "typescript"])
        .env("TERM", "xterm")
        .current_dir(dir)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut out = child.stdout.take().unwrap();
    let (send, receive) = channel();
    std::thread::spawn(move || {
        let mut bytes = [0; 4096];
        while let Ok(count) = out.read(&mut bytes) {
            let piece = String::from_utf8_lossy(&bytes[..count]).into_owned();
            if count == 0 || send.send(piece).is_err() {
                break;
            }
        }
    });
    Some((child, receive))
}

/// What is written until `word` is there; everything where it never comes.
fn until(pieces: &Receiver<String>, word: &str) -> String {
    let mut text = String::new();
    while !text.contains(word) {
        match pieces.recv_timeout(Duration::from_secs(60)) {
            Ok(piece) => text.push_str(&piece),
            Err(_) => break,
        }
    }
    text
}

#[test]
fn a_key_stops_a_training_and_the_terminal_is_given_back() {
    let dir = small_log();
    let dir = dir.path();
    for key in [b"q", b"\x03"] {
        let Some((mut child, pieces)) = at_a_terminal(dir, TRAIN) else { return };
        let shown = until(&pieces, "tokens/s");
        assert!(shown.contains(ENTER) && shown.contains("NDCG@10"), "{shown}");
        child.stdin.as_mut().unwrap().write_all(key).unwrap();
        let shown = until(&pieces, "hint: ");
        let (_, after) = shown.split_once(LEAVE).expect("it leaves the screen");
        assert!(after.contains("sasrec: stopped; --resume goes on from here"), "{after}");
        assert_eq!(child.wait().unwrap().code(), Some(130));
        assert!(dir.join("log/checkpoints/sasrec/search").exists());
    }
}

#[test]
fn a_training_that_is_refused_leaves_no_picture() {
    let dir = small_log();
    let refused = format!("{TRAIN} --set sasrec.training.schedule.peak=1e30");
    let Some((mut child, pieces)) = at_a_terminal(dir.path(), &refused) else { return };
    let shown = until(&pieces, "hint: ");
    let (_, after) = shown.split_once(LEAVE).expect("it leaves the screen");
    assert!(after.contains("error: "), "{after}");
    assert_eq!(child.wait().unwrap().code(), Some(1));
}

#[test]
fn lines_on_request() {
    let dir = small_log();
    let few = "train log --model sasrec --set sasrec.training.epochs=2";
    for more in ["--plain", "--json"] {
        let arguments = format!("{few} {more}");
        let Some((mut child, pieces)) = at_a_terminal(dir.path(), &arguments) else { return };
        let shown = until(&pieces, "no such word");
        assert!(!shown.contains(ENTER), "{shown}");
        assert!(shown.contains("sasrec: epoch 2 of 2  loss "), "{shown}");
        assert!(child.wait().unwrap().success());
    }
    answered(dir.path(), &["inspect", "log"]);
}
