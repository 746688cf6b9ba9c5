//! Batches: every part once, within the budget, nothing of the future.

use data::ClockKind;
use data::batch::{Batches, Part, Which};
use data::split::{Cut, SplitSpec, split};
use proptest::prelude::*;

use crate::split::{events, sequences};

proptest! {
    #[test]
    fn no_training_batch_holds_an_event_from_after_the_split(
        events in events(), at in 1i64..30, tokens_max in 1usize..20,
    ) {
        let all = sequences(&events);
        let spec = SplitSpec::Time { validation_from: None, test_from: Cut::Instant(at) };
        let Ok(parts) = split(&all, ClockKind::Real, &spec) else { return Ok(()) };
        let length_max = tokens_max.div_ceil(2);
        let with_events = || (0..5).filter(|user| !parts.train.user(*user).is_empty());
        let latest = with_events().map(|user| {
            let events = parts.train.user(user).len();
            Part { user, events: Which::Range(events.saturating_sub(length_max)..events) }
        });
        let mut users = Vec::new();
        for batch in Batches::new(&parts.train, tokens_max, latest) {
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
        prop_assert_eq!(users, with_events().collect::<Vec<u32>>());
    }
}

/// User 0 met items 0 to 5 at instants 1 to 6.
fn six() -> data::Sequences {
    let events: Vec<(u32, u32, i64)> =
        (0..6).map(|item| (0, item, i64::from(item) + 1)).collect();
    sequences(&events)
}

fn part(events: Which) -> Part {
    Part { user: 0, events }
}

#[test]
fn parts_keep_their_order_and_fill_batches() {
    let all = six();
    let parts =
        [Which::Range(2..5), Which::Places(vec![0, 3, 5]), Which::Range(5..6)].map(part);
    let batches: Vec<_> =
        Batches::new(&all, 4, parts.into_iter()).map(Result::unwrap).collect();
    let [first, second] = &batches[..] else { panic!("{} batches", batches.len()) };
    assert_eq!(first.features.cell(0, 0), [2, 3, 4]);
    assert_eq!(second.users, [0, 0]);
    assert_eq!(second.features.cell(0, 0), [0, 3, 5]);
    assert_eq!(second.times_ms.row(0), [1, 4, 6]);
    assert_eq!(second.features.cell(0, 1), [5]);
    assert_eq!(Batches::new(&all, 4, std::iter::empty()).count(), 0);
}

#[test]
fn a_part_that_cannot_be_is_refused_and_the_last() {
    let all = six();
    for (events, why) in [
        (Which::Range(3..7), "a part of 4 events up to 7 of the 6 of user 0"),
        (Which::Range(2..2), "a part of 0 events up to 2 of the 6 of user 0"),
        (Which::Places(vec![1, 6]), "a part of 2 events up to 7 of the 6 of user 0"),
        (Which::Places(vec![3, 3]), "a part of user 0: its places do not ascend"),
        (Which::Range(0..6), "a batch of at most 5 tokens cannot hold 6 events of user 0"),
    ] {
        let parts = [part(Which::Range(0..5)), part(events), part(Which::Range(0..1))];
        let mut batches = Batches::new(&all, 5, parts.into_iter());
        let first = batches.next().unwrap();
        // What is wrong is found when it is looked at, in the batch before it at the earliest.
        let error = first.err().or_else(|| batches.next()?.err()).unwrap().to_string();
        assert_eq!(error, why);
        assert!(batches.next().is_none());
    }
    let unknown = Part { user: 9, events: Which::Range(0..1) };
    assert!(Batches::new(&all, 5, std::iter::once(unknown)).next().unwrap().is_err());
}
