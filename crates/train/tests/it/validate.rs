//! Validation against plain loops, its choice of users, early stop, and which epoch is kept.

use data::Sequences;
use data::order::descending;
use evaluate::ranking::{hits, ndcg};
use models::Past;
use tensor::{Device, Workspace};
use train::{SequenceConfig, Trained};

use crate::planted::{ITEMS, attempt, bits, log, quick, train};

/// NDCG@10 of a trained model for all users who qualify, item by item.
fn by_hand(trained: &Trained, train: &Sequences, held: &Sequences) -> (f64, usize) {
    let mut workspace = Workspace::new(Device::Reference);
    let (mut sum, mut users) = (0.0, 0);
    for user in 0..train.users() as u32 {
        let (had, next) = (train.user(user).items, held.user(user).items);
        let relevant: Vec<u32> =
            (0..ITEMS).filter(|item| next.contains(item) && !had.contains(item)).collect();
        if had.is_empty() || relevant.is_empty() {
            continue;
        }
        let items = trained.items.values();
        let state = trained.model.encode(
            &mut workspace,
            items,
            &[Past { items: had, ..Past::default() }],
        );
        let state = state.unwrap();
        let mut scored: Vec<(u32, f32)> = (0..ITEMS)
            .filter(|item| !had.contains(item))
            .map(|item| {
                let row = trained.items.row(item as usize).iter();
                (item, row.zip(&state).map(|(a, b)| a * b).sum())
            })
            .collect();
        scored.sort_by(|a, b| descending(*a, *b, 5));
        let ranked: Vec<u32> = scored.into_iter().map(|(item, _)| item).take(10).collect();
        sum += ndcg(&hits(&ranked, &relevant), relevant.len(), 10).unwrap();
        users += 1;
    }
    (sum / f64::from(users), users as usize)
}

/// Users with nothing before, nothing after, only what they had, and several new items.
fn odd_log() -> (Sequences, Sequences) {
    let (mut train, mut held) = (Vec::new(), Vec::new());
    for user in 0..60u32 {
        let had = if user % 7 == 0 { 0 } else { user % 9 };
        for at in 0..had {
            train.push((user, (user * 5 + at * 7) % ITEMS, i64::from(at), 1.0));
        }
        for at in 0..user % 5 {
            // Some of it again, some of it twice.
            let place = (had + at * 2 / 3).saturating_sub(u32::from(user % 3 == 0));
            let item = (user * 5 + place * 7) % ITEMS;
            held.push((user, item, 100 + i64::from(at), 1.0));
        }
    }
    let of = |events: &[_]| Sequences::from_events(60, ITEMS, events).unwrap();
    (of(&train), of(&held))
}

#[test]
fn it_is_the_ndcg_of_plain_loops() {
    for epochs in [1, 4] {
        let config = SequenceConfig { epochs, validate_every: epochs, ..quick() };
        for (events, held) in [log(50), odd_log()] {
            let trained = train(&config, &events, &held);
            let (expected, users) = by_hand(&trained, &events, &held);
            assert!(users > 10);
            let found = trained.epochs.last().unwrap().ndcg.unwrap();
            assert!((found - expected).abs() < 1e-12, "{found}, not {expected}");
        }
    }
}

#[test]
fn at_most_so_many_users_chosen_by_the_seed() {
    let (events, held) = log(50);
    let mut config = SequenceConfig { epochs: 1, validation_users_max: 1, ..quick() };
    let one = train(&config, &events, &held).epochs[0].ndcg.unwrap();
    // One user finds one item at one place, or not.
    let places = (1..=10).map(|place| 1.0 / f64::from(place + 1).log2()).chain([0.0]);
    assert!(places.into_iter().any(|value| (value - one).abs() < 1e-12), "{one}");
    config.validation_users_max = 50;
    let all = train(&config, &events, &held);
    assert!((all.epochs[0].ndcg.unwrap() - by_hand(&all, &events, &held).0).abs() < 1e-12);
}

#[test]
fn nobody_to_validate_by_is_told_and_the_last_epoch_kept() {
    let (events, _) = log(30);
    let nobody = Sequences::from_events(30, ITEMS, &[]).unwrap();
    let mut lines = Vec::new();
    let config = SequenceConfig { epochs: 2, patience: 1, ..quick() };
    let trained = attempt(&config, (&events, &nobody), None, false, &mut |line| {
        lines.push(line.to_owned());
    });
    let trained = trained.unwrap();
    assert_eq!((trained.best_epoch, trained.epochs.len()), (2, 2));
    assert!(trained.epochs.iter().all(|facts| facts.ndcg.is_none()));
    assert!(lines[0].starts_with("nobody with a history meets a new item"), "{lines:?}");
    let other = Sequences::from_events(31, ITEMS, &[]).unwrap();
    let error = attempt(&config, (&events, &other), None, false, &mut |_| {}).unwrap_err();
    let error = error.to_string();
    assert!(
        error.starts_with("validation of 31 users and 41 items, training of 30"),
        "{error}"
    );
}

#[test]
fn patience_counts_validations_and_the_best_epoch_is_kept() {
    let (events, held) = log(60);
    // Learns at once, then stands still: NDCG ties from the first validation at 1.
    let config = SequenceConfig { epochs: 200, validate_every: 3, patience: 2, ..quick() };
    let trained = train(&config, &events, &held);
    let best = trained.best_epoch;
    let end = trained.epochs.len() as u32;
    assert!(end < 200, "it stops early");
    assert_eq!(end, best + 6, "two validations, three epochs apart, after the best");
    assert_eq!(best % 3, 0);
    let ndcg = |epoch: u32| trained.epochs[epoch as usize - 1].ndcg;
    assert!(ndcg(best).unwrap() >= ndcg(end).unwrap());
    assert!(ndcg(best - 1).is_none() && ndcg(end - 1).is_none());
    // The model is that of the best epoch, as a run of so many epochs ends with.
    let short = SequenceConfig { epochs: best, patience: 0, ..config };
    let again = train(&short, &events, &held);
    assert_eq!(again.best_epoch, best);
    assert_eq!(bits(&again), bits(&trained));
    assert!((by_hand(&trained, &events, &held).0 - ndcg(best).unwrap()).abs() < 1e-12);
}
