//! A trainer beside a running server: what it learns is served without a failed request.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::sequence::{SMALL, log_in};
use super::{answered, refused};

/// A process that is told to stop, and waited for, when the test ends.
struct Running(Child);

impl Running {
    fn start(dir: &Path, args: &[&str]) -> Running {
        let child = Command::new(env!("CARGO_BIN_EXE_tastemaker"))
            .args(args)
            .current_dir(dir)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the binary starts");
        Running(child)
    }

    fn stop(&mut self) {
        if let Ok(Some(_)) = self.0.try_wait() {
            return;
        }
        let _ = Command::new("kill").args(["-TERM", &self.0.id().to_string()]).status();
        let _ = self.0.wait();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop();
    }
}

/// A server that follows, and its address.
fn serve(dir: &Path) -> (Running, String) {
    let args = [
        "serve",
        "log",
        "--listen",
        "127.0.0.1:0",
        "--follow",
        "--json",
        "--set",
        "serve.flush_seconds=1",
        "--set",
        "serve.poll_ms=50",
    ];
    let mut running = Running::start(dir, &args);
    let mut line = String::new();
    let out = running.0.stdout.take().expect("piped");
    BufReader::new(out).read_line(&mut line).expect("it says where it listens");
    let said: Value = serde_json::from_str(&line).expect("one JSON object");
    let url = said["url"].as_str().expect("a URL").to_owned();
    (running, url.trim_start_matches("http://").to_owned())
}

/// One request: status and body.
fn ask(address: &str, method: &str, path: &str, body: Option<&Value>) -> (u16, Value) {
    let mut stream = TcpStream::connect(address).expect("the server listens");
    stream.set_read_timeout(Some(Duration::from_secs(20))).expect("a timeout");
    let body = body.map(Value::to_string).unwrap_or_default();
    let length = body.len();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nhost: test\r\nconnection: close\r\ncontent-type: \
         application/json\r\ncontent-length: {length}\r\n\r\n{body}"
    );
    stream.write_all(head.as_bytes()).expect("it reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("it answers");
    let status = answer.split(' ').nth(1).and_then(|word| word.parse().ok()).unwrap_or(0);
    let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    (status, serde_json::from_str(body).unwrap_or(Value::Null))
}

/// Slates of a user, until the version that answers is as wanted; every one must be a success.
fn until(address: &str, wanted: impl Fn(&str) -> bool) -> Value {
    #[allow(clippy::disallowed_methods, reason = "a test that waits for another process")]
    let begun = Instant::now();
    loop {
        let body = json!({"user": "u3", "k": 20});
        let (status, slate) = ask(address, "POST", "/v1/recommend", Some(&body));
        assert_eq!(status, 200, "{slate}");
        if wanted(slate["model_version"].as_str().unwrap_or_default()) {
            return slate;
        }
        assert!(begun.elapsed().as_secs() < 120, "still {}", slate["model_version"]);
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn what_is_learned_beside_a_server_changes_its_slates_without_a_failed_request() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    log_in(dir);
    let (mut server, address) = serve(dir);
    let train = [
        &["train", "log", "--model", "sasrec"][..],
        &SMALL,
        &["--delta-every", "1s", "--deltas", "1", "--json"],
    ]
    .concat();
    let mut trainer = Running::start(dir, &train);
    let before = until(&address, |version| version == "000001");

    // People take to something that no training has met.
    let events: Vec<Value> = (0..40)
        .flat_map(|user| {
            (0..6).map(move |at| {
                json!({"user": format!("u{user}"), "item": format!("new{}", at % 2),
                    "kind": "interaction", "time": 1_700_000_000_000_i64 + at * 1000 + user})
            })
        })
        .collect();
    let (status, taken) = ask(&address, "POST", "/v1/events", Some(&json!({"events": events})));
    assert_eq!(status, 202, "{taken}");
    let after = until(&address, |version| version.starts_with("000001+"));
    assert_ne!(before["items"], after["items"], "the same slate as before");
    assert!(trainer.0.wait().unwrap().success(), "it ends after the delta that was asked for");

    // It goes on where it was, with the deltas that there are.
    let more: Vec<Value> = (0..40)
        .map(|user| {
            json!({"user": format!("u{user}"), "item": "new0", "kind": "interaction",
                "time": 1_700_000_100_000_i64 + user})
        })
        .collect();
    let (status, taken) = ask(&address, "POST", "/v1/events", Some(&json!({"events": more})));
    assert_eq!(status, 202, "{taken}");
    let going_on = [
        &["train", "log", "--model", "sasrec"][..],
        &SMALL,
        &[
            "--continue",
            "--delta-every",
            "1s",
            "--deltas",
            "1",
            "--delta-bytes",
            "512",
            "--json",
        ],
    ]
    .concat();
    let told = answered(dir, &going_on);
    let told: Value = serde_json::from_str(told.trim()).expect("one delta");
    assert_eq!((&told["delta"], &told["model"]), (&json!(2), &json!("sasrec")), "{told}");
    // The events that came meanwhile, and they alone: what was learned is not learned again.
    assert_eq!(told["events"], 40, "{told}");
    until(&address, |version| version == "000001+2");
    // What had no room is not lost with the process: the next one ships it, though nothing has happened.
    let rest = [
        &["train", "log", "--model", "sasrec"][..],
        &SMALL,
        &["--continue", "--delta-every", "1s", "--deltas", "1", "--json"],
    ]
    .concat();
    let told = answered(dir, &rest);
    let told: Value = serde_json::from_str(told.trim()).expect("one delta");
    assert_eq!((&told["delta"], &told["events"]), (&json!(3), &json!(0)), "{told}");
    assert!(told["rows"].as_u64().unwrap() > 0, "{told}");
    until(&address, |version| version == "000001+3");
    // Begun anew, with fewer deltas than the server has seen.
    std::fs::remove_dir_all(dir.join("log/deltas")).unwrap();
    answered(dir, &rest);
    until(&address, |version| version == "000001+1");
    server.stop();

    answered(dir, &["verify", "log"]);
    let delta = dir.join("log/deltas/000001/sasrec/000001.delta");
    let mut bytes = std::fs::read(&delta).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 4;
    std::fs::write(&delta, bytes).unwrap();
    let err = refused(dir, &["verify", "log"]);
    assert!(err.contains("finding"), "{err}");
}

#[test]
fn a_trainer_that_cannot_go_on_says_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    log_in(dir);
    let err = refused(dir, &["train", "log", "--model", "popular", "--delta-every", "1s"]);
    assert!(err.contains("popular does not go on learning"), "{err}");
    let err = refused(
        dir,
        &["train", "log", "--model", "sasrec", "--delta-every", "1s", "--continue"],
    );
    assert!(err.contains("no model version"), "{err}");
}
