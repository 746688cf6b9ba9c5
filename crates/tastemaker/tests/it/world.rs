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
    let models = ["--model", "item-knn", "--model", "popular", "--model", "sasrec"];
    answered(dir, &with(&[&["train", "log"][..], &models].concat()));
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
    let sequences = ["--policy", "sasrec", "--against", "popular", "--days", "2", "--json"];
    let play_on = ["world", "play", "--log", "log"];
    let gain = &object(dir, &[&play_on[..], &sequences].concat())["differences"][0];
    assert!(gain["difference"]["low"].as_f64().unwrap() > 0.0, "sasrec: {gain}");
    // So say clicks where both share a slate.
    let credit = play["interleaved"]["credit"]["low"].as_f64().unwrap();
    assert!(credit > 0.0, "{}", play["interleaved"]);
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

#[test]
#[allow(clippy::print_stdout, reason = "a test that is skipped says so")]
fn worlds_are_held_against_real_logs() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let calibrate = ["world", "calibrate", "--preset", "shop,news-pages", "--impressions"];
    let nowhere = [&calibrate[..], &["30000", "--data", "nowhere", "--json"]].concat();
    let held = object(dir, &nowhere);
    assert_eq!(held["missing"].as_array().unwrap().len(), 5, "said, not hidden");
    assert_eq!(held["shapes"].as_array().unwrap().len(), 2);
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data");
    let data = std::env::var_os("TASTEMAKER_DATA").unwrap_or_else(|| beside.into());
    let data = data.to_string_lossy().into_owned();
    if !std::path::Path::new(&data).join("msweb").is_dir() {
        println!("SKIPPED: {data} has no real logs; TASTEMAKER_DATA names their folder");
        return;
    }
    let real = ["1000000", "--data", data.as_str(), "--html", "held.html", "--json"];
    let held = object(dir, &[&calibrate[..], &real[..]].concat());
    let nearest = held["nearest"].as_array().unwrap();
    let apart = |curve: &str, real: &str, made: &str| {
        let found =
            nearest.iter().find(|it| it["curve"] == curve && it["real"] == real).unwrap();
        assert_eq!(found["made"], made, "{found}");
        found["distance"].as_f64().unwrap()
    };
    let visits = apart("lengths", "msweb", "news-pages");
    assert!(visits < 0.1, "visits of news pages: {visits}");
    let skew = apart("skew", "ML-1M", "shop");
    assert!(skew < 0.1, "popularity in the shop: {skew}");
    let page = std::fs::read_to_string(dir.join("held.html")).unwrap();
    assert!(page.contains("<svg") && page.contains("traces 2022"));
}

#[test]
fn a_policy_is_valued_from_the_log_of_another() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    for policy in ["random", "epsilon:0.5:oracle"] {
        let into = policy.rsplit(':').next().unwrap();
        let mut simulate = vec!["world", "simulate", "--impressions", "60000", "--into", into];
        simulate.extend(["--policy", policy, "--candidates", "12", "--json"]);
        simulate.extend(["--preset", "shop", "--set", "users=500", "--set", "items=12"]);
        simulate.extend(["--set", "catalogue.arrivals_a_day=0"]);
        object(dir, &simulate);
    }
    let found = object(dir, &["policy", "random", "--of-log", "oracle", "--json"]);
    let names: Vec<&str> = found["estimators"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|estimator| estimator["name"].as_str())
        .collect();
    assert!(names.contains(&"DR") && names.contains(&"SNIPS"), "{names:?}");
    assert!(!names.contains(&"replay"), "nothing is certain in these shares");
    let low = found["logged"]["low"].as_f64().unwrap();
    assert!(low > 0.0 && found["rows"].as_u64().unwrap() >= 60_000);
    // A table of the same policy as one that shows each alike: what was logged, again.
    let mut table = String::from("item,place,chance\n");
    for place in 1..=12 {
        (0..12).for_each(|item| table.push_str(&format!("i{item},{place},{}\n", 1.0 / 12.0)));
    }
    std::fs::write(dir.join("alike.csv"), &table).unwrap();
    let alike = object(dir, &["policy", "random", "--table", "alike.csv", "--json"]);
    let ips = alike["estimators"].as_array().unwrap().iter().find(|it| it["name"] == "IPS");
    let difference = ips.unwrap()["value"]["value"].as_f64().unwrap()
        - alike["logged"]["value"].as_f64().unwrap();
    assert!(difference.abs() < 1e-6, "{difference}");
    std::fs::write(dir.join("bad.csv"), "item,place,chance\ni1,0,1\n").unwrap();
    let err = refused(dir, &["policy", "random", "--table", "bad.csv"]);
    assert!(err.contains("line 2") && err.contains("place"), "{err}");
    let err = refused(dir, &["policy", "random", "--of-log", "oracle", "--reward", "sale"]);
    assert!(err.contains("sale") && err.contains("click"), "{err}");
}
