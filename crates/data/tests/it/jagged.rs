//! Jagged rows and keyed jagged batches.

use data::{Jagged, KeyedJagged};

#[test]
fn offsets_are_checked() {
    for (offsets, why) in [
        (vec![], "empty"),
        (vec![1, 3], "start at 1"),
        (vec![0, 2], "end at 2"),
        (vec![0, 4, 3], "fall at row 1"),
        (vec![0, -1, 3], "fall at row 0"),
    ] {
        let error = Jagged::new(offsets, vec![1, 2, 3]).unwrap_err().to_string();
        assert!(error.contains(why), "{error}");
    }
    let rows = Jagged::new(vec![0, 0, 3], vec![1, 2, 3]).unwrap();
    assert_eq!((rows.rows(), rows.row(0), rows.row(1)), (2, &[][..], &[1, 2, 3][..]));
}

#[test]
fn cells_are_key_major() {
    let mut cells = Jagged::default();
    for row in [vec![1], vec![2, 3], vec![], vec![4]] {
        cells.push(row).unwrap();
    }
    let batch =
        KeyedJagged::new(vec!["item".into(), "genre".into()], 2, cells.clone()).unwrap();
    assert_eq!(batch.cell(0, 1), [2, 3]);
    assert_eq!(batch.cell(1, 0), [0; 0]);
    assert_eq!(batch.cell(1, 1), [4]);
    assert!(KeyedJagged::new(vec!["item".into()], 2, cells.clone()).is_err());
    assert!(KeyedJagged::new(vec!["item".into(), "item".into()], 2, cells).is_err());
}
