//! Batches: every user once, within the budget, nothing of the future.

use data::ClockKind;
use data::batch::{BatchSpec, Batches};
use data::split::{Cut, SplitSpec, split};
use proptest::prelude::*;

use crate::split::{events, sequences};

proptest! {
    #[test]
    fn no_training_batch_holds_an_event_from_after_the_split(
        events in events(), at in 1i64..30, tokens_max in 1usize..20, seed: u64,
    ) {
        let all = sequences(&events);
        let spec = SplitSpec::Time { validation_from: None, test_from: Cut::Instant(at) };
        let Ok(parts) = split(&all, ClockKind::Real, &spec) else { return Ok(()) };
        let length_max = tokens_max.div_ceil(2);
        let spec = BatchSpec { tokens_max, length_max, length_min: 1, seed };
        let mut users = Vec::new();
        for batch in Batches::new(&parts.train, spec).unwrap() {
            let batch = batch.unwrap();
            prop_assert!(batch.tokens() <= tokens_max && batch.tokens() > 0);
            prop_assert!(batch.times_ms.values().iter().all(|time| *time < at));
            for (sample, user) in batch.users.iter().enumerate() {
                let history = parts.train.user(*user).last(length_max);
                prop_assert_eq!(batch.features.cell(0, sample), history.items);
                prop_assert_eq!(batch.times_ms.row(sample), history.times_ms);
                prop_assert_eq!(batch.values.row(sample), history.values);
            }
            users.extend(batch.users);
        }
        users.sort_unstable();
        let expected: Vec<u32> =
            (0..5).filter(|user| !parts.train.user(*user).is_empty()).collect();
        prop_assert_eq!(users, expected);
    }
}

#[test]
fn another_seed_another_order() {
    let events: Vec<(u32, u32, i64)> = (0..5).map(|user| (user, user, 1)).collect();
    let all = sequences(&events);
    let order = |seed| {
        let spec = BatchSpec { tokens_max: 1, length_max: 1, length_min: 1, seed };
        let batches = Batches::new(&all, spec).unwrap();
        batches.map(|batch| batch.unwrap().users[0]).collect::<Vec<u32>>()
    };
    assert_eq!(order(1), order(1));
    assert!((2..9).any(|seed| order(seed) != order(1)));
    let spec = BatchSpec { tokens_max: 1, length_max: 2, length_min: 1, seed: 0 };
    assert!(Batches::new(&all, spec).is_err());
}
