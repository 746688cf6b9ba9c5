//! From a world to a log, a model, a play and an evaluation, as a user would go.

use crate::{answered, refused, tastemaker};

fn object(dir: &std::path::Path, args: &[&str]) -> serde_json::Value {
    let out = answered(dir, args);
    serde_json::from_str(&out).unwrap_or_else(|error| panic!("{args:?}: {error}: {out}"))
}

const SMALL: [&str; 6] =
    ["--set", "users=1500", "--set", "items=400", "--set", "catalogue.arrivals_a_day=10"];

#[test]
fn a_world_writes_a_log_that_a_model_learns_from_and_plays_in() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let mut simulate = vec!["world", "simulate", "--impressions", "200000", "--json"];
    simulate.extend(SMALL);
    let counted = object(dir, &simulate);
    simulate.extend(["--into", "log", "--truth"]);
    let written = object(dir, &simulate);
    assert_eq!(counted["checksum"], written["checksum"], "a seed decides everything");
    assert!(dir.join("log/truth.parquet").exists());
    let config = ["--config", "log/settings.toml"];
    let with = |args: &[&'static str]| [args, &config].concat();
    answered(dir, &with(&["train", "log", "--model", "item-knn", "--model", "popular"]));
    let play = object(
        dir,
        &[
            "world",
            "play",
            "--log",
            "log",
            "--policy",
            "item-knn",
            "--against",
            "epsilon:0.5:popular",
            "--days",
            "4",
            "--html",
            "play.html",
            "--json",
        ],
    );
    // The model is worth more than popularity, by the truth.
    let gain = &play["differences"][0];
    assert_eq!(gain["of"], "satisfaction");
    assert!(gain["difference"]["low"].as_f64().unwrap() > 0.0, "{gain}");
    // The log of popularity, half of it chance, says what the model is worth.
    let first = &play["estimates"][0];
    let truth = first["true_value"].as_f64().unwrap();
    let dr =
        first["estimators"].as_array().unwrap().iter().find(|it| it["name"] == "DR").unwrap();
    let (low, high) =
        (dr["value"]["low"].as_f64().unwrap(), dr["value"]["high"].as_f64().unwrap());
    let room = (high - low) * 0.5;
    assert!(low - room <= truth && truth <= high + room, "{truth} of {low} to {high}");
    assert!(std::fs::read_to_string(dir.join("play.html")).unwrap().contains("item-knn"));
    answered(
        dir,
        &with(&["evaluate", "log", "--model", "popular-lately", "--model", "item-knn"]),
    );
    answered(dir, &["verify", "log"]);
    let again = refused(dir, &["world", "simulate", "--into", "log"]);
    assert!(again.contains("a world wrote a log here already"), "{again}");
}

#[test]
fn what_cannot_be_is_refused_with_a_hint() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    for (args, words) in [
        (vec!["world", "simulate", "--set", "users=0"], "world.users: 0 is not between"),
        (vec!["world", "simulate", "--set", "users"], "it has no `=`"),
        (vec!["world", "simulate", "--set", "nobody=1"], "nobody"),
        (vec!["world", "simulate", "--policy", "item-knn"], "nothing to learn from yet"),
        (vec!["world", "play", "--log", "."], "no world wrote this log"),
    ] {
        let found = refused(dir, &args);
        assert!(found.contains(words), "{args:?}: {found}");
    }
    let unknown = tastemaker(dir, &["world", "play", "--policy", "magic"]);
    assert!(!unknown.status.success());
}
