//! `tastemaker paper` on a made-up study: cells are run once, kept, summed up, refused by name.

use super::{answered, json, refused, texts};

const RECIPE: &str = r#"
slug = "tiny"
title = "a tiny study"
[quick]
users = 1
epochs = 1
[[study]]
name = "world"
title = "a world"
kind = "clicks"
seeds = 2
metrics = [{ name = "excess", title = "excess", better = "lower" }, { name = "auc", title = "AUC", better = "higher" }]
[study.settings]
source = { kind = "world", sizes = [40, 30], zipf = 1.0, train = 3000, test = 500, effect = 1.0, pair = 0.5, bias = 0.0 }
width = 4
table_rate = 0.1
hidden = [8]
train = { batch = 64, epochs = 1, rate = 0.01 }
[[study.point]]
name = "half"
title = "0.5 x"
settings = { budget = 0.5 }
[[study.point]]
name = "all"
title = "1 x"
settings = { budget = 1.0 }
[[study.arm]]
name = "unified"
title = "unified"
settings = { view = { kind = "unified", tables = 1 } }
[[study.arm]]
name = "rows"
title = "a row an id"
settings = { view = { kind = "per-feature" } }
points = ["all"]
[[study.published]]
arm = "rows"
point = "all"
metric = "auc"
value = 0.75
source = "nowhere"
[[study.plot]]
title = "AUC by excess"
lines = [{ title = "all", marks = [{ title = "here", x = 0.5, y = "auc" }] }]
"#;

fn folder() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("tiny.toml"), RECIPE).unwrap();
    dir
}

#[test]
fn a_study_runs_once_and_is_summed_up() {
    let dir = folder();
    let dir = dir.path();
    let run = |more: &[&'static str]| [&["paper", "tiny.toml"][..], more].concat();
    let first = json(dir, &run(&["--json"]));
    let cells = first["studies"][0]["cells"].as_array().unwrap();
    let names: Vec<&str> = cells.iter().map(|cell| cell["cell"].as_str().unwrap()).collect();
    assert_eq!(names, ["unified-half", "unified-all", "rows-all"]);
    for cell in cells {
        assert_eq!(cell["seeds"], serde_json::json!([1, 2]));
        let excess = cell["metrics"][0]["mean"].as_f64().unwrap();
        let auc = cell["metrics"][1]["mean"].as_f64().unwrap();
        assert!(excess > -0.05 && excess < 0.25 && auc > 0.6, "{cell}");
    }
    // Nothing is run again, and what is kept says the same.
    let place = dir.join("tastemaker-papers/tiny/studies/world/unified-half-1.json");
    let before = std::fs::read(&place).unwrap();
    let output = super::tastemaker(dir, &run(&["--json"]));
    let (out, err) = texts(&output);
    assert!(!err.contains("cell 1"), "{err}");
    assert_eq!(serde_json::from_str::<serde_json::Value>(out.trim()).unwrap(), first);
    assert_eq!(std::fs::read(&place).unwrap(), before);

    // The same seeds, the same numbers.
    std::fs::remove_file(&place).unwrap();
    let shown = json(dir, &run(&["--show", "--json"]));
    assert_eq!(shown["studies"][0]["unfinished"], 1);
    assert_eq!(shown["studies"][0]["cells"][0]["seeds"], serde_json::json!([2]));
    let again = json(dir, &run(&["--json"]));
    let metrics = |all: &serde_json::Value| all["studies"][0]["cells"][0]["metrics"].clone();
    assert_eq!(metrics(&again), metrics(&first));

    let shown = answered(dir, &run(&["--show", "--markdown"]));
    assert!(shown.contains("| arm | 0.5 x | 1 x |") && shown.contains("nowhere"), "{shown}");
    let only = json(dir, &run(&["--show", "--json", "--only", "world/rows", "--seeds", "1"]));
    assert_eq!(only["studies"][0]["cells"].as_array().unwrap().len(), 1);
    for (point, cells) in [("half", 1), ("world/all", 2), ("world", 3)] {
        let only = json(dir, &run(&["--show", "--json", "--only", point]));
        assert_eq!(only["studies"][0]["cells"].as_array().unwrap().len(), cells, "{point}");
    }
    let plot = std::fs::read_to_string(dir.join("tastemaker-papers/tiny/world.svg")).unwrap();
    assert!(
        plot.contains("a row an id, 1 x: AUC by excess") && plot.contains("here"),
        "{plot}"
    );
    answered(dir, &run(&["--show", "--measured", "measured.json"]));
    assert!(dir.join("world.svg").exists(), "the plot lies beside what was measured");
    std::fs::remove_dir_all(dir.join("tastemaker-papers")).unwrap();
    let kept = json(dir, &run(&["--show", "--json", "--measured", "measured.json"]));
    assert_eq!(kept["studies"][0]["cells"], again["studies"][0]["cells"]);
    assert!(answered(dir, &run(&["--quick", "--seeds", "1"])).contains("not numbers to quote"));
}

#[test]
fn what_a_study_cannot_run_is_named() {
    let dir = folder();
    let dir = dir.path();
    let error = refused(dir, &["paper", "tiny.toml", "--only", "nothing"]);
    assert!(error.contains("studies: world"), "{error}");
    for (from, to, why) in [
        ("tables = 1", "tables = 1, rows = 2", "rows"),
        ("y = \"auc\"", "y = \"pear\"", "no metric \"pear\""),
        ("kind = \"clicks\"", "kind = \"licks\"", "licks"),
        ("points = [\"all\"]", "points = [\"most\"]", "no point \"most\""),
        ("metric = \"auc\"", "metric = \"pear\"", "no pear of rows"),
        ("budget = 0.5", "budget = -0.5", "budget"),
        ("name = \"half\"", "name = \"all\"", "different names"),
        ("name = \"half\"", "name = \"../up\"", "is no name"),
    ] {
        assert!(RECIPE.contains(from), "{from}");
        std::fs::write(dir.join("tiny.toml"), RECIPE.replacen(from, to, 1)).unwrap();
        let error = refused(dir, &["paper", "tiny.toml"]);
        assert!(error.contains(why), "{to}: {error}");
    }
    // Data that is not there: exit status 3, before anything is run.
    let world = RECIPE.lines().find(|line| line.starts_with("source")).unwrap();
    let criteo = RECIPE.replace(world, "source = { kind = \"criteo\" }");
    std::fs::write(dir.join("tiny.toml"), criteo).unwrap();
    let output = super::tastemaker(dir, &["paper", "tiny.toml", "--data", "."]);
    assert_eq!(output.status.code(), Some(3));
    assert!(texts(&output).1.contains("criteo.parquet"), "{}", texts(&output).1);
}
