//! Keys and rows: like a map, dense, and in pieces.

use std::collections::BTreeMap;

use proptest::prelude::*;
use tables::Index;

#[derive(Debug, Clone)]
enum Act {
    Insert(u64, u32),
    Remove(u64),
    Get(u64),
}

fn act() -> impl Strategy<Value = Act> {
    // Few different keys, so that they meet again; 0 and the largest among them.
    let key = prop_oneof![0u64..200, Just(u64::MAX), any::<u64>()];
    prop_oneof![
        3 => (key.clone(), 0u32..1000).prop_map(|(key, row)| Act::Insert(key, row)),
        1 => key.clone().prop_map(Act::Remove),
        1 => key.prop_map(Act::Get),
    ]
}

proptest! {
    #[test]
    fn it_is_a_map(acts in prop::collection::vec(act(), 0..2000)) {
        let (mut index, mut map) = (Index::for_about(0), BTreeMap::new());
        for act in acts {
            match act {
                Act::Insert(key, row) => {
                    index.insert(key, row).unwrap();
                    map.insert(key, row);
                }
                Act::Remove(key) => prop_assert_eq!(index.remove(key), map.remove(&key)),
                Act::Get(key) => prop_assert_eq!(index.get(key), map.get(&key).copied()),
            }
            prop_assert_eq!(index.len(), map.len());
        }
        for (key, row) in &map {
            prop_assert_eq!(index.get(*key), Some(*row));
        }
    }
}

/// A million keys, with the loads on the way from half of them on.
fn million(about: usize) -> Vec<f64> {
    let key = |at: u64| at.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mut index = Index::for_about(about);
    let mut loads = Vec::new();
    for at in 0..1_000_000u64 {
        index.insert(key(at), at as u32).unwrap();
        if at >= 500_000 && at % 50_000 == 0 {
            loads.push(index.load());
        }
    }
    loads.push(index.load());
    assert!((0..1_000_000u64).all(|at| index.get(key(at)) == Some(at as u32)));
    // A line for five keys.
    let bytes = 1e6 * 64.0 / 5.0 / loads[loads.len() - 1];
    assert!(((bytes * 1.02) as usize) > index.bytes(), "{bytes} {}", index.bytes());
    loads
}

#[test]
fn it_stays_dense_while_it_grows() {
    let loads = million(0);
    let mean = loads.iter().sum::<f64>() / loads.len() as f64;
    assert!(mean > 0.9 && loads.iter().all(|load| *load > 0.86), "{loads:?}");
}

#[test]
fn one_that_was_told_is_dense_when_all_have_come() {
    // Few keys announced, and many.
    for about in [900_000, 1_000_000, 1_060_000] {
        let loads = million(about);
        assert!(loads[loads.len() - 1] > 0.86 && loads[0] > 0.4, "{about}: {loads:?}");
    }
    assert!(Index::for_about(1_000_000).bytes() < 16_000_000);
    assert_eq!(Index::for_about(5).bytes(), Index::for_about(0).bytes());
    // Nobody has so many: room for them is made when they come.
    assert!(Index::for_about(usize::MAX).bytes() < 1 << 30);
}

#[test]
fn nobodys_row_is_refused() {
    assert!(Index::for_about(3).insert(1, u32::MAX).is_err());
}

/// The key whose hash in the index is this one: its mixing can be undone.
fn key_of(hash: u64) -> u64 {
    let mut x = hash ^ (hash >> 31) ^ (hash >> 62);
    x = x.wrapping_mul(0x3196_42b2_d24d_8ec3);
    x = x ^ (x >> 27) ^ (x >> 54);
    x = x.wrapping_mul(0x96de_1b17_3f11_9089);
    x = x ^ (x >> 30) ^ (x >> 60);
    x.wrapping_sub(0x2545_f491_4f6c_dd1d)
}

#[test]
fn keys_that_were_chosen_to_collide_cost_no_memory() {
    // One segment, one first bucket, one second bucket.
    let alike = |hash: &u64| hash.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 54 == 77;
    let keys: Vec<u64> =
        (0..1u64 << 21).map(|low| 5 << 32 | low << 11).filter(alike).map(key_of).collect();
    assert!(keys.len() > 1000, "{}", keys.len());
    let mut index = Index::for_about(0);
    for (row, key) in keys.iter().enumerate() {
        index.insert(*key, row as u32).unwrap();
    }
    assert!(index.bytes() < 20_000, "{}", index.bytes());
    for (row, key) in keys.iter().enumerate() {
        assert_eq!(index.get(*key), Some(row as u32));
    }
    assert_eq!((index.len(), index.iter().count()), (keys.len(), keys.len()));
    assert!(keys.iter().all(|key| index.remove(*key).is_some()) && index.is_empty());
}
