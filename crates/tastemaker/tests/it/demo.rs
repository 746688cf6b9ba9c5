//! The demo: what the README promises first.

use super::{json, tastemaker, texts};

/// EASE inverts a matrix of thousands of films, SASRec reads every rating many times; a little of
/// both is enough here.
const SMALL: [&str; 8] = [
    "--set",
    "models.ease.items_max=500",
    "--set",
    "evaluate.bootstrap=200",
    "--set",
    "sasrec.training.epochs=1",
    "--set",
    "sasrec.training.model.length_max=50",
];

#[test]
fn the_demo_imports_trains_evaluates_and_can_run_again() {
    let dir = tempfile::tempdir().unwrap();
    let args = [&["demo", "--once", "--json"][..], &SMALL].concat();
    let first = json(dir.path(), &args);
    assert_eq!(first["import"]["events"], 100_836, "{first}");
    assert_eq!(first["train"]["version"], "000001");
    let text = first["report"].to_string();
    for model in
        ["popular", "popular-lately", "item-knn", "ease", "als", "walk", "sasrec", "merge"]
    {
        assert!(text.contains(&format!("\"{model}\"")), "{model} is missing from the report");
    }
    let again = json(dir.path(), &args);
    assert_eq!(again["import"]["changed"], false);
    assert_eq!(again["train"]["version"], "000002");
    assert_eq!(without_clock(&again), without_clock(&first), "same seed, same numbers");
    let output = tastemaker(dir.path(), &["verify", "tastemaker-data/demo/log"]);
    let (out, err) = texts(&output);
    assert!(output.status.success(), "{out}{err}");
}

/// The report's models without how long they took.
fn without_clock(answer: &serde_json::Value) -> serde_json::Value {
    let mut models = answer["report"]["models"].clone();
    for model in models.as_array_mut().expect("a list of models") {
        let taken = model.as_object_mut().expect("an object").remove("rank_seconds");
        assert!(taken.is_some_and(|seconds| seconds.as_f64() > Some(0.0)), "timed");
    }
    models
}
