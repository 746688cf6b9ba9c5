//! Windows as batches show them: inside the history, whole, all of them where all are asked for,
//! and the same again.

use std::collections::BTreeMap;

use data::order::tie;
use proptest::prelude::*;
use train::{Coverage, EpochSpec, Spread, Window};

use crate::histories::{Histories, spec};

fn all(stride: u32, spread: Spread) -> Window {
    Window::All { stride, spread }
}

fn windows() -> impl Strategy<Value = (Vec<usize>, u32, u32, u64)> {
    let lengths = prop::collection::vec(0usize..30, 1..20);
    (lengths, 1u32..9).prop_flat_map(|(lengths, length_max)| {
        (Just(lengths), Just(length_max), 1..=length_max, any::<u64>())
    })
}

/// How often each event is a target, over some epochs; none for users of one event.
fn targets(histories: &Histories, specs: impl Iterator<Item = EpochSpec>) -> Vec<u64> {
    let mut coverage = Coverage::new(histories.sequences.item_count());
    for spec in specs {
        histories.batches(spec).iter().for_each(|batch| coverage.add(batch));
    }
    coverage.targets().to_vec()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn one_window_a_user_costs_what_the_latest_costs(
        (lengths, length_max, stride, seed) in windows(), back in 0u32..9,
    ) {
        let histories = Histories::new(&lengths);
        let back_max = length_max + 1 + back;
        let mixed = Window::Mixed { back_max, latest_share: 0.4 };
        let whole = length_max as usize + 1;
        for window in [
            Window::Latest {},
            Window::Sliding { stride: 0 },
            Window::Sliding { stride },
            mixed,
            Window::Mixed { back_max: 0, latest_share: 0.4 },
        ] {
            for number in 0..6 {
                let spec = EpochSpec { seed, number, ..spec(length_max, window) };
                let rows = histories.rows(spec);
                prop_assert_eq!(&rows, &histories.rows(spec), "the same again");
                let mut users: Vec<u32> = rows.iter().map(|(user, _)| *user).collect();
                let mut expected = histories.users();
                // The order that runs had before there were windows.
                let seed = seed ^ u64::from(number).wrapping_mul(0x9e37_79b9_7f4a_7c15);
                expected.sort_by_key(|user| (tie(*user, seed), *user));
                prop_assert_eq!(&users, &expected);
                users.sort_unstable();
                for (user, places) in rows {
                    let length = histories.length(user);
                    prop_assert_eq!(places.len(), length.min(whole));
                    prop_assert!(places.windows(2).all(|pair| pair[0] + 1 == pair[1]));
                    let latest = places.last() == Some(&(length - 1));
                    let last_epoch = number + 1 == spec.epochs;
                    match window {
                        Window::Latest {} => prop_assert!(latest),
                        Window::Mixed { .. } if last_epoch => prop_assert!(latest),
                        Window::Mixed { back_max: 1.., .. } => {
                            prop_assert!(places[0] + back_max as usize >= length);
                        }
                        _ => {}
                    }
                }
            }
        }
    }

    #[test]
    fn all_windows_cover_all_events((lengths, length_max, stride, seed) in windows()) {
        let histories = Histories::new(&lengths);
        let next: u64 = lengths.iter().map(|n| n.saturating_sub(1) as u64).sum();
        let of = |window| EpochSpec { seed, ..spec(length_max, window) };
        let least = |counts: &[u64]| {
            let users = histories.users().into_iter();
            let later = users.flat_map(|user| &histories.sequences.user(user).items[1..]);
            later.map(|item| counts[*item as usize]).min()
        };
        let once = targets(&histories, std::iter::once(of(all(0, Spread::SameEpoch))));
        prop_assert_eq!(least(&once).unwrap_or(1), 1);
        prop_assert_eq!(once.iter().sum::<u64>(), next, "and none of them twice");

        // Spread over epochs they are the same windows, one a user an epoch.
        let mut together: BTreeMap<u32, Vec<Vec<usize>>> = BTreeMap::new();
        for (user, places) in histories.rows(of(all(stride, Spread::SameEpoch))) {
            together.entry(user).or_default().push(places);
        }
        let most = together.values().map(Vec::len).max().unwrap_or(0) as u32;
        let mut apart: BTreeMap<u32, Vec<Vec<usize>>> = BTreeMap::new();
        for number in 0..most {
            let spec = EpochSpec { number, ..of(all(stride, Spread::OverEpochs)) };
            let rows = histories.rows(spec);
            prop_assert_eq!(rows.len(), histories.users().len());
            for (user, places) in rows {
                let seen = apart.entry(user).or_default();
                if seen.len() < together[&user].len() {
                    seen.push(places);
                }
            }
        }
        for windows in together.values_mut().chain(apart.values_mut()) {
            windows.sort_unstable();
        }
        prop_assert_eq!(together, apart);

        let slid = (0..most + 1).map(|number| {
            EpochSpec { number, ..of(Window::Sliding { stride }) }
        });
        prop_assert!(least(&targets(&histories, slid)).unwrap_or(1) >= 1);
    }
}

#[test]
fn the_windows_of_a_user_are_not_neighbours() {
    let histories = Histories::new(&[40; 30]);
    let rows = histories.rows(spec(4, all(0, Spread::SameEpoch)));
    assert_eq!(rows.len(), 300);
    let pairs = rows.windows(2).filter(|pair| pair[0].0 == pair[1].0).count();
    // By chance every thirtieth pair.
    assert!(pairs < 30, "{pairs}");
    let spec = EpochSpec { number: 1, ..spec(4, all(0, Spread::SameEpoch)) };
    assert_ne!(histories.rows(spec), rows);
}

#[test]
fn sliding_shows_more_of_the_catalogue() {
    let histories = Histories::new(&[13, 3, 1]);
    let count = |window| {
        let mut coverage = Coverage::new(17);
        for number in 0..3 {
            let spec = EpochSpec { number, ..spec(4, window) };
            histories.batches(spec).iter().for_each(|batch| coverage.add(batch));
        }
        [0, 1, 3].map(|times| coverage.items(times))
    };
    // 4 of the long history's 12 targets and both of the short one's, three times.
    assert_eq!(count(Window::Latest {}), [17, 6, 6]);
    // Three windows of 5 events, at 0, 4 and 8: each target of the long history once.
    assert_eq!(count(Window::Sliding { stride: 4 }), [17, 14, 2]);
}

#[test]
fn settings_are_checked_before_an_epoch() {
    let histories = Histories::new(&[9]);
    let why = |window| {
        let error = train::epoch(&histories.sequences, spec(4, window)).err();
        error.unwrap().to_string()
    };
    assert!(why(Window::Sliding { stride: 5 }).starts_with("window.stride: 5 leaves"));
}
