//! Commands on a small log: every answer, every refusal.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use super::{answered, json, refused, small_log, tastemaker, texts};

#[test]
fn the_whole_way_on_a_small_log() {
    let dir = small_log();
    let dir = dir.path();
    let trained = json(dir, &["train", "log", "--json"]);
    assert_eq!(trained["version"], "000001");
    assert_eq!(trained["models"].as_array().unwrap().len(), 7);

    let judged = json(
        dir,
        &["evaluate", "log", "--test-from", "0.8", "--set", "evaluate.seen=include", "--json"],
    );
    let page = dir.join(judged["html"].as_str().unwrap());
    assert!(std::fs::read_to_string(page).unwrap().contains("<svg"));

    let slate = json(dir, &["recommend", "log", "--user", "u3", "-k", "5", "--json"]);
    let items = slate["items"].as_array().unwrap();
    assert!(!items.is_empty() && slate["known"] == true, "{slate}");
    let stranger = json(dir, &["recommend", "log", "--user", "nobody", "-k", "5", "--json"]);
    assert_eq!(stranger["items"].as_array().unwrap().len(), 5);
    assert!(stranger["degraded"].is_string(), "{stranger}");

    assert_eq!(json(dir, &["train", "log", "--model", "als", "--json"])["version"], "000002");
    let inspected = json(dir, &["inspect", "log", "--json"]);
    assert_eq!(inspected["versions"].as_array().unwrap().len(), 2);
    assert_eq!(json(dir, &["rollback", "log", "--json"])["to"], "000001");
    let shown = answered(dir, &["inspect", "log"]);
    assert!(shown.contains("000001 *") && shown.contains("evaluation 000001"), "{shown}");
    assert!(answered(dir, &["verify", "log"]).contains("as it was sealed"));
}

#[test]
fn training_twice_with_one_seed_gives_the_same_bytes() {
    let dir = small_log();
    let dir = dir.path();
    answered(dir, &["train", "log", "--seed", "7"]);
    answered(dir, &["train", "log", "--seed", "7"]);
    let models = |version: &str| {
        let folder = dir.join("log/models").join(version);
        let mut files: Vec<PathBuf> =
            std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.sort();
        let of_models =
            files.into_iter().filter(|path| path.extension().unwrap() == "safetensors");
        of_models.map(|path| std::fs::read(path).unwrap()).collect::<Vec<_>>()
    };
    assert!(models("000001").len() >= 7);
    assert_eq!(models("000001"), models("000002"));
}

/// Every file under `dir` that belongs to the log.
fn files_below(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![dir.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { folders.push(path) } else { found.push(path) }
        }
    }
    found.sort();
    found
}

#[test]
fn verify_names_the_file_of_a_flipped_byte() {
    let dir = small_log();
    let dir = dir.path();
    std::fs::write(dir.join("bad.csv"), "user_id,item_id,rating,timestamp\nu1,,3,1500000000\n")
        .unwrap();
    answered(dir, &["import", "csv", "bad.csv", "--into", "log", "--max-rejects", "100%"]);
    answered(dir, &["train", "log"]);
    answered(dir, &["evaluate", "log", "--test-from", "0.8", "--set", "evaluate.seen=include"]);
    let mut flipped = 0;
    for path in files_below(&dir.join("log")) {
        let bytes = std::fs::read(&path).unwrap();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if bytes.is_empty() {
            assert!(name.ends_with(".lock"), "only locks are empty, not {name}");
            continue;
        }
        for place in [0, bytes.len() / 2, bytes.len() - 1] {
            let mut damaged = bytes.clone();
            damaged[place] ^= 1;
            std::fs::write(&path, &damaged).unwrap();
            let output = tastemaker(dir, &["verify", "log"]);
            let (out, err) = texts(&output);
            assert!(!output.status.success(), "byte {place} of {name} went unnoticed");
            assert!(out.contains(&name) || err.contains(&name), "{name}: {out}{err}");
            flipped += 1;
        }
        std::fs::write(&path, &bytes).unwrap();
    }
    assert!(flipped >= 30, "{flipped}");
    answered(dir, &["verify", "log"]);
}

#[test]
fn refusals_say_what_to_do() {
    let dir = small_log();
    let dir = dir.path();
    let cases: [(&[&str], &str); 9] = [
        (&["train", "nowhere"], "no log here"),
        (&["serve", "nowhere"], "no log here"),
        (&["recommend", "log", "--user", "u1"], "no model version yet"),
        (&["rollback", "log"], "version"),
        (&["train", "log", "--model", "oracle"], "oracle"),
        (&["train", "log", "--set", "models.als.factors=0"], "factors"),
        (&["train", "log", "--set", "models.als.factorz=8"], "factorz"),
        (&["evaluate", "log", "--test-from", "tomorrow"], "tomorrow"),
        (&["import", "csv", "absent.csv", "--into", "log"], "absent.csv"),
    ];
    for (args, word) in cases {
        let err = refused(dir, args);
        assert!(err.contains(word), "{args:?}: {err}");
    }
}

#[test]
fn an_order_only_log_refuses_a_time_split() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let lines: Vec<String> = (0..30u32)
        .map(|user| format!("{user} {} {} {}", user % 7 + 1, user % 5 + 8, 20))
        .collect();
    std::fs::write(dir.join("sequences.txt"), lines.join("\n")).unwrap();
    answered(dir, &["import", "sequences", "sequences.txt", "--into", "log"]);
    assert!(refused(dir, &["evaluate", "log"]).contains("order-only"));
    let told = answered(dir, &["evaluate", "log", "--split", "leave-last-out"]);
    assert!(told.lines().next().unwrap().to_lowercase().contains("leaky"), "{told}");
}

/// Waits for the server's first line and returns it with the child.
fn server(dir: &Path, args: &[&str]) -> (std::process::Child, String) {
    let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_tastemaker"))
        .args(args)
        .current_dir(dir)
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::null())
        .spawn()
        .expect("the binary starts");
    let mut out = child.stdout.take().expect("piped");
    let mut line = Vec::new();
    let mut byte = [0];
    while out.read(&mut byte).expect("readable") == 1 && byte[0] != b'\n' {
        line.push(byte[0]);
    }
    (child, String::from_utf8(line).expect("UTF-8"))
}

#[test]
fn serve_answers_under_load_and_keeps_its_slates() {
    let dir = small_log();
    let dir = dir.path();
    answered(dir, &["train", "log"]);
    let (mut child, line) = server(dir, &["serve", "log", "--listen", "127.0.0.1:0", "--json"]);
    let ready: serde_json::Value = serde_json::from_str(&line).expect("one JSON line");
    let url = ready["url"].as_str().unwrap();
    let load = json(
        dir,
        &[
            "bench",
            "load",
            "--url",
            url,
            "--rate",
            "100",
            "--seconds",
            "2",
            "-k",
            "5",
            "--json",
        ],
    );
    let sent = load["sent"].as_u64().unwrap();
    assert_eq!(load["errors"], 0, "{load}");
    assert_eq!(load["answered"].as_u64().unwrap(), sent);
    // A polite stop: SIGTERM, then the slates are in the log.
    let stop = std::process::Command::new("kill").arg(child.id().to_string()).status();
    assert!(stop.expect("kill runs").success());
    assert!(child.wait().unwrap().success());
    let inspected = json(dir, &["inspect", "log", "--json"]);
    assert_eq!(inspected["manifest"]["slates"].as_u64().unwrap(), sent);
    answered(dir, &["verify", "log"]);
}

#[test]
fn a_load_never_leaves_this_machine() {
    let dir = tempfile::tempdir().unwrap();
    let err = refused(dir.path(), &["bench", "load", "--url", "http://192.0.2.1:80"]);
    assert!(err.contains("only a server on this machine"), "{err}");
}

#[test]
fn a_reader_that_went_away_ends_the_process_quietly() {
    let dir = tempfile::tempdir().unwrap();
    let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_tastemaker"))
        .arg("config")
        .current_dir(dir.path())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let mut err = String::new();
    child.stderr.take().unwrap().read_to_string(&mut err).unwrap();
    assert!(child.wait().unwrap().success(), "{err}");
    std::io::stderr().flush().unwrap();
}
