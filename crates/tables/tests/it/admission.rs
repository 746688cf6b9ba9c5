//! Rows after several sightings, against an exact count.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use tables::{Admission, Bags, Dtype, Optimiser, Pooling, Table};

use crate::looking_up::{config, features};
use crate::trace::{Dice, Zipf};

const SGD: Optimiser = Optimiser::Sgd { rate: 0.1 };

fn table(admission: Admission) -> Table {
    let mut table = Table::keyed(config(4, Dtype::F32, SGD), 0).unwrap();
    table.admit_after(admission).unwrap();
    table
}

fn known(table: &Table, id: u64) -> bool {
    table.row(id, &mut [0.0; 4])
}

proptest! {
    #[test]
    fn no_key_is_late(
        ids in prop::collection::vec(0u64..60, 1..400),
        sightings in 1u8..6,
        counters in 4u32..300,
        halve_after in prop::sample::select(vec![7u64, 50, u64::MAX]),
        seed in any::<u64>(),
    ) {
        let admission = Admission { sightings, counters, halve_after, seed };
        let mut table = table(admission);
        let (mut counts, mut uncounted) = (BTreeMap::new(), 0);
        for id in &ids {
            // Those with a row are not counted; counts age in step with the sketch.
            if !known(&table, *id) && sightings > 1 {
                *counts.entry(*id).or_insert(0u8) += 1;
                let enough = counts[id] >= sightings;
                uncounted += 1;
                if uncounted == halve_after {
                    uncounted = 0;
                    counts.values_mut().for_each(|count| *count /= 2);
                }
                let new = table.sight(&[*id]).unwrap();
                prop_assert!(!enough || known(&table, *id), "{} is late", id);
                prop_assert_eq!(new == 1, known(&table, *id));
            } else {
                table.sight(&[*id]).unwrap();
                prop_assert!(known(&table, *id));
            }
        }
        let mut whole = self::table(admission);
        // A batch is its sightings one after another.
        prop_assert_eq!(whole.sight(&ids).unwrap(), table.len());
        let same = (0..60).all(|id| known(&whole, id) == known(&table, id));
        prop_assert!(same);
    }
}

#[test]
fn few_keys_of_a_zipf_stream_are_early() {
    // The tail of 100,000 keys comes once or twice.
    let (zipf, mut dice) = (Zipf::new(100_000, 1.05), Dice::new(5));
    let stream: Vec<u64> = (0..200_000).map(|_| zipf.draw(&mut dice)).collect();
    let distinct = stream.iter().collect::<BTreeSet<_>>().len();
    let mut shares = Vec::new();
    for counters in [1 << 14, 1 << 15, 1 << 16, 1 << 17, 1 << 18] {
        let mut table =
            table(Admission { sightings: 3, counters, halve_after: u64::MAX, seed: 1 });
        let (mut counts, mut early, mut admitted) = (BTreeMap::new(), 0, 0);
        for id in &stream {
            let count = counts.entry(*id).or_insert(0);
            *count += 1;
            let new = table.sight(&[*id]).unwrap();
            admitted += new;
            early += usize::from(new == 1 && *count < 3);
        }
        let often = counts.values().filter(|count| **count >= 3).count();
        assert!(admitted >= often, "{admitted} of {often}");
        shares.push(early as f64 / admitted as f64);
    }
    assert!(shares.is_sorted_by(|a, b| a >= b), "{shares:?}");
    // Four and eight counters a key.
    assert!((30_000..34_000).contains(&distinct), "{distinct}");
    assert!(shares[3] < 0.06 && shares[4] < 0.01, "{shares:?}");
}

#[test]
fn below_its_sightings_a_key_learns_nothing() {
    let mut table = table(Admission { sightings: 3, counters: 64, halve_after: 100, seed: 1 });
    let bags = features(&[vec![9]], 1);
    assert_eq!(table.sight(&[9, 9]).unwrap(), 0);
    table.update(&Bags::of(&bags, 0), Pooling::Sum, &[1.0; 4], 4, 0).unwrap();
    assert!(!known(&table, 9) && table.is_empty());
    assert_eq!(table.sight(&[9, 9, 9]).unwrap(), 1);
    let (mut row, mut first) = ([0.0; 4], [1.0; 4]);
    table.row(9, &mut row);
    table.first_row(9, &mut first);
    assert_eq!(row.map(f32::to_bits), first.map(f32::to_bits));
}

#[test]
fn an_admission_that_cannot_be_is_refused() {
    let good = Admission { sightings: 2, counters: 64, halve_after: 100, seed: 1 };
    let mut keyed = Table::keyed(config(4, Dtype::F32, SGD), 0).unwrap();
    for (bad, field) in [
        (Admission { sightings: 0, ..good }, "sightings"),
        (Admission { counters: 3, ..good }, "counters"),
        (Admission { halve_after: 0, ..good }, "halve_after"),
    ] {
        let error = keyed.admit_after(bad).unwrap_err().to_string();
        assert!(error.starts_with(field), "{error}");
    }
    let mut dense = Table::dense(config(4, Dtype::F32, SGD), 3).unwrap();
    assert!(dense.admit_after(good).is_err() && dense.sight(&[1]).is_err());
}
