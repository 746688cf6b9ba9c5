//! Settings that make no model are refused by name.

use models::{Hstu, HstuConfig, SasRec, SasRecConfig, SequenceModelConfig};

#[test]
fn defaults_make_a_model() {
    SasRecConfig::default().check().unwrap();
}

#[test]
fn each_setting_is_checked() {
    type Change = fn(&mut SasRecConfig);
    let cases: [(Change, &str); 12] = [
        (|config| config.dim = 0, "dim: 0 is not in 1 to 8192"),
        (|config| config.dim = 9000, "dim: 9000 is not in 1 to 8192"),
        (|config| config.blocks = 0, "blocks: 0 is not in 1 to 128"),
        (|config| config.heads = 0, "heads: 0 is not in 1 to 256"),
        (|config| config.heads = 3, "heads: 3 heads do not share 64 columns"),
        (|config| config.hidden = 0, "hidden: 0 is not in 1 to 65536"),
        (|config| config.length_max = 0, "length_max: 0 is not in 1 to 65536"),
        (|config| config.dropout = 1.0, "dropout: 1 is not in [0, 1)"),
        (|config| config.dropout = f32::NAN, "dropout: NaN is not in [0, 1)"),
        (|config| config.dropout_hidden = -0.1, "dropout_hidden: -0.1 is not in [0, 1)"),
        (|config| config.norm_eps = 0.0, "norm_eps: 0 is not in (0, 1)"),
        (|config| config.norm_eps = f32::NAN, "norm_eps: NaN is not in (0, 1)"),
    ];
    for (change, why) in cases {
        let mut config = SasRecConfig::default();
        change(&mut config);
        assert_eq!(config.check().unwrap_err().to_string(), why);
        assert_eq!(SasRec::init(&config, 1).unwrap_err().to_string(), why);
    }
}

#[test]
fn each_setting_of_hstu_is_checked() {
    HstuConfig::default().check().unwrap();
    type Change = fn(&mut HstuConfig);
    let cases: [(Change, &str); 10] = [
        (|config| config.dim = 0, "dim: 0 is not in 1 to 8192"),
        (|config| config.blocks = 129, "blocks: 129 is not in 1 to 128"),
        (|config| config.heads = 0, "heads: 0 is not in 1 to 256"),
        (|config| config.query_width = 0, "query_width: 0 is not in 1 to 8192"),
        (|config| config.value_width = 0, "value_width: 0 is not in 1 to 8192"),
        (|config| config.length_max = 0, "length_max: 0 is not in 1 to 65536"),
        (|config| config.score_length = 0, "score_length: 0 is not in 1 to 131072"),
        (
            |config| config.score_length = 199,
            "score_length: 199 is less than the 200 events of length_max",
        ),
        (|config| config.dropout = 1.0, "dropout: 1 is not in [0, 1)"),
        (|config| config.norm_eps = 0.0, "norm_eps: 0 is not in (0, 1)"),
    ];
    for (change, why) in cases {
        let mut config = HstuConfig::default();
        change(&mut config);
        assert_eq!(config.check().unwrap_err().to_string(), why);
        assert_eq!(Hstu::init(&config, 1).unwrap_err().to_string(), why);
    }
}

#[test]
fn a_model_is_chosen_by_its_kind() {
    let read = |text: &str| serde_json::from_str::<SequenceModelConfig>(text);
    let hstu = read(r#"{"kind": "hstu", "dim": 32, "weights": "softmax"}"#).unwrap();
    assert_eq!(hstu.dim(), 32);
    assert_eq!(read(&serde_json::to_string(&hstu).unwrap()).unwrap(), hstu);
    assert_eq!(read(r#"{"kind": "sasrec", "hidden": 8}"#).unwrap().length_max(), 200);
    assert!(read(r#"{"kind": "hstu", "hidden": 8}"#).is_err());
    assert!(read(r#"{"kind": "gru"}"#).is_err());
}

#[test]
fn unknown_settings_are_refused() {
    let read = |text: &str| serde_json::from_str::<SasRecConfig>(text);
    assert_eq!(read(r#"{"block": "ligr", "dim": 32}"#).unwrap().dim, 32);
    assert!(read(r#"{"dims": 32}"#).is_err());
    assert!(read(r#"{"block": "post-norm"}"#).is_err());
}
