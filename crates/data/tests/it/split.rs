//! Splits: what is before the cut stays before the cut.

use data::split::{Cut, SplitSpec, split};
use data::{ClockKind, Sequences};
use proptest::prelude::*;

pub(crate) fn sequences(events: &[(u32, u32, i64)]) -> Sequences {
    let mut events: Vec<(u32, u32, i64, f32)> =
        events.iter().map(|(user, item, time)| (*user, *item, *time, 1.0)).collect();
    events.sort_by_key(|event| event.2);
    Sequences::from_events(5, 9, &events).unwrap()
}

pub(crate) fn events() -> impl Strategy<Value = Vec<(u32, u32, i64)>> {
    prop::collection::vec((0u32..5, 0u32..9, 0i64..30), 2..80)
}

proptest! {
    #[test]
    fn a_time_split_is_a_partition_by_time(events in events(), at in 1i64..30, before in 0i64..5) {
        let all = sequences(&events);
        let spec = SplitSpec::Time {
            validation_from: Some(Cut::Instant(at - before)),
            test_from: Cut::Instant(at),
        };
        let Ok(parts) = split(&all, ClockKind::Real, &spec) else { return Ok(()) };
        prop_assert!(parts.train.times_ms().iter().all(|time| *time < at - before));
        prop_assert!(parts.validation.times_ms().iter().all(|time| (at - before..at).contains(time)));
        prop_assert!(parts.test.times_ms().iter().all(|time| *time >= at));
        for user in 0..5 {
            let joined: Vec<u32> = [&parts.train, &parts.validation, &parts.test]
                .iter().flat_map(|part| part.user(user).items.to_vec()).collect();
            prop_assert_eq!(&joined[..], all.user(user).items);
        }
        prop_assert!(!parts.facts.leaky);
    }

    #[test]
    fn leave_last_out_takes_the_last_in_file_order(events in events()) {
        let all = sequences(&events);
        let Ok(parts) = split(&all, ClockKind::OrderOnly, &SplitSpec::LeaveLastOut) else {
            return Ok(());
        };
        prop_assert!(parts.facts.leaky);
        for user in 0..5 {
            let items = all.user(user).items;
            if items.len() < 3 {
                prop_assert_eq!(parts.train.user(user).items, items);
                prop_assert!(parts.test.user(user).is_empty());
            } else {
                let (rest, last) = items.split_at(items.len() - 1);
                let (train, validation) = rest.split_at(rest.len() - 1);
                prop_assert_eq!(parts.test.user(user).items, last);
                prop_assert_eq!(parts.validation.user(user).items, validation);
                prop_assert_eq!(parts.train.user(user).items, train);
            }
        }
    }
}

#[test]
fn an_order_only_log_refuses_a_time_split() {
    let all = sequences(&[(0, 1, 0), (0, 2, 1)]);
    let spec = SplitSpec::Time { validation_from: None, test_from: Cut::Share(0.5) };
    let error = split(&all, ClockKind::OrderOnly, &spec).unwrap_err().to_string();
    assert!(error.contains("leave-last-out"), "{error}");
}

#[test]
fn a_share_cuts_at_an_instant_and_keeps_equal_times_together() {
    let all = sequences(&[(0, 1, 1), (1, 1, 2), (2, 1, 2), (3, 1, 2), (4, 1, 3)]);
    let spec = SplitSpec::Time { validation_from: None, test_from: Cut::Share(0.6) };
    let parts = split(&all, ClockKind::Real, &spec).unwrap();
    assert_eq!(parts.facts.test_from_ms, Some(2));
    assert_eq!((parts.facts.train_events, parts.facts.test_events), (1, 4));
}

#[test]
fn cuts_are_read_from_text() {
    assert_eq!("0.9".parse(), Ok(Cut::Share(0.9)));
    assert_eq!("2018-06-01".parse(), Ok(Cut::Instant(1_527_811_200_000)));
    assert!("1.5x".parse::<Cut>().is_err());
}
