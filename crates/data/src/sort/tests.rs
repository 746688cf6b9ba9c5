//! Spilled or not, the order and the tails are those of a plain stable sort.

use std::sync::Arc;

use proptest::prelude::*;

use super::{Record, Sorter};
use crate::RealFiles;

fn sorted(times: &[(i64, Vec<u8>)], chunk_rows: usize) -> Vec<(i64, u64, Vec<u8>)> {
    let dir = tempfile::tempdir().unwrap();
    let mut sorter = Sorter::new(Arc::new(RealFiles), dir.path().join("sort"), chunk_rows);
    for (seq, (time_ms, tail)) in (0u64..).zip(times) {
        sorter.push(Record::new(*time_ms, seq, seq * 7), tail).unwrap();
    }
    let mut merge = sorter.finish().unwrap();
    let mut out = Vec::new();
    while let Some((record, tail)) = merge.next().unwrap() {
        assert_eq!(record.hash, record.seq * 7);
        out.push((record.time_ms, record.seq, tail.to_vec()));
    }
    out
}

proptest! {
    #[test]
    fn spilled_equals_a_stable_sort(
        times in prop::collection::vec((0i64..20, prop::collection::vec(any::<u8>(), 0..9)), 0..200),
        chunk_rows in 1usize..50,
    ) {
        let mut expected: Vec<(i64, u64, Vec<u8>)> =
            (0u64..).zip(&times).map(|(seq, (time, tail))| (*time, seq, tail.clone())).collect();
        expected.sort_by_key(|row| row.0);
        prop_assert_eq!(&sorted(&times, chunk_rows), &expected);
        prop_assert_eq!(&sorted(&times, 1000), &expected);
    }
}
