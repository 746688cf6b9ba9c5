//! Clicks: what labels follow is learnt, whatever the view; a step that fails changes nothing.

use models::DcnConfig;
use tables::{Combine, Dtype, Feature, FeatureTables, Optimiser, Salts, ViewConfig, ViewKind};
use tensor::Device;
use train::{ClickConfig, ClickTrainer, Clicks};

/// A click where exactly one of both ids is below 15: no sum of the two says it.
fn clicks(count: usize, from: u64) -> Clicks {
    let id = |at: usize, salt: u64| {
        let x = (at as u64 + from).wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(salt);
        (x ^ (x >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 32
    };
    let column = |salt: u64| (0..count).map(|at| id(at, salt) % 30).collect::<Vec<u64>>();
    let (one, other) = (column(1), column(77));
    let labels = one.iter().zip(&other).map(|(a, b)| (*a < 15) != (*b < 15)).collect();
    let some = |ids: Vec<u64>| ids.into_iter().map(Some).collect();
    Clicks {
        names: vec!["a".into(), "b".into()],
        ids: vec![some(one), some(other)],
        dense: vec![0.5; count],
        dense_width: 1,
        labels,
    }
}

fn trainer(kind: ViewKind) -> ClickTrainer {
    let feature = |name: &str| Feature { name: name.into(), probes: 1, cardinality: Some(30) };
    let tables = FeatureTables::new(ViewConfig {
        kind,
        features: vec![feature("a"), feature("b")],
        width: 4,
        numbers: 480,
        seed: 1,
        salts: Salts::Own,
        dtype: Dtype::F32,
        bound: 0.2,
        optimiser: Optimiser::Adagrad { rate: 0.1, epsilon: 1e-8 },
    })
    .unwrap();
    let network = DcnConfig {
        dense: 1,
        embeddings: 8,
        crosses: 2,
        hidden: vec![16],
        ..DcnConfig::default()
    };
    let config = ClickConfig { rate: 0.01, batch: 64, epochs: 6, ..ClickConfig::default() };
    ClickTrainer::new(&network, tables, &config, 3, Device::Cpu).unwrap()
}

#[test]
fn every_view_learns_what_labels_follow() {
    for kind in [
        ViewKind::PerFeature,
        ViewKind::Unified { tables: 1 },
        ViewKind::HashEmbedding { hashes: 2, importance: 0.3 },
        ViewKind::QuotientRemainder { combine: Combine::Multiply },
    ] {
        let mut trainer = trainer(kind);
        let losses = trainer.fit(&clicks(3000, 0)).unwrap();
        assert!(losses[5] < 0.5 * losses[0], "{kind:?}: {losses:?}");
        let scores = trainer.scores(&clicks(500, 90_000)).unwrap();
        assert!(scores.auc > 0.93 && scores.log_loss < 0.4, "{kind:?}: {scores:?}");
    }
}

#[test]
fn what_does_not_fit_is_refused_and_changes_nothing() {
    let mut trainer = trainer(ViewKind::PerFeature);
    let clicks = clicks(64, 0);
    let before = trainer.predict(&clicks).unwrap();
    let mut far = clicks.clone();
    far.ids[1][3] = Some(30);
    assert!(trainer.fit(&far).unwrap_err().to_string().contains("id 30"));
    let mut short = clicks.clone();
    short.ids[1].pop();
    assert!(trainer.fit(&short).unwrap_err().to_string().contains("feature b: 63 ids"));
    let mut bad = clicks.clone();
    bad.dense[5] = f32::NAN;
    assert!(trainer.fit(&bad).unwrap_err().to_string().contains("dense number 5"));
    assert_eq!(trainer.predict(&clicks).unwrap(), before);
}
