use super::*;

#[test]
fn rows_are_ascending_once_and_lists_say_places() {
    let mut touched = Touched::default();
    touched.collect(10, &[&[7, 2, 7], &[], &[2, 9]]);
    assert_eq!(touched.rows, [2, 7, 9]);
    assert_eq!(touched.places(&[7, 2, 7, 9]), [1, 0, 1, 2]);
    touched.forget();
    assert_eq!(touched.rows, [2, 7, 9], "the update still needs them");
    // Nothing of the step before is left; the table may have grown.
    touched.collect(12, &[&[11, 0]]);
    assert_eq!(touched.rows, [0, 11]);
    assert_eq!(touched.places(&[0, 11]), [0, 1]);
}
