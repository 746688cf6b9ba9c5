use data::order;
use proptest::prelude::*;

use super::Best;

proptest! {
    #[test]
    fn a_stream_gives_what_sorting_all_of_it_gives(
        scores in prop::collection::vec(prop_oneof![
            4 => (0..9i8).prop_map(f32::from),
            1 => -1e9f32..1e9,
            1 => prop_oneof![Just(f32::NAN), Just(f32::INFINITY), Just(-0.0)],
        ], 0..2000),
        (k, seed) in (0..100usize, 0..3u64),
    ) {
        let mut all: Vec<(u32, f32)> = (0u32..).zip(scores).collect();
        let mut best = Best::new(k, seed);
        for _ in 0..2 {
            for (item, score) in &all {
                if best.wants(*score) {
                    best.push(*item, *score);
                }
            }
            let mut wanted = all.clone();
            order::top_k(&mut wanted, k, seed);
            prop_assert_eq!(best.take(), wanted);
            all.reverse();
        }
    }
}
