//! `tastemaker sweep` on small data: trials are run once, gone on with, refused by name.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use super::sequence::log_in;
use super::{answered, json, refused, tastemaker, texts};

/// Two settings of a small network; the small log.
const RING: &str = r#"
name = "ring"
title = "a small sweep"
split = { kind = "leave-last-out" }
search = { kind = "grid" }
[settings]
epochs = 4
patience = 0
batch_tokens = 128
model = { dim = 16, blocks = 1, heads = 1, hidden = 16, length_max = 10 }
negatives = { kind = "uniform", count = 10 }
[vary]
"schedule.peak" = { from = 1e-3, to = 1e-2, scale = "log", count = 2 }
"model.heads" = [1, 2]
"#;

fn folder() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    log_in(dir.path());
    std::fs::write(dir.path().join("ring.toml"), RING).unwrap();
    dir
}

fn sweep<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&["sweep", "ring.toml", "--log", "log"][..], more].concat()
}

/// The summary without what differs from run to run.
fn numbers(mut summary: serde_json::Value) -> serde_json::Value {
    for tried in summary["combinations"].as_array_mut().unwrap() {
        tried.as_object_mut().unwrap().remove("seconds");
    }
    summary
}

fn kept(dir: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(dir.join("tastemaker-sweeps/ring")).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned());
    let mut names: Vec<String> = names.filter(|name| name.contains('-')).collect();
    names.sort();
    names
}

#[test]
fn a_sweep_runs_once_and_is_summed_up_the_best_first() {
    let dir = folder();
    let dir = dir.path();
    let first = json(dir, &sweep(&["--json"]));
    assert_eq!(first["metric"], "validation NDCG@10");
    let tried = first["combinations"].as_array().unwrap();
    assert_eq!((tried.len(), first["unfinished"].as_u64()), (4, Some(0)));
    let mean = |at: usize| tried[at]["ndcg"]["mean"].as_f64().unwrap();
    assert!((1..4).all(|at| mean(at) <= mean(at - 1)), "{first}");
    let plot = std::fs::read_to_string(dir.join(first["plot"].as_str().unwrap())).unwrap();
    assert!(plot.contains("schedule.peak, log scale") && plot.contains("by model.heads"));
    assert_eq!(plot.matches("<circle").count(), 8, "every trial in both panels");
    assert_eq!(kept(dir).len(), 4);

    let (out, err) = texts(&tastemaker(dir, &sweep(&["--json"])));
    assert!(
        err.contains("4 of 4 trials are finished already") && !err.contains("epoch"),
        "{err}"
    );
    assert_eq!(serde_json::from_str::<serde_json::Value>(out.trim()).unwrap(), first);

    // More seeds and more values: what was tried is not tried again.
    let more = RING.replace("[1, 2]", "[1, 2, 4]");
    std::fs::write(dir.join("ring.toml"), more).unwrap();
    let shown = json(dir, &sweep(&["--show", "--json", "--seeds", "2"]));
    assert_eq!(shown["unfinished"], 8);
    let (out, err) = texts(&tastemaker(dir, &sweep(&["--seeds", "2"])));
    assert!(err.contains("4 of 12 trials are finished already"), "{err}");
    assert!(out.contains("deviation") && out.contains("least to most"), "{out}");
    assert!(out.contains("the test part is not looked at"), "{out}");
    let summed = json(dir, &sweep(&["--show", "--json", "--seeds", "2"]));
    assert_eq!(summed["combinations"][0]["seeds"], serde_json::json!([1, 2]));
}

#[test]
fn a_trial_that_was_cut_off_goes_on_to_the_same_numbers() {
    let (whole, cut) = (folder(), folder());
    let whole = numbers(json(whole.path(), &sweep(&["--json"])));
    let dir = cut.path();
    for signal in ["-INT", "-KILL"] {
        let mut child = Command::new(env!("CARGO_BIN_EXE_tastemaker"))
            .args(sweep(&[]))
            .current_dir(dir)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let reached = lines.by_ref().map_while(Result::ok);
        // The first time in the first trial, then wherever that is.
        let _ = { reached }.any(|line| line.contains("epoch 2 of 4"));
        let id = child.id().to_string();
        let _ = Command::new("kill").args([signal, &id]).status().unwrap();
        let told: Vec<String> = lines.map_while(Result::ok).collect();
        let status = child.wait().unwrap();
        if signal == "-INT" && status.code() == Some(130) {
            assert!(
                told.iter().any(|line| line.contains("the same command goes on")),
                "{told:?}"
            );
        }
    }
    let (out, err) = texts(&tastemaker(dir, &sweep(&["--json"])));
    assert!(err.contains("going on after step") || err.contains("finished already"), "{err}");
    assert_eq!(numbers(serde_json::from_str(out.trim()).unwrap()), whole);
    assert!(kept(dir).iter().all(|name| name.ends_with(".json")), "{:?}", kept(dir));
}

#[test]
fn a_training_that_diverges_is_an_answer() {
    let dir = folder();
    let dir = dir.path();
    let text = RING.replace("from = 1e-3, to = 1e-2", "from = 1e-3, to = 1e30");
    std::fs::write(dir.join("ring.toml"), text.replace("[1, 2]", "[1]")).unwrap();
    let (out, err) = texts(&tastemaker(dir, &sweep(&[])));
    assert!(err.contains("  diverged: "), "{err}");
    let last = out.lines().find(|line| line.contains("diverged")).unwrap_or_default();
    assert!(last.contains(" 2 "), "the last of two: {out}");
}

#[test]
fn other_models_are_swept_by_the_same_validation() {
    let dir = folder();
    let dir = dir.path();
    let text = "name = \"ring\"\ntitle = \"knn\"\nmodel = \"item-knn\"\n\
        split = { kind = \"time\", validation_from = \"0.6\", test_from = \"0.8\" }\n\
        search = { kind = \"random\", trials = 3, seed = 2 }\n\
        [vary]\n\"item_knn.shrinkage\" = { from = 0.0, to = 20.0 }\n";
    std::fs::write(dir.join("ring.toml"), text).unwrap();
    let summary = json(dir, &sweep(&["--json"]));
    let tried = summary["combinations"].as_array().unwrap();
    assert_eq!(tried.len(), 3);
    assert!(tried[0]["ndcg"]["mean"].as_f64().unwrap() >= 0.0, "{summary}");
    assert_eq!(tried[0]["best_epochs"], serde_json::json!([0]));
}

#[test]
fn the_example_runs_on_a_log() {
    let dir = folder();
    let dir = dir.path();
    let text = include_str!("../../../../config/sweep.toml");
    let text = text.replace("trials = 12", "trials = 2").replace("epochs = 30", "epochs = 2");
    std::fs::write(dir.join("ring.toml"), text).unwrap();
    let summary = json(dir, &sweep(&["--json"]));
    assert_eq!(summary["sweep"], "first-look");
    assert_eq!(summary["combinations"].as_array().unwrap().len(), 2, "{summary}");
    assert_eq!(summary["varied"].as_array().unwrap().len(), 4);
}

#[test]
fn what_cannot_be_run_is_refused_before_anything_is() {
    let dir = folder();
    let dir = dir.path();
    for (from, to, words) in [
        ("\"model.heads\"", "\"model.head\"", "no setting \"head\" in model; there are block,"),
        ("[1, 2]", "[1, 3]", "model.heads 3"),
        ("[1, 2]", "[1, \"two\"]", "\"model.heads\" = \"two\": invalid type"),
        ("patience = 0", "patiense = 0", "patiense"),
        ("log\", count = 2", "log\"", "add count"),
        ("\"grid\"", "\"guess\"", "guess"),
        ("leave-last-out\"", "time\", validation_from = \"x\", test_from = \"0.9\"", "split: "),
    ] {
        std::fs::write(dir.join("ring.toml"), RING.replace(from, to)).unwrap();
        let error = refused(dir, &sweep(&[]));
        assert!(error.contains("ring.toml") && error.contains(words), "{from}: {error}");
        assert!(!error.contains("trial "), "nothing was run: {error}");
    }
    std::fs::write(dir.join("ring.toml"), RING).unwrap();
    assert!(refused(dir, &["sweep", "ring.toml"]).contains("--log"));
    assert!(refused(dir, &["sweep", "none.toml"]).contains("none.toml"));
    assert!(refused(dir, &["sweep", "ring.toml", "--log", "nowhere"]).contains("no log here"));
    let with_data = "[data]\ntitle = \"far\"\npath = \"far.txt\"\nformat = \"sequences\"\n";
    std::fs::write(dir.join("ring.toml"), format!("{RING}{with_data}")).unwrap();
    let output = tastemaker(dir, &["sweep", "ring.toml", "--data", "data"]);
    assert_eq!(output.status.code(), Some(3));
    assert!(texts(&output).1.contains("far.txt"));
    assert_eq!(answered(dir, &sweep(&["--show"])).trim(), "no trial is finished yet");
}
