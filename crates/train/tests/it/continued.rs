//! A model that goes on learning: new events once, new items too, and what it touched.

use data::{FixedClock, Progress, Sequences};
use train::{Continued, ItemUpdates, Run, SequenceConfig, Trained, fit, rank};

use crate::planted::{ITEMS, log, next, quick};

fn config() -> SequenceConfig {
    SequenceConfig { item_updates: ItemUpdates::Keyed, epochs: 30, ..quick() }
}

fn trained(train: &Sequences) -> Trained {
    let clock = FixedClock(0);
    fit(Run {
        config: &config(),
        train,
        held: None,
        seed: 3,
        checkpoints: None,
        resume: false,
        table: None,
        clock: &clock,
        progress: &Progress::silent(),
        tell: &mut |_| {},
    })
    .unwrap()
}

/// `base` with a walk gone on by `more` for each of the first `users`, whose items are `shift`
/// higher.
fn grown(base: &Sequences, users: u32, more: usize, items: u32, shift: u32) -> Sequences {
    let mut events = Vec::new();
    for user in 0..base.users() as u32 {
        let own = base.user(user);
        let told = own.items.iter().zip(own.times_ms);
        events.extend(told.map(|(item, time)| (user, *item, *time, 1.0)));
        let mut item = own.items.last().copied().unwrap_or(user % ITEMS);
        for at in 0..if user < users { more } else { 0 } {
            item = next(item % ITEMS);
            events.push((user, item + shift, 1000 + at as i64, 1.0));
        }
    }
    Sequences::from_events(base.users(), items, &events).unwrap()
}

fn begin(known: &Sequences) -> Continued {
    let base = trained(known);
    Continued::new(&config(), base.model, &base.items, known, 5).unwrap()
}

#[test]
fn new_events_are_learned_from_once() {
    let (known, _) = log(60);
    let mut model = begin(&known);
    assert_eq!(model.waiting(&known), 0);
    let nothing = model.learn(&known, &Progress::silent()).unwrap();
    assert_eq!((nothing.events, nothing.steps), (0, 0));

    let all = grown(&known, 20, 3, ITEMS, 0);
    assert_eq!(model.waiting(&all), 60);
    let before = model.matrix();
    let learned = model.learn(&all, &Progress::silent()).unwrap();
    assert_eq!(learned.events, 60);
    assert!(learned.steps > 0 && learned.loss.is_finite());
    assert_eq!(model.waiting(&all), 0);
    // Nothing else has changed than what it says.
    let after = model.matrix();
    for item in 0..ITEMS as usize {
        let said = learned.items.contains(&(item as u64));
        let same = before.row(item) == after.row(item);
        assert!(said || same, "item {item} changed and was not named");
    }
    assert!(!learned.items.is_empty());
}

#[test]
fn windows_longer_than_the_model_are_cut_and_every_new_event_counts_once() {
    let (known, _) = log(10);
    let mut model = begin(&known);
    // 8 events are what the model sees.
    let all = grown(&known, 4, 21, ITEMS, 0);
    assert_eq!(model.learn(&all, &Progress::silent()).unwrap().events, 84);
}

#[test]
fn an_item_that_training_never_met_is_learned() {
    let (known, _) = log(60);
    let mut model = begin(&known);
    let rows = model.items().len();
    // One new item, taken by everybody at the end, again and again.
    let mut all = grown(&known, 0, 0, ITEMS + 1, 0);
    let mut rounds = 0;
    let place = loop {
        let mut events = Vec::new();
        for user in 0..all.users() as u32 {
            let own = all.user(user);
            let told = own.items.iter().zip(own.times_ms);
            events.extend(told.map(|(item, time)| (user, *item, *time, 1.0)));
            events.push((user, ITEMS, 2000 + rounds, 1.0));
        }
        all = Sequences::from_events(all.users(), ITEMS + 1, &events).unwrap();
        let learned = model.learn(&all, &Progress::silent()).unwrap();
        assert!(learned.items.contains(&u64::from(ITEMS)));
        rounds += 1;
        // Asked as the walks of training were.
        let history = known.user(6);
        let past =
            models::Past { items: history.items, times_ms: history.times_ms, now_ms: 3000 };
        let matrix = model.matrix();
        let mut workspace = tensor::Workspace::new(tensor::Device::Cpu);
        let ranked = rank(
            model.model(),
            &mut workspace,
            matrix.values(),
            &[past],
            &[&[]],
            ITEMS as usize + 1,
            1,
        )
        .unwrap();
        let place = ranked[0].iter().position(|item| *item == ITEMS).unwrap();
        if place < 3 || rounds == 60 {
            break place;
        }
    };
    assert!(place < 3, "the new item is at place {place} after {rounds} rounds");
    assert_eq!(model.items().len(), rows + 1);
}

#[test]
fn another_network_is_refused() {
    let (known, _) = log(10);
    let base = trained(&known);
    let mut other = config();
    other.model = models::SequenceModelConfig::Hstu(models::HstuConfig::default());
    let refused = Continued::new(&other, base.model, &base.items, &known, 5);
    assert!(refused.err().unwrap().to_string().contains("another network"));
}

#[test]
fn rounds_are_the_same_bits_again() {
    let (known, _) = log(30);
    let all = grown(&known, 30, 2, ITEMS, 0);
    let once = || {
        let mut model = begin(&known);
        model.learn(&all, &Progress::silent()).unwrap();
        model.matrix().values().iter().map(|value| value.to_bits()).collect::<Vec<_>>()
    };
    assert_eq!(once(), once());
}
