//! Against torch's numbers (`tests/golden/make.py`).

use serde_json::Value;
use tables::{Adam, Bags, Dtype, Optimiser, Pooling, Table};

use crate::looking_up::{config, features};

fn list<T: serde::de::DeserializeOwned>(value: &Value) -> T {
    serde_json::from_value(value.clone()).unwrap()
}

#[track_caller]
fn near(ours: &[f32], theirs: &[Vec<f32>], what: &str) {
    let theirs = theirs.concat();
    assert_eq!(ours.len(), theirs.len(), "{what}");
    for (ours, theirs) in ours.iter().zip(theirs) {
        assert!((ours - theirs).abs() < 2e-6, "{what}: {ours}, theirs {theirs}");
    }
}

/// A table with the rows of the file.
fn table(begin: &[Vec<f32>], optimiser: Optimiser) -> Table {
    let mut table = Table::dense(config(4, Dtype::F32, optimiser), begin.len()).unwrap();
    for (id, row) in (0u64..).zip(begin) {
        table.set(id, row).unwrap();
    }
    table
}

#[test]
fn bags_and_steps_are_those_of_torch() {
    let golden: Value = serde_json::from_str(include_str!("../golden/tables.json")).unwrap();
    let begin: Vec<Vec<f32>> = list(&golden["begin"]);
    let bags: Vec<Vec<u64>> = list(&golden["bags"]);
    let features = features(&bags, 1);
    let (plain, weights): (_, Vec<f32>) = (Bags::of(&features, 0), list(&golden["weights"]));
    let weighted = plain.weighted(&weights).unwrap();
    let still = table(&begin, Optimiser::Sgd { rate: 0.1 });
    for (name, bags, pooling) in [
        ("sum", plain, Pooling::Sum),
        ("mean", plain, Pooling::Mean),
        ("weighted", weighted, Pooling::Sum),
    ] {
        let mut out = vec![0.0; bags.len() * 4];
        Table::pooled(&[(&still, bags)], pooling, &mut out).unwrap();
        near(&out, &list::<Vec<Vec<f32>>>(&golden[name]), name);
    }
    let (rate, epsilon) = (0.1, 1e-8);
    let adam = Adam { rate, betas: [0.9, 0.99], epsilon, decay: 0.1 };
    for (mode, pooling) in [("sum", Pooling::Sum), ("mean", Pooling::Mean)] {
        for (name, optimiser) in [
            ("sgd", Optimiser::Sgd { rate }),
            ("adagrad", Optimiser::Adagrad { rate, epsilon }),
            ("adam", Optimiser::Adam(adam)),
            ("row-wise-adagrad", Optimiser::RowWiseAdagrad { rate, epsilon }),
        ] {
            let mut table = table(&begin, optimiser);
            for gradient in list::<Vec<Vec<Vec<f32>>>>(&golden["gradients"]) {
                table.update(&plain, pooling, &gradient.concat(), 4, 0).unwrap();
            }
            let mut out = vec![0.0; begin.len() * 4];
            table.sequence(&(0..begin.len() as u64).collect::<Vec<_>>(), &mut out).unwrap();
            let what = format!("{name}-{mode}");
            near(&out, &list::<Vec<Vec<f32>>>(&golden["trained"][&what]), &what);
        }
    }
}
