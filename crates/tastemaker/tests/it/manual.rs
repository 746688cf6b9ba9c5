//! `config/default.toml` is the manual: whole, true, and overridden in the promised order.

use super::{answered, json, refused, tastemaker};

fn here() -> tempfile::TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

#[test]
fn the_manual_states_the_defaults_of_the_code() {
    let dir = here();
    let settings = json(dir.path(), &["config", "--json"]);
    let of = |value: serde_json::Result<serde_json::Value>| value.unwrap();
    let same = [
        ("models", of(serde_json::to_value(retrieve::ModelsConfig::default()))),
        ("merge", of(serde_json::to_value(retrieve::MergeConfig::default()))),
        ("evaluate", of(serde_json::to_value(evaluate::EvaluateConfig::default()))),
        ("serve", of(serde_json::to_value(serve::ServeConfig::default()))),
        ("feedback", of(serde_json::to_value(data::Feedback::default()))),
    ];
    // A product's log is small beside a benchmark's, and its requests wait for the answer.
    let of_a_product = |model: models::SequenceModelConfig, defaults| train::SequenceConfig {
        model,
        batch_tokens: 2_500,
        epochs: 30,
        patience: 5,
        ..defaults
    };
    let sasrec = models::SasRecConfig { length_max: 50, ..models::SasRecConfig::default() };
    let hstu = models::HstuConfig {
        length_max: 50,
        score_length: 61,
        ..models::HstuConfig::default()
    };
    let written: toml::Table = answered(dir.path(), &["config"]).parse().unwrap();
    for (name, sequence) in [
        ("sasrec", of_a_product(sasrec.into(), train::SequenceConfig::default())),
        ("hstu", of_a_product(hstu.into(), train::SequenceConfig::hstu())),
    ] {
        let written = written[name]["training"].clone();
        let place = format!("{name}.training");
        assert_same_keys(&place, &written, &serde_json::to_value(&sequence).unwrap());
        assert_eq!(written.try_into::<train::SequenceConfig>().unwrap(), sequence);
    }
    for (section, defaults) in same {
        assert_eq!(settings[section], defaults, "[{section}]");
    }
}

/// The manual leaves no setting of the code to its default.
fn assert_same_keys(place: &str, manual: &toml::Value, code: &serde_json::Value) {
    let (Some(manual), Some(code)) = (manual.as_table(), code.as_object()) else { return };
    let mut keys: Vec<&str> = manual.keys().map(String::as_str).collect();
    let mut wanted: Vec<&str> = code.keys().map(String::as_str).collect();
    keys.sort_unstable();
    wanted.sort_unstable();
    assert_eq!(keys, wanted, "[{place}]");
    for (key, value) in manual {
        assert_same_keys(&format!("{place}.{key}"), value, &code[key]);
    }
}

#[test]
fn every_setting_is_explained() {
    let text = answered(here().path(), &["config"]);
    let lines: Vec<&str> = text.lines().collect();
    let mut settings = 0;
    for (at, line) in lines.iter().enumerate() {
        let is_setting = line.contains('=') && !line.trim_start().starts_with('#');
        if is_setting {
            settings += 1;
            let above = at > 0 && lines[at - 1].trim_start().starts_with('#');
            assert!(line.contains('#') || above, "no comment: {line}");
        }
    }
    assert!(settings > 25, "{settings}");
}

#[test]
fn a_flag_wins_over_the_environment_and_that_over_the_file() {
    let dir = here();
    let file = dir.path().join("mine.toml");
    std::fs::write(&file, "seed = 5\n[models.als]\nfactors = 16\niterations = 3\n").unwrap();
    let with = |args: &[&str]| {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_tastemaker"))
            .args(["config", "--config", "mine.toml", "--json"])
            .args(args)
            .env("TASTEMAKER__MODELS__ALS__ITERATIONS", "4")
            .env("TASTEMAKER__MODELS__TRAIN", "popular,als")
            .current_dir(dir.path())
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice::<serde_json::Value>(&output.stdout).unwrap()
    };
    let plain = with(&[]);
    assert_eq!(plain["models"]["als"]["factors"], 16, "file over default");
    assert_eq!(plain["models"]["als"]["iterations"], 4, "environment over file");
    assert_eq!(plain["models"]["train"], serde_json::json!(["popular", "als"]));
    let flagged = with(&["--set", "models.als.iterations=9", "--seed", "6"]);
    assert_eq!(
        (&flagged["models"]["als"]["iterations"], &flagged["seed"]),
        (&9.into(), &6.into())
    );
}

#[test]
fn what_config_prints_can_be_read_back() {
    let dir = here();
    let printed = answered(dir.path(), &["config", "--resolved"]);
    std::fs::write(dir.path().join("all.toml"), printed).unwrap();
    let again = json(dir.path(), &["config", "--config", "all.toml", "--json"]);
    assert_eq!(again, json(dir.path(), &["config", "--json"]));
}

#[test]
fn unknown_settings_are_refused_by_name() {
    let dir = here();
    std::fs::write(dir.path().join("typo.toml"), "[evaluate]\nbootstrapp = 10\n").unwrap();
    let err = refused(dir.path(), &["config", "--config", "typo.toml"]);
    assert!(err.contains("bootstrapp"), "{err}");
    let output = tastemaker(dir.path(), &["config", "--config", "absent.toml"]);
    assert!(!output.status.success());
}
