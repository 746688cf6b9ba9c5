//! Settings: written and read back, and refused by the name they have in the file.

use train::optim::{AdagradConfig, AdamConfig, WeightDecay};
use train::sample::{HardWeight, Labels, Layout, Negatives};

use crate::planted::sasrec;
use train::{
    Decay, ItemUpdates, Keep, LogQ, Loss, Optimizer, Schedule, SequenceConfig, Spread,
    StochasticLength, Window,
};

fn all_kinds() -> Vec<SequenceConfig> {
    let losses = [
        Loss::SampledSoftmax { log_q: LogQ::Corrected, temperature: 0.07 },
        Loss::FullSoftmax { temperature: 0.1 },
        Loss::Gbce { t: 0.75 },
    ];
    let (labels, layout) = (Labels::Repeated, Layout::PerToken);
    let negatives = [
        Negatives::Uniform { count: 1, layout, unseen: true },
        Negatives::Popularity { count: 2, power: 0.75, layout: Layout::PerRow, unseen: false },
        Negatives::InBatch { count: None, labels },
        Negatives::InBatch { count: Some(3), labels: Labels::Unique },
        Negatives::Mixed { count: 4, share: 0.3, labels },
        Negatives::Hard { count: 5, share: 0.1, weight: HardWeight::Drawn, power: 0.0 },
    ];
    let decoupled =
        AdamConfig { decay: 0.1, decay_kind: WeightDecay::Decoupled, ..AdamConfig::default() };
    let optimizers = [
        Optimizer::Adam(decoupled),
        Optimizer::Adagrad(AdagradConfig { start: 0.1, ..AdagradConfig::default() }),
    ];
    let windows = [
        Window::Sliding { stride: 0 },
        Window::Sliding { stride: 7 },
        Window::Mixed { back_max: 500, latest_share: 0.25 },
        Window::All { stride: 3, spread: Spread::SameEpoch },
        Window::All { stride: 0, spread: Spread::OverEpochs },
        Window::Latest {},
    ];
    let keeps = [Keep::AgeWeighted, Keep::Newest, Keep::Uniform];
    let mut all = vec![SequenceConfig::default()];
    for (at, negatives) in negatives.into_iter().enumerate() {
        all.push(SequenceConfig {
            loss: losses[at % 3].clone(),
            negatives,
            optimizer: optimizers[at % 2].clone(),
            schedule: Schedule { peak: 0.003, warm_up: 7, decay: Decay::Cosine, floor: 0.01 },
            item_updates: if at % 2 == 0 { ItemUpdates::Rows } else { ItemUpdates::Dense },
            clip_norm: 0.1,
            window: windows[at],
            stochastic_length: StochasticLength { alpha: 1.7, keep: keeps[at % 3] },
            ..SequenceConfig::default()
        });
    }
    all
}

#[test]
fn they_come_back_from_toml_and_json() {
    for config in all_kinds() {
        let text = toml::to_string(&config).unwrap();
        assert_eq!(toml::from_str::<SequenceConfig>(&text).unwrap(), config, "{text}");
        let text = serde_json::to_string(&config).unwrap();
        assert_eq!(serde_json::from_str::<SequenceConfig>(&text).unwrap(), config, "{text}");
        let value = serde_json::to_value(&config).unwrap();
        assert_eq!(serde_json::from_value::<SequenceConfig>(value).unwrap(), config);
    }
}

#[test]
fn a_file_says_what_differs_from_the_defaults() {
    let text = r#"
        epochs = 3
        loss = { kind = "gbce", t = 1 }
        optimizer = { kind = "adam", beta_2 = 0.9 }
        window = { kind = "mixed", back_max = 500 }
        stochastic_length = { alpha = 1.6 }
        [model]
        kind = "sasrec"
        block = "ligr"
        [negatives]
        kind = "uniform"
        count = 256
        layout = "per-token"
    "#;
    let config: SequenceConfig = toml::from_str(text).unwrap();
    config.check().unwrap();
    let adam = AdamConfig { beta_2: 0.9, ..AdamConfig::default() };
    assert_eq!(config.optimizer, Optimizer::Adam(adam));
    assert_eq!(config.loss, Loss::Gbce { t: 1.0 });
    assert_eq!(config.window, Window::Mixed { back_max: 500, latest_share: 0.5 });
    let keep = Keep::AgeWeighted;
    assert_eq!(config.stochastic_length, StochasticLength { alpha: 1.6, keep });
    assert_eq!((config.epochs, config.patience), (3, SequenceConfig::default().patience));
}

#[test]
fn what_no_setting_is_called_is_refused() {
    for text in [
        "epoch = 3",
        "model = { dims = 3 }",
        r#"loss = { kind = "gbce", t = 1, temperature = 2 }"#,
        r#"loss = { kind = "full-softmax", log_q = "none" }"#,
        r#"loss = { kind = "hinge" }"#,
        "loss = { t = 1 }",
        r#"negatives = { kind = "uniform", count = 1, share = 0.5 }"#,
        r#"negatives = { kind = "in-batch", power = 0.5 }"#,
        r#"optimizer = { kind = "adam", beta = 0.5 }"#,
        r#"optimizer = { kind = "adagrad", beta_1 = 0.5 }"#,
        r#"optimizer = { kind = "sgd" }"#,
        "schedule = { warmup = 3 }",
        r#"item_updates = "sparse""#,
        r#"window = { kind = "latest", stride = 3 }"#,
        r#"window = { kind = "sliding", back_max = 300 }"#,
        r#"window = { kind = "mixed", stride = 3 }"#,
        r#"window = { kind = "all", spread = "over-time" }"#,
        r#"window = { kind = "last" }"#,
        "window = { stride = 3 }",
        "stochastic_length = { beta = 1.5 }",
        r#"stochastic_length = { alpha = 1.5, keep = "oldest" }"#,
    ] {
        assert!(toml::from_str::<SequenceConfig>(text).is_err(), "{text}");
    }
}

#[test]
fn each_setting_is_checked_under_its_name() {
    type Change = fn(&mut SequenceConfig);
    let cases: [(Change, &str); 21] = [
        (|config| sasrec(config).dim = 0, "model.dim: 0 is not in 1 to 8192"),
        (|config| config.loss = Loss::Gbce { t: 1.5 }, "loss.t: 1.5 is not in 0 to 1"),
        (
            |config| config.loss = Loss::FullSoftmax { temperature: 0.0 },
            "loss.temperature: 0 is no temperature; it is above 0",
        ),
        (
            |config| {
                let log_q = LogQ::None;
                config.loss = Loss::SampledSoftmax { log_q, temperature: f32::NAN };
            },
            "loss.temperature: NaN is no temperature; it is above 0",
        ),
        (|config| config.clip_norm = -1.0, "clip_norm: -1 is negative or not finite; 0 is off"),
        (
            |config| config.batch_tokens = 200,
            "batch_tokens: 200 events do not hold one history of 200 and its next event",
        ),
        (
            |config| config.window = Window::Sliding { stride: 201 },
            "window.stride: 201 leaves events out between windows of 200; at most \
             model.length_max",
        ),
        (
            |config| {
                config.window = Window::All { stride: 300, spread: Spread::SameEpoch };
            },
            "window.stride: 300 leaves events out between windows of 200; at most \
             model.length_max",
        ),
        (
            |config| config.window = Window::Mixed { back_max: 200, latest_share: 0.5 },
            "window.back_max: 200 events do not hold a window of 200 and its next event; 0 is \
             the whole history",
        ),
        (
            |config| config.window = Window::Mixed { back_max: 0, latest_share: 0.0 },
            "window.latest_share: 0 is not above 0 and at most 1; without latest windows it is \
             kind = \"sliding\"",
        ),
        (
            |config| config.stochastic_length.alpha = 1.0,
            "stochastic_length.alpha: 1 is not above 1 and at most 2; 0 is off",
        ),
        (
            |config| config.stochastic_length.alpha = f64::NAN,
            "stochastic_length.alpha: NaN is not above 1 and at most 2; 0 is off",
        ),
        (|config| config.epochs = 0, "epochs: 0; at least 1"),
        (|config| config.validate_every = 0, "validate_every: 0; at least 1"),
        (|config| config.validation_users_max = 0, "validation_users_max: 0; at least 1"),
        (
            |config| config.schedule.peak = f64::INFINITY,
            "schedule.peak: inf is no learning rate; it is above 0, say 0.001",
        ),
        (
            |config| {
                let adam = AdamConfig { beta_1: 1.0, ..AdamConfig::default() };
                config.optimizer = Optimizer::Adam(adam);
            },
            "optimizer.beta_1: 1 is no decay rate; it is at least 0 and below 1",
        ),
        (
            |config| {
                let adagrad = AdagradConfig { eps: -1.0, ..AdagradConfig::default() };
                config.optimizer = Optimizer::Adagrad(adagrad);
            },
            "optimizer.eps: -1 is negative or not finite; it is 0 or more",
        ),
        (
            |config| {
                let labels = Labels::Unique;
                config.negatives = Negatives::InBatch { count: Some(0), labels };
            },
            "negatives.count: 0 negatives; at least 1",
        ),
        (
            |config| {
                let weight = HardWeight::Uniform;
                config.negatives = Negatives::Hard { count: 9, share: 0.1, weight, power: 0.0 };
                config.item_updates = ItemUpdates::Rows;
            },
            "item_updates: hard negatives are mined from the whole table; use item_updates = \
             \"dense\"",
        ),
        (
            |config| {
                config.loss = Loss::FullSoftmax { temperature: 1.0 };
                config.item_updates = ItemUpdates::Rows;
            },
            "item_updates: the full softmax touches every item; use item_updates = \"dense\"",
        ),
    ];
    SequenceConfig::default().check().unwrap();
    for (change, why) in cases {
        let mut config = SequenceConfig::default();
        change(&mut config);
        assert_eq!(config.check().unwrap_err().to_string(), why);
    }
}
