//! Views: gradients by finite differences, budgets, salts, codes, refusals.

use data::{Jagged, KeyedJagged};
use proptest::prelude::*;
use tables::{
    Combine, Dtype, Feature, FeatureTables, Optimiser, Pooling, Salts, ViewConfig, ViewKind,
};

const KINDS: [ViewKind; 9] = [
    ViewKind::PerFeature,
    ViewKind::Hashed,
    ViewKind::Unified { tables: 1 },
    ViewKind::Unified { tables: 2 },
    ViewKind::MultiHash { hashes: 2 },
    ViewKind::HashEmbedding { hashes: 2, importance: 0.3 },
    ViewKind::QuotientRemainder { combine: Combine::Multiply },
    ViewKind::QuotientRemainder { combine: Combine::Add },
    ViewKind::QuotientRemainder { combine: Combine::Concat },
];

/// Two features of 20 and 30 ids, the second of two chunks: 20·4 + 30·8 numbers without collisions.
fn config(kind: ViewKind) -> ViewConfig {
    let feature =
        |name: &str, probes, all| Feature { name: name.into(), probes, cardinality: Some(all) };
    ViewConfig {
        kind,
        features: vec![feature("user", 1, 20), feature("item", 2, 30)],
        width: 4,
        numbers: 320,
        seed: 5,
        salts: Salts::Own,
        dtype: Dtype::F32,
        bound: 0.5,
        optimiser: Optimiser::Sgd { rate: 1.0 },
    }
}

fn view(kind: ViewKind) -> FeatureTables {
    FeatureTables::new(config(kind)).unwrap()
}

fn batch(user: &[&[u64]], item: &[&[u64]]) -> KeyedJagged<u64> {
    let mut cells = Jagged::default();
    user.iter().chain(item).for_each(|ids| cells.push(ids.iter().copied()).unwrap());
    KeyedJagged::new(vec!["user".into(), "item".into()], user.len(), cells).unwrap()
}

fn some() -> KeyedJagged<u64> {
    batch(&[&[3], &[], &[3, 7, 3]], &[&[29, 3], &[0], &[]])
}

fn forward(view: &FeatureTables, batch: &KeyedJagged<u64>, pooling: Pooling) -> Vec<f32> {
    let mut out = vec![f32::NAN; batch.samples() * view.width()];
    view.forward(batch, pooling, &mut out).unwrap();
    out
}

fn all_rows(view: &FeatureTables) -> Vec<Vec<f32>> {
    let tables = view.tables();
    let each =
        tables.iter().flat_map(|table| (0..table.len() as u64).map(move |id| (table, id)));
    each.map(|(table, id)| {
        let mut row = vec![0.0; table.config().width];
        table.row(id, &mut row);
        row
    })
    .collect()
}

#[test]
fn gradients_are_those_of_finite_differences() {
    let direction = |at: usize| ((at * 37 % 11) as f32 - 5.0) / 4.0;
    for kind in KINDS {
        for pooling in [Pooling::Sum, Pooling::Mean] {
            let batch = some();
            let mut view = view(kind);
            let loss = |view: &FeatureTables| -> f64 {
                let out = forward(view, &batch, pooling);
                let each = out.iter().enumerate();
                each.map(|(at, y)| f64::from(*y) * f64::from(direction(at))).sum()
            };
            let gradient: Vec<f32> = (0..3 * view.width()).map(direction).collect();
            let mut after = view.clone();
            after.update(&batch, pooling, &gradient).unwrap();
            let (before, after) = (all_rows(&view), all_rows(&after));
            let places: Vec<(usize, u64)> = view
                .tables()
                .iter()
                .enumerate()
                .flat_map(|(table, own)| (0..own.len() as u64).map(move |id| (table, id)))
                .collect();
            let mut touched = 0;
            for ((table, id), (row, after)) in places.into_iter().zip(before.iter().zip(&after))
            {
                for column in 0..row.len() {
                    let step = 0.25f32;
                    let mut at = |by: f32| {
                        let mut moved = row.clone();
                        moved[column] += by;
                        view.tables_mut()[table].set(id, &moved).unwrap();
                        loss(&view)
                    };
                    let numeric = (at(step) - at(-step)) / f64::from(2.0 * step);
                    at(0.0);
                    // SGD of rate 1: what a row lost is its gradient.
                    let own = f64::from(row[column] - after[column]);
                    assert!(
                        (own - numeric).abs() < 1e-4,
                        "{kind:?} {pooling:?} {own} {numeric}"
                    );
                    touched += usize::from(numeric.abs() > 1e-3);
                }
            }
            assert!(touched > 10, "{kind:?}: {touched}");
        }
    }
}

#[test]
fn the_number_of_threads_changes_no_bit() {
    // Many samples of few ids: parts of a batch meet in every row.
    let bag =
        |sample: u64, below: u64| (0..sample % 4).map(move |at| (sample * 7 + at * 13) % below);
    let samples = 1500;
    let mut cells = Jagged::default();
    for below in [20, 30] {
        (0..samples).for_each(|sample| cells.push(bag(sample, below)).unwrap());
    }
    let names = vec!["user".into(), "item".into()];
    let batch = KeyedJagged::new(names, samples as usize, cells).unwrap();
    for kind in KINDS {
        for optimiser in [
            Optimiser::Adagrad { rate: 0.1, epsilon: 1e-8 },
            Optimiser::RowWiseAdagrad { rate: 0.1, epsilon: 1e-8 },
        ] {
            let learnt = |threads: usize| {
                let pool =
                    rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
                pool.install(|| {
                    let mut view =
                        FeatureTables::new(ViewConfig { optimiser, ..config(kind) }).unwrap();
                    for _ in 0..3 {
                        let pooled = forward(&view, &batch, Pooling::Mean);
                        let gradient: Vec<f32> =
                            pooled.iter().map(|value| value - 0.3).collect();
                        view.update(&batch, Pooling::Mean, &gradient).unwrap();
                    }
                    let rows = all_rows(&view).into_iter().flatten();
                    let pooled = forward(&view, &batch, Pooling::Mean);
                    rows.chain(pooled).map(f32::to_bits).collect::<Vec<u32>>()
                })
            };
            let expected = learnt(1);
            for threads in [2, 5] {
                assert!(learnt(threads) == expected, "{kind:?}, {threads} threads");
            }
        }
    }
}

#[test]
fn an_empty_bag_is_nothing_and_a_budget_is_never_passed() {
    for kind in KINDS {
        let view = view(kind);
        assert_eq!(view.width(), 12);
        assert!(view.numbers() <= 320 && view.numbers() > 160, "{kind:?}: {}", view.numbers());
        let out = forward(&view, &some(), Pooling::Mean);
        assert_eq!(out[12..16], [0.0; 4], "{kind:?}");
        assert_eq!(out[28..], [0.0; 8], "{kind:?}");
        assert!(out[..12].iter().all(|value| value.abs() > 0.0), "{kind:?}");
    }
    assert_eq!(config(ViewKind::Hashed).collisionless(), Some(320));
    for kind in KINDS {
        let config = ViewConfig { numbers: 160, ..config(kind) };
        match FeatureTables::new(config) {
            Ok(view) => assert!(view.numbers() <= 160, "{kind:?}: {}", view.numbers()),
            Err(why) => {
                assert_eq!(kind, ViewKind::PerFeature);
                assert!(why.to_string().contains("fewer than"), "{why}");
            }
        }
    }
}

/// Hashing as the docs say it, once more.
fn row_of(seed: u64, feature: &str, chunk: u64, id: u64, rows: u64) -> u64 {
    let mix = |x: u64, increment: u64| {
        let x = x.wrapping_add(increment);
        let x = (x ^ (x >> 30)).wrapping_mul(0xbf58476d1ce4e5b9);
        let x = (x ^ (x >> 27)).wrapping_mul(0x94d049bb133111eb);
        x ^ (x >> 31)
    };
    let name = feature.bytes().fold(mix(seed, 1), |hash, byte| mix(hash, u64::from(byte)));
    let salt = mix(name, 0x10000 + chunk);
    let hash = mix(mix(id, 0x9e3779b97f4a7c15) ^ salt, 0xd1b54a32d192ed03);
    ((u128::from(hash) * u128::from(rows)) >> 64) as u64
}

#[test]
fn rows_of_ids_hold_for_ever() {
    let view = view(ViewKind::Unified { tables: 2 });
    let batch = batch(&[&[17]], &[&[8]]);
    let out = forward(&view, &batch, Pooling::Sum);
    let tables = view.tables();
    let parts = [("user", 0, 17, 0), ("item", 0, 8, 1), ("item", 1, 8, 0)];
    for (at, (feature, chunk, id, table)) in parts.into_iter().enumerate() {
        let mut row = [0.0; 4];
        tables[table].row(row_of(5, feature, chunk, id, 40), &mut row);
        assert_eq!(out[4 * at..4 * at + 4], row, "{feature} {chunk}");
    }
}

#[test]
fn without_salts_equal_ids_collide() {
    let same = |salts: Salts| {
        let kind = ViewKind::Unified { tables: 1 };
        let features = vec![
            Feature { name: "user".into(), probes: 1, cardinality: None },
            Feature { name: "item".into(), probes: 1, cardinality: None },
        ];
        let config = ViewConfig { salts, features, numbers: 4000, ..config(kind) };
        let view = FeatureTables::new(config).unwrap();
        (0..200u64)
            .filter(|id| {
                let out = forward(&view, &batch(&[&[*id]], &[&[*id]]), Pooling::Sum);
                out[..4] == out[4..]
            })
            .count()
    };
    assert_eq!(same(Salts::Shared), 200);
    // By chance one in a thousand.
    assert!(same(Salts::Own) < 4);
}

#[test]
fn a_row_of_several_features_learns_once_from_their_sum() {
    // One row for everything: Adagrad's first step is of the sign of the sum, and of size 1.
    let config = ViewConfig {
        numbers: 4,
        optimiser: Optimiser::Adagrad { rate: 1.0, epsilon: 1e-10 },
        ..config(ViewKind::Unified { tables: 1 })
    };
    let mut view = FeatureTables::new(config).unwrap();
    let before = all_rows(&view)[0].clone();
    let mut gradient = vec![0.0; 12];
    gradient[0] = 2.0;
    gradient[4] = -3.0;
    gradient[5] = 1.0;
    view.update(&batch(&[&[1]], &[&[1]]), Pooling::Sum, &gradient).unwrap();
    let after = all_rows(&view)[0].clone();
    assert!((after[0] - before[0] - 1.0).abs() < 1e-6);
    assert!((after[1] - before[1] + 1.0).abs() < 1e-6);
    assert_eq!(after[2..], before[2..], "no gradient, no step");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn quotient_and_remainder_give_every_id_its_own_code(all in 1u64..300, share in 0.3f64..2.0) {
        let features =
            vec![Feature { name: "f".into(), probes: 1, cardinality: Some(all) }];
        let kind = ViewKind::QuotientRemainder { combine: Combine::Concat };
        let numbers = ((all as f64 * share) as usize).max(2 * all.isqrt() as usize + 4) * 4;
        let config = ViewConfig { features, numbers, ..config(kind) };
        let view = FeatureTables::new(config).unwrap();
        let mut cells = Jagged::default();
        (0..all).for_each(|id| cells.push([id]).unwrap());
        let ids = KeyedJagged::new(vec!["f".into()], all as usize, cells).unwrap();
        let out = forward(&view, &ids, Pooling::Sum);
        let mut codes: Vec<Vec<u32>> =
            out.chunks(4).map(|row| row.iter().map(|value| value.to_bits()).collect()).collect();
        codes.sort();
        codes.dedup();
        prop_assert_eq!(codes.len() as u64, all);
        prop_assert!(view.numbers() <= numbers);
    }
}

#[test]
fn keys_are_admitted_while_the_budget_lasts() {
    let features = vec![
        Feature { name: "user".into(), probes: 1, cardinality: Some(3) },
        Feature { name: "item".into(), probes: 1, cardinality: None },
    ];
    let config = ViewConfig { features, numbers: 20, ..config(ViewKind::PerFeature) };
    let mut view = FeatureTables::new(config).unwrap();
    let batch = batch(&[&[0]], &[&[u64::MAX, 9, 9, 77]]);
    assert_eq!(view.admit(&batch).unwrap(), 2);
    assert_eq!(view.admit(&batch).unwrap(), 0);
    assert_eq!(view.numbers(), 20);
    let one = |id| forward(&view, &self::batch(&[&[]], &[&[id]]), Pooling::Sum);
    assert!(one(9)[4..].iter().all(|value| value.abs() > 0.0));
    assert_eq!(one(77), vec![0.0; 8]);
}

#[test]
fn what_does_not_fit_is_refused_and_changes_nothing() {
    for kind in KINDS {
        let mut view = view(kind);
        let before = all_rows(&view);
        let mut bad = vec![1.0; 36];
        bad[17] = f32::NAN;
        let why = view.update(&some(), Pooling::Sum, &bad).unwrap_err().to_string();
        assert!(why.contains("sample 1, column 5"), "{why}");
        let far = batch(&[&[3]], &[&[30]]);
        let refused = view.update(&far, Pooling::Sum, &[1.0; 12]);
        // Importance weights have room for every id here.
        let direct = matches!(
            kind,
            ViewKind::PerFeature
                | ViewKind::QuotientRemainder { .. }
                | ViewKind::HashEmbedding { .. }
        );
        if direct {
            assert!(refused.unwrap_err().to_string().contains("id 30"), "{kind:?}");
            assert_eq!(all_rows(&view), before, "{kind:?}");
        } else {
            refused.unwrap();
        }
        let mut cells = Jagged::default();
        cells.push([1]).unwrap();
        let other = KeyedJagged::new(vec!["else".into()], 1, cells).unwrap();
        let why = view.forward(&other, Pooling::Sum, &mut [0.0; 12]).unwrap_err();
        assert!(why.to_string().contains("else"), "{why}");
    }
    let wrong = |change: fn(&mut ViewConfig), field: &str| {
        let mut config = config(ViewKind::Hashed);
        change(&mut config);
        let why = FeatureTables::new(config).unwrap_err().to_string();
        assert!(why.starts_with(field), "{why}");
    };
    wrong(|own| own.numbers = 11, "numbers");
    wrong(|own| own.width = 0, "width");
    wrong(|own| own.bound = f32::NAN, "bound");
    wrong(|own| own.features.clear(), "features");
    wrong(|own| own.features[1].name = "user".into(), "features");
    wrong(|own| own.features[1].probes = 0, "probes");
    wrong(|own| own.features[1].cardinality = Some(0), "cardinality");
    wrong(|own| own.kind = ViewKind::Unified { tables: 0 }, "tables");
    wrong(|own| own.kind = ViewKind::Unified { tables: 400 }, "numbers");
    wrong(|own| own.kind = ViewKind::MultiHash { hashes: 0 }, "hashes");
    wrong(
        |own| own.kind = ViewKind::HashEmbedding { hashes: 2, importance: 1.0 },
        "importance",
    );
    wrong(
        |own| {
            own.kind = ViewKind::QuotientRemainder { combine: Combine::Add };
            own.features[0].cardinality = None;
        },
        "cardinality",
    );
}
