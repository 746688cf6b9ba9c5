//! The score order.

use data::order::{descending, tie, top_k};
use proptest::prelude::*;

#[test]
fn non_finite_scores_never_win() {
    let mut scored =
        vec![(1, f32::NAN), (2, f32::INFINITY), (3, -5.0), (4, f32::NEG_INFINITY), (5, 1.0)];
    scored.sort_by(|a, b| descending(*a, *b, 0));
    assert_eq!([scored[0].0, scored[1].0], [5, 3]);
    top_k(&mut scored, 10, 0);
    assert_eq!(scored, [(5, 1.0), (3, -5.0)]);
}

#[test]
fn ties_do_not_fall_by_index() {
    let mut scored: Vec<(u32, f32)> = (0..1000).map(|item| (item, 0.0)).collect();
    top_k(&mut scored, 100, 7);
    let mean = scored.iter().map(|(item, _)| f64::from(*item)).sum::<f64>() / 100.0;
    // Uniform: 499.5, standard error 28.9 · 0.95.
    assert!((mean - 499.5).abs() < 110.0, "{mean}");
    assert_eq!(descending((1, -0.0), (1, 0.0), 7), std::cmp::Ordering::Equal);
    assert_ne!(tie(1, 7), tie(1, 8));
}

proptest! {
    #[test]
    fn top_k_is_the_head_of_the_sorted_list(
        scores in prop::collection::vec(prop_oneof![-3i8..3, Just(0i8)], 0..60),
        k in 0usize..70,
        seed: u64,
    ) {
        let scored: Vec<(u32, f32)> =
            (0u32..).zip(&scores).map(|(item, score)| (item, f32::from(*score))).collect();
        let mut sorted = scored.clone();
        sorted.sort_by(|a, b| descending(*a, *b, seed));
        sorted.truncate(k);
        let mut top = scored;
        top_k(&mut top, k, seed);
        prop_assert_eq!(top, sorted);
    }
}
