//! Updates against plain loops; duplicates, threads, bad gradients.

use proptest::prelude::*;
use tables::{Adam, Bags, Dtype, Init, Optimiser, Pooling, Table, TableConfig};

use crate::looking_up::{config, features};

const ADAM: Adam = Adam { rate: 0.01, betas: [0.9, 0.99], epsilon: 1e-8, decay: 0.1 };
const OPTIMISERS: [Optimiser; 5] = [
    Optimiser::Sgd { rate: 0.1 },
    Optimiser::Adagrad { rate: 0.1, epsilon: 1e-8 },
    Optimiser::RowWiseAdagrad { rate: 0.1, epsilon: 1e-8 },
    Optimiser::Adam(ADAM),
    Optimiser::RowWiseAdam(ADAM),
];

fn row(table: &Table, id: u64) -> Vec<f32> {
    let mut out = vec![0.0; table.config().width];
    table.row(id, &mut out);
    out
}

#[test]
fn duplicates_are_one_update_with_the_sum() {
    for optimiser in OPTIMISERS {
        let make = || Table::dense(config(3, Dtype::F32, optimiser), 10).unwrap();
        let (mut twice, mut once) = (make(), make());
        let (double, single) = (features(&[vec![5, 5], vec![5]], 1), features(&[vec![5]], 1));
        let gradient = [0.1, -0.2, 0.3, 1.0, 0.5, 0.0];
        let summed: Vec<f32> =
            (0..3).map(|at| gradient[at] + gradient[at] + gradient[3 + at]).collect();
        for _ in 0..3 {
            twice.update(&Bags::of(&double, 0), Pooling::Sum, &gradient, 3, 0).unwrap();
            once.update(&Bags::of(&single, 0), Pooling::Sum, &summed, 3, 0).unwrap();
        }
        assert_eq!(row(&twice, 5), row(&once, 5), "{optimiser:?}");
        assert_eq!(row(&twice, 4), row(&make(), 4), "others stand still");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn threads_and_keys_change_nothing(
        bags in prop::collection::vec(prop::collection::vec(0u64..40_000, 0..8), 1..60),
        which in 0usize..5,
        mean in any::<bool>(),
    ) {
        let optimiser = OPTIMISERS[which];
        let features = features(&bags, 1);
        let bags = Bags::of(&features, 0);
        let pooling = if mean { Pooling::Mean } else { Pooling::Sum };
        let gradient: Vec<f32> =
            (0..bags.len() * 6).map(|at| ((at * 37 % 101) as f32 - 50.0) / 64.0).collect();
        let learn = |threads: usize, keyed: bool| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let mut table = match keyed {
                true => Table::keyed(config(4, Dtype::F32, optimiser), 0).unwrap(),
                false => Table::dense(config(4, Dtype::F32, optimiser), 40_000).unwrap(),
            };
            if keyed {
                table.admit(features.cells().values()).unwrap();
            }
            pool.install(|| {
                for _ in 0..2 {
                    table.update(&bags, pooling, &gradient, 6, 2).unwrap();
                }
            });
            let ids = features.cells().values().iter();
            ids.flat_map(|id| row(&table, *id)).map(f32::to_bits).collect::<Vec<u32>>()
        };
        let one = learn(1, false);
        prop_assert_eq!(&one, &learn(3, false));
        prop_assert_eq!(&one, &learn(2, true));
    }
}

#[test]
fn gradients_that_are_no_numbers_change_nothing() {
    let mut table = Table::dense(config(2, Dtype::F32, OPTIMISERS[2]), 4).unwrap();
    let before: Vec<Vec<f32>> = (0..4).map(|id| row(&table, id)).collect();
    let features = features(&[vec![1], vec![2]], 1);
    let bags = Bags::of(&features, 0);
    let error =
        table.update(&bags, Pooling::Sum, &[1.0, 1.0, f32::NAN, 1.0], 2, 0).unwrap_err();
    assert!(error.to_string().contains("sample 1"), "{error}");
    assert_eq!(before, (0..4).map(|id| row(&table, id)).collect::<Vec<_>>());
}

#[test]
fn gradients_and_numbers_that_would_make_others_infinite_are_refused() {
    let adagrad = Optimiser::RowWiseAdagrad { rate: 0.1, epsilon: 1e-8 };
    let mut table = Table::dense(config(2, Dtype::F32, adagrad), 4).unwrap();
    let before = row(&table, 1);
    // Each is finite; the sum of two of one row is not, or its square.
    for large in [2e38, 1e19, 1e15] {
        let features = features(&[vec![1, 1]], 1);
        let bags = Bags::of(&features, 0);
        let error = table.update(&bags, Pooling::Sum, &[large, 0.0], 2, 0).unwrap_err();
        assert!(error.to_string().contains("beyond f32"), "{error}");
        assert_eq!(row(&table, 1), before);
        table.update(&bags, Pooling::Sum, &[1e9; 2], 2, 0).unwrap();
        assert!(row(&table, 1).iter().all(|value| value.is_finite()));
        table.set(1, &before).unwrap();
    }
    let nan = f32::NAN;
    let adam = Adam { rate: 0.1, betas: [0.9, 0.999], epsilon: 1e-8, decay: 0.0 };
    for (optimiser, field) in [
        (Optimiser::Sgd { rate: nan }, "rate"),
        (Optimiser::Sgd { rate: -1.0 }, "rate"),
        (Optimiser::RowWiseAdagrad { rate: 0.1, epsilon: 0.0 }, "epsilon"),
        (Optimiser::Adagrad { rate: 0.1, epsilon: nan }, "epsilon"),
        (Optimiser::Adam(Adam { betas: [0.9, 1.0], ..adam }), "betas"),
        (Optimiser::RowWiseAdam(Adam { decay: f32::INFINITY, ..adam }), "decay"),
    ] {
        let error = Table::dense(config(2, Dtype::F32, optimiser), 4).unwrap_err().to_string();
        assert!(error.contains(field), "{error}");
    }
    let init = Init::Uniform { bound: nan, seed: 1 };
    let bad = TableConfig { init, ..config(2, Dtype::F32, adagrad) };
    assert!(Table::dense(bad, 4).unwrap_err().to_string().contains("bound is NaN"));
    let mut halves = Table::dense(config(2, Dtype::F16, adagrad), 4).unwrap();
    let error = halves.set(1, &[1.0, 70_000.0]).unwrap_err().to_string();
    assert!(error.contains("70000 is beyond 65504"), "{error}");
    halves.set(1, &[65_504.0, -65_504.0]).unwrap();
}

#[test]
fn halves_learn_within_their_rounding() {
    let optimiser = Optimiser::RowWiseAdagrad { rate: 0.05, epsilon: 1e-8 };
    let make = |dtype| Table::dense(config(8, dtype, optimiser), 4).unwrap();
    let mut whole = make(Dtype::F32);
    let halves = [(Dtype::Bf16, 0.02), (Dtype::F16, 0.0025)];
    let mut halves = halves.map(|(dtype, apart)| (make(dtype), apart));
    let features = features(&[vec![3]], 1);
    let bags = Bags::of(&features, 0);
    for step in 0..20 {
        let gradient: Vec<f32> = (0..8).map(|at| ((at + step) as f32).sin()).collect();
        whole.update(&bags, Pooling::Sum, &gradient, 8, 0).unwrap();
        for (half, _) in &mut halves {
            half.update(&bags, Pooling::Sum, &gradient, 8, 0).unwrap();
        }
    }
    for (half, apart) in &halves {
        for (whole, half) in row(&whole, 3).iter().zip(row(half, 3)) {
            assert!((whole - half).abs() < *apart, "{whole} {half}");
        }
        assert!(half.bytes() < whole.bytes());
    }
}

#[test]
fn a_row_that_is_used_again_has_forgotten_everything() {
    for optimiser in OPTIMISERS {
        let make = || Table::keyed(config(3, Dtype::F32, optimiser), 0).unwrap();
        let (mut used, mut fresh) = (make(), make());
        let (old, new) = (features(&[vec![7]], 1), features(&[vec![8]], 1));
        used.admit(&[7]).unwrap();
        used.update(&Bags::of(&old, 0), Pooling::Sum, &[1.0, 2.0, 3.0], 3, 0).unwrap();
        assert!(used.forget(7));
        used.admit(&[8]).unwrap();
        fresh.admit(&[8]).unwrap();
        // The same number of steps for both, which Adam counts.
        fresh.update(&Bags::of(&old, 0), Pooling::Sum, &[1.0, 2.0, 3.0], 3, 0).unwrap();
        for table in [&mut used, &mut fresh] {
            table.update(&Bags::of(&new, 0), Pooling::Sum, &[1.0, -2.0, 0.5], 3, 0).unwrap();
        }
        assert_eq!(row(&used, 8), row(&fresh, 8), "{optimiser:?}");
    }
}
