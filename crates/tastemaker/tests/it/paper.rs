//! `tastemaker paper` on a made-up recipe: cells are run once, gone on with, refused by name.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::{answered, json, refused, tastemaker, texts};

/// Users walk round a ring of items: who took i takes i + 1 next.
const RECIPE: &str = r#"
slug = "ring"
title = "a ring"
[quick]
users = 40
epochs = 1
[data.ring]
title = "ring"
path = "ring.txt"
format = "sequences"
[data.far]
title = "another ring"
path = "far.txt"
format = "sequences"
[[arm]]
name = "small"
title = "small"
[[arm]]
name = "popular"
title = "popular"
model = "popular"
[[grid]]
name = "near"
title = "near"
data = "ring"
split = { kind = "leave-last-out" }
metrics = ["hr@10", "ndcg@10", "coverage@10", "popularity@10"]
deciles = true
arms = [{ arm = "small", seeds = 2 }, { arm = "popular" }]
[grid.settings]
epochs = 6
patience = 0
batch_tokens = 128
schedule = { peak = 0.01 }
model = { dim = 16, blocks = 1, heads = 1, hidden = 16, length_max = 10, dropout = 0.0 }
negatives = { kind = "uniform", count = 20 }
[[grid]]
name = "far"
title = "far"
data = "far"
split = { kind = "leave-last-out" }
metrics = ["ndcg@10"]
arms = [{ arm = "popular" }]
[[published]]
grid = "near"
arm = "small"
metric = "hr@10"
value = 1.0
band = 0.3
source = "the ring"
"#;

fn folder() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let lines: Vec<String> = (0..120u32)
        .map(|user| {
            let items: Vec<String> =
                (0..8 + user % 4).map(|step| format!("i{}", (user * 7 + step) % 50)).collect();
            format!("u{user} {}\n", items.join(" "))
        })
        .collect();
    std::fs::create_dir(dir.path().join("data")).unwrap();
    std::fs::write(dir.path().join("data/ring.txt"), lines.concat()).unwrap();
    std::fs::write(dir.path().join("ring.toml"), RECIPE).unwrap();
    dir
}

const NEAR: [&str; 6] = ["paper", "ring.toml", "--data", "data", "--only", "near"];

fn near<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&NEAR[..], more].concat()
}

fn cell(dir: &Path, name: &str) -> PathBuf {
    dir.join("tastemaker-papers/ring/near").join(name)
}

/// The summary without what differs from run to run.
fn numbers(mut summary: serde_json::Value) -> serde_json::Value {
    for grid in summary["grids"].as_array_mut().unwrap() {
        for arm in grid["arms"].as_array_mut().unwrap() {
            let arm = arm.as_object_mut().unwrap();
            arm.remove("seconds");
            arm.remove("epoch_seconds");
        }
    }
    summary
}

#[test]
fn a_paper_runs_once_and_is_summed_up() {
    let dir = folder();
    let dir = dir.path();
    let first = json(dir, &near(&["--json"]));
    let arms = first["grids"][0]["arms"].as_array().unwrap();
    assert_eq!(arms[0]["seeds"], serde_json::json!([1, 2]));
    assert_eq!(arms[0]["published"][0]["verdict"], "reproduced", "{first}");
    assert_eq!(first["grids"][0]["winner"]["arm"], "small");
    assert_eq!(first["grids"][0]["leaky"], true);
    let decile_cases = arms[0]["deciles"].as_array().unwrap().iter();
    assert_eq!(decile_cases.map(|row| row["cases"].as_u64().unwrap()).sum::<u64>(), 120);
    let before = std::fs::read(cell(dir, "small-1.json")).unwrap();

    let output = tastemaker(dir, &near(&["--json"]));
    let (out, err) = texts(&output);
    assert!(err.contains("3 of 3 cells are finished already"), "{err}");
    assert!(!err.contains("epoch"), "nothing is trained again: {err}");
    let second: serde_json::Value = serde_json::from_str(out.trim()).unwrap();
    assert_eq!(first, second);
    assert_eq!(std::fs::read(cell(dir, "small-1.json")).unwrap(), before);

    let shown = answered(dir, &near(&["--show", "--markdown"]));
    assert!(shown.contains("| arm | seeds | HR@10 |") && shown.contains("leaky"), "{shown}");
    answered(dir, &near(&["--show", "--measured", "measured.json"]));
    assert!(std::fs::read_to_string(dir.join("measured.json")).unwrap().contains("\"ring\""));

    let quick = json(dir, &near(&["--quick", "--json"]));
    assert_eq!(quick["quick"], true);
    assert_eq!(quick["grids"][0]["cases"], 40);
    assert!(answered(dir, &near(&["--quick"])).contains("not numbers to quote"));
    assert!(refused(dir, &near(&["--quick", "--measured", "no.json"])).contains("--quick"));

    // Other settings are other cells.
    let recipe = RECIPE.replace("peak = 0.01", "peak = 0.02");
    std::fs::write(dir.join("ring.toml"), recipe).unwrap();
    let shown = json(dir, &near(&["--show", "--json"]));
    assert_eq!(shown["grids"][0]["arms"][0]["arm"], "popular");
    let (_, err) = texts(&tastemaker(dir, &near(&[])));
    assert!(err.contains("near/small seed 1: kept with other settings or data"), "{err}");
    assert!(err.contains("1 of 3 cells are finished already"), "{err}");
}

#[test]
fn a_cell_that_was_killed_goes_on_to_the_same_numbers() {
    let (whole, cut) = (folder(), folder());
    let whole = numbers(json(whole.path(), &near(&["--json"])));

    let dir = cut.path();
    let mut child = Command::new(env!("CARGO_BIN_EXE_tastemaker"))
        .args(near(&[]))
        .current_dir(dir)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stderr.take().unwrap()).lines();
    // Whatever the kill finds it at, an epoch is done and is not done again.
    let reached = lines.map_while(Result::ok).any(|line| line.contains("epoch 3 of 6"));
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(reached);
    assert!(!cell(dir, "small-2.json").exists());

    let output = tastemaker(dir, &near(&["--json"]));
    let (out, err) = texts(&output);
    let finished = cell(dir, "small-1.json").exists();
    assert!(
        finished && (err.contains("going on after step") || err.contains("finished already"))
    );
    assert_eq!(numbers(serde_json::from_str(out.trim()).unwrap()), whole);
    let left = std::fs::read_dir(dir.join("tastemaker-papers/ring/near")).unwrap();
    let left: Vec<String> =
        left.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
    assert!(left.iter().all(|name| name.ends_with(".json")), "checkpoints stay: {left:?}");
}

#[test]
fn a_damaged_cell_is_refused_by_name() {
    let dir = folder();
    let dir = dir.path();
    answered(dir, &near(&[]));
    let path = cell(dir, "small-2.json");
    let text =
        std::fs::read_to_string(&path).unwrap().replacen("\"seed\": 2", "\"seed\": 3", 1);
    std::fs::write(&path, text).unwrap();
    for more in [&["--show"][..], &[]] {
        let error = refused(dir, &near(more));
        assert!(error.contains("small-2.json") && error.contains("checksum"), "{error}");
        assert!(error.contains("hint: remove "), "{error}");
    }
}

#[test]
fn what_cannot_be_run_is_said() {
    let dir = folder();
    let dir = dir.path();
    let output = tastemaker(dir, &["paper", "ring.toml", "--data", "data"]);
    assert_eq!(output.status.code(), Some(3));
    let (_, err) = texts(&output);
    assert!(err.contains("far.txt") && err.contains("TASTEMAKER_DATA"), "{err}");
    assert!(!dir.join("tastemaker-papers/ring/near").exists(), "nothing was run before");

    assert!(refused(dir, &["paper", "nothing"]).contains("--list"));
    assert!(refused(dir, &["paper", "none.toml"]).contains("none.toml"));
    let error = refused(dir, &["paper", "ring.toml", "--data", "data", "--only", "nobody"]);
    assert!(error.contains("grids: near, far; arms: small, popular"), "{error}");
    std::fs::write(dir.join("bad.toml"), RECIPE.replace("patience = 0", "patiense = 0"))
        .unwrap();
    assert!(refused(dir, &["paper", "bad.toml"]).contains("patiense"));
    let listed = answered(dir, &["paper", "--list"]);
    assert!(listed.contains("sasrec:") && listed.contains("logq:"), "{listed}");
}

/// One data set with times, split in two ways.
const TWICE: &str = r#"
slug = "twice"
title = "twice"
borrow = ["lender"]
quick = { users = 40, epochs = 1 }
[data.walk]
title = "walk"
path = "walk.csv"
format = "csv"
map = { event = { user = "user", item = "item", time = "time", time_unit = "s" } }
[[arm]]
name = "popular"
title = "Popular"
model = "popular"
[[arm]]
name = "item-knn"
title = "item-kNN"
model = "item-knn"
[[grid]]
name = "last"
title = "last"
data = "walk"
split = { kind = "leave-last-out" }
metrics = ["ndcg@10", "coverage@10"]
arms = [{ arm = "popular" }, { arm = "item-knn" }]
[[grid]]
name = "time"
title = "time"
data = "walk"
split = { kind = "time", validation_from = "0.8", test_from = "0.9" }
metrics = ["ndcg@10", "coverage@10"]
arms = [{ arm = "popular" }, { arm = "item-knn" }]
[[reversal]]
name = "walk"
title = "Walk"
grids = ["last", "time"]
"#;

#[test]
fn orders_under_two_splits_are_compared_and_cells_are_borrowed() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let rows: Vec<String> = (0..60u32)
        .flat_map(|user| (0..12).map(move |step| (user, step)))
        .map(|(user, step)| {
            let (item, time) = ((user * 7 + step) % 40, 1_000_000 + step * 1000 + user);
            format!("u{user},i{item},{time}\n")
        })
        .collect();
    std::fs::create_dir(dir.join("data")).unwrap();
    let rows = format!("user,item,time\n{}", rows.concat());
    std::fs::write(dir.join("data/walk.csv"), rows).unwrap();
    std::fs::write(dir.join("twice.toml"), TWICE).unwrap();
    // The lender goes by other names.
    let (before, _) = TWICE.split_once("[[reversal]]").unwrap();
    let lender = before
        .replace("\"twice\"", "\"lender\"")
        .replace("borrow = [\"lender\"]", "")
        .replace("\"time\"", "\"late\"")
        .replace("time = \"late\"", "time = \"time\"")
        .replace("kind = \"late\"", "kind = \"time\"");
    std::fs::write(dir.join("lender.toml"), lender).unwrap();
    answered(dir, &["paper", "lender.toml", "--data", "data", "--only", "late/popular"]);

    let run = ["paper", "twice.toml", "--data", "data", "--json"];
    let output = tastemaker(dir, &run);
    let (out, err) = texts(&output);
    assert!(err.contains("time/popular seed 1: borrowed from lender/late/popular"), "{err}");
    assert!(err.contains("1 of 4 cells are finished already"), "{err}");
    let summary: serde_json::Value = serde_json::from_str(out.trim()).unwrap();
    let set = &summary["reversals"]["sets"][0];
    assert_eq!(set["sides"][0]["leaky"], true, "{summary}");
    assert_eq!(set["metrics"][0]["metric"], "ndcg@10");
    assert_eq!(set["metrics"][1]["counts"]["pairs"], 1);
    assert_eq!(set["metrics"][0]["best"][0], serde_json::json!(["item-knn"]));
    let (_, err) = texts(&tastemaker(dir, &run));
    assert!(err.contains("4 of 4 cells are finished already"), "{err}");

    let shown = answered(dir, &["paper", "twice.toml", "--show", "--markdown"]);
    assert!(shown.contains("Kendall's τ") && shown.contains("| item-kNN | 1 |"), "{shown}");
    assert!(
        shown.contains("**Walk: leave-last-out (leaky), 60 cases; against time"),
        "{shown}"
    );
    let one_side = json(dir, &["paper", "twice.toml", "--show", "--json", "--only", "last"]);
    assert!(one_side.get("reversals").is_none(), "{one_side}");

    let wrong = TWICE.replace("grids = [\"last\", \"time\"]", "grids = [\"last\", \"later\"]");
    std::fs::write(dir.join("wrong.toml"), wrong).unwrap();
    let error = refused(dir, &["paper", "wrong.toml", "--data", "data"]);
    assert!(error.contains("reversal walk: no grid \"later\""), "{error}");
}
