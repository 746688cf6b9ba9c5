//! Look-ups against plain loops.

use data::{Jagged, KeyedJagged};
use proptest::prelude::*;
use tables::{Bags, Dtype, Init, Optimiser, Pooling, Table, TableConfig};

pub(crate) fn config(width: usize, dtype: Dtype, optimiser: Optimiser) -> TableConfig {
    let init = Init::Uniform { bound: 0.5, seed: 7 };
    TableConfig { name: "t".into(), width, dtype, init, optimiser }
}

pub(crate) fn features(bags: &[Vec<u64>], keys: usize) -> KeyedJagged<u64> {
    let mut cells = Jagged::default();
    bags.iter().for_each(|bag| cells.push(bag.iter().copied()).unwrap());
    let names = (0..keys).map(|key| format!("f{key}")).collect();
    KeyedJagged::new(names, bags.len() / keys, cells).unwrap()
}

const SGD: Optimiser = Optimiser::Sgd { rate: 0.1 };

proptest! {
    #[test]
    fn bags_are_sums_of_rows(
        bags in prop::collection::vec(prop::collection::vec(0u64..50, 0..6), 2..40),
        mean in any::<bool>(),
        dtype in prop::sample::select(vec![Dtype::F32, Dtype::Bf16, Dtype::F16]),
    ) {
        let bags = &bags[..bags.len() / 2 * 2];
        let features = features(bags, 2);
        let dense = Table::dense(config(3, dtype, SGD), 50).unwrap();
        let mut keyed = Table::keyed(config(5, dtype, SGD), 0).unwrap();
        // Odd ids have a row.
        keyed.admit(&(0..50).filter(|id| id % 2 == 1).collect::<Vec<u64>>()).unwrap();
        let pooling = if mean { Pooling::Mean } else { Pooling::Sum };
        let weights: Vec<f32> =
            (0..features.cells().values().len()).map(|at| 0.5 + at as f32 / 8.0).collect();
        let second = Bags::of(&features, 1).weighted(&weights).unwrap();
        let both = [(&dense, Bags::of(&features, 0)), (&keyed, second)];
        let samples = features.samples();
        let mut out = vec![9.0; samples * 8];
        Table::pooled(&both, pooling, &mut out).unwrap();
        for sample in 0..samples {
            for (key, (table, from, width)) in [(&dense, 0, 3), (&keyed, 3, 5)].iter().enumerate() {
                let ids = features.cell(key, sample);
                let begin = features.cells().offsets()[key * samples + sample] as usize;
                let mut expected = vec![0.0f32; *width];
                let mut row = vec![0.0; *width];
                for (at, id) in ids.iter().enumerate() {
                    let known = table.row(*id, &mut row);
                    prop_assert_eq!(known, key == 0 || id % 2 == 1);
                    let weight = if key == 1 { weights[begin + at] } else { 1.0 };
                    let share = if mean { 1.0 / ids.len() as f32 } else { 1.0 };
                    expected.iter_mut().zip(&row).for_each(|(sum, value)| *sum += weight * share * value);
                }
                let found = &out[sample * 8 + from..sample * 8 + from + width];
                for (found, expected) in found.iter().zip(&expected) {
                    prop_assert!((found - expected).abs() < 1e-5, "{} {}", found, expected);
                }
            }
        }
        let mut rows = vec![0.0; 3 * 50];
        dense.sequence(&(0..50).collect::<Vec<u64>>(), &mut rows).unwrap();
        let mut row = vec![0.0; 3];
        dense.row(49, &mut row);
        prop_assert_eq!(&rows[147..], &row[..]);
    }
}

#[test]
fn rows_do_not_depend_on_the_order_in_which_they_come() {
    let make = |ids: &[u64]| {
        let mut table = Table::keyed(config(4, Dtype::F32, SGD), 0).unwrap();
        assert_eq!(table.admit(ids).unwrap(), 3);
        assert_eq!(table.admit(ids).unwrap(), 0);
        let mut rows = [[0.0; 4]; 3];
        for (id, row) in [5, 1 << 60, 9].iter().zip(&mut rows) {
            assert!(table.row(*id, row));
        }
        rows
    };
    assert_eq!(make(&[5, 1 << 60, 9]), make(&[9, 5, 1 << 60, 5]));
    let mut table = Table::keyed(config(4, Dtype::F32, SGD), 0).unwrap();
    table.admit(&[1, 2, 3]).unwrap();
    assert!(table.forget(2) && !table.forget(2));
    table.admit(&[4]).unwrap();
    let (mut four, mut two) = ([0.0; 4], [1.0; 4]);
    assert!(table.row(4, &mut four) && !table.row(2, &mut two));
    assert_eq!((table.len(), two), (3, [0.0; 4]));
}

#[test]
fn what_cannot_be_is_refused() {
    assert!(Table::dense(config(0, Dtype::F32, SGD), 3).is_err());
    assert!(Table::dense(config(4, Dtype::F32, SGD), 0).is_err());
    let mut dense = Table::dense(config(4, Dtype::F32, SGD), 3).unwrap();
    assert!(dense.admit(&[1]).unwrap_err().to_string().contains("numbered"));
    let features = features(&[vec![0, 2], vec![3]], 1);
    let bags = Bags::of(&features, 0);
    let mut out = vec![7.0; 8];
    let error = Table::pooled(&[(&dense, bags)], Pooling::Sum, &mut out).unwrap_err();
    assert!(error.to_string().contains("id 3") && out == vec![0.0; 8], "{error}");
    let error = dense.update(&bags, Pooling::Sum, &[0.0; 8], 4, 0).unwrap_err();
    assert!(error.to_string().contains("table t"), "{error}");
    assert!(bags.weighted(&[1.0]).is_err() && bags.weighted(&[1.0, f32::NAN, 1.0]).is_err());
}

#[test]
fn ids_that_would_wrap_around_are_beyond_all_rows() {
    for (width, id) in [(4, 1 << 62), (4, u64::MAX), (16, 1 << 60), (8, 1 << 61)] {
        for dtype in [Dtype::F32, Dtype::Bf16, Dtype::Int8] {
            let whole = Table::dense(config(width, Dtype::F32, SGD), 3).unwrap();
            let table =
                if dtype == Dtype::F32 { whole } else { whole.to_dtype(dtype).unwrap() };
            let features = features(&[vec![id]], 1);
            let mut out = vec![7.0; width];
            let bags = Bags::of(&features, 0);
            let error = Table::pooled(&[(&table, bags)], Pooling::Sum, &mut out).unwrap_err();
            assert!(error.to_string().contains(&id.to_string()), "{error}");
            assert!(table.sequence(&[id], &mut out).is_err());
        }
    }
}

#[test]
fn unknown_keys_read_as_nothing_and_stay_unknown() {
    let mut table = Table::keyed(config(4, Dtype::F32, SGD), 0).unwrap();
    table.admit(&[1, 2]).unwrap();
    let before = (table.len(), table.bytes());
    let unknown = features(&[(100..200).collect(), vec![3]], 1);
    let mut out = vec![7.0; 8];
    let bags = Bags::of(&unknown, 0);
    Table::pooled(&[(&table, bags)], Pooling::Sum, &mut out).unwrap();
    assert_eq!(out, vec![0.0; 8]);
    table.update(&bags, Pooling::Sum, &[1.0; 8], 4, 0).unwrap();
    assert_eq!((table.len(), table.bytes()), before);
}
