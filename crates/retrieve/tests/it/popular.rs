//! Popular items, of all time and of the last days.

use data::{History, Progress, Sequences, order};
use expect_test::expect;
use retrieve::{
    Count, Everything, Popular, PopularConfig, PopularLatelyConfig, Reason, Retriever, Unseen,
};

use super::worlds::{DAY, items, query};

/// User 0 plays item 0 five times; items 1, 2 have two and three users; item 3 is new.
fn log() -> Sequences {
    let mut events: Vec<(u32, u32, i64, f32)> =
        (0..5).map(|day| (0, 0, (100 + day) * DAY, 1.0)).collect();
    events.extend([(1, 1, 90 * DAY, 1.0), (2, 1, 91 * DAY, 1.0)]);
    events.extend([(1, 2, 50 * DAY, 1.0), (2, 2, 50 * DAY, 1.0), (3, 2, 51 * DAY, 1.0)]);
    events.extend([(3, 3, 110 * DAY, 1.0)]);
    Sequences::from_events(4, 5, &events).expect("indices are in range")
}

fn scored(model: &Popular) -> String {
    let found = model.retrieve(&query(History::default(), &Everything, 10));
    found.iter().map(|found| format!("{}:{} ", found.item, found.score)).collect()
}

#[test]
fn users_are_counted_or_events() {
    let fit = |count| {
        let config = PopularConfig { count };
        Popular::fit(&log(), &config, 7, &Progress::silent()).unwrap()
    };
    expect!["2:3 1:2 3:1 0:1 "].assert_eq(&scored(&fit(Count::Users)));
    expect!["0:5 2:3 1:2 3:1 "].assert_eq(&scored(&fit(Count::Events)));
}

#[test]
fn the_window_ends_with_the_training_data() {
    let fit = |days, end_ms| {
        let config = PopularLatelyConfig { days, count: Count::Users };
        Popular::fit_lately(&log(), &config, end_ms, 7, &Progress::silent())
    };
    let week = fit(7, 110 * DAY).unwrap();
    expect!["3:1 0:1 "].assert_eq(&scored(&week));
    expect!["3:1 "].assert_eq(&scored(&fit(6, 110 * DAY).unwrap()));
    expect![""].assert_eq(&scored(&fit(7, 1000 * DAY).unwrap()));
    expect!["2:3 1:2 0:1 "].assert_eq(&scored(&fit(90, 104 * DAY).unwrap()));
    let query = query(History::default(), &Everything, 1);
    assert_eq!(week.reason(&query, 3), Reason::PopularLately { days: 7 });
    let why = fit(0, 110 * DAY).unwrap_err().to_string();
    assert!(why.contains("models.popular_lately.days"), "{why}");
}

#[test]
fn ties_fall_by_the_seed_of_the_query() {
    let events: Vec<_> = (0..50).map(|item| (item % 10, item, DAY, 1.0)).collect();
    let log = Sequences::from_events(10, 50, &events).unwrap();
    let model = Popular::fit(&log, &PopularConfig::default(), 7, &Progress::silent()).unwrap();
    let mut orders = std::collections::BTreeSet::new();
    for seed in 0..10 {
        let unseen = Unseen::new(0..20);
        let asked = retrieve::Query { seed, ..query(History::default(), &unseen, 5) };
        let found: Vec<u32> = model.retrieve(&asked).iter().map(|found| found.item).collect();
        let mut wanted: Vec<(u32, f32)> = (20..50).map(|item| (item, 1.0)).collect();
        order::top_k(&mut wanted, 5, seed);
        assert_eq!(found, wanted.iter().map(|(item, _)| *item).collect::<Vec<_>>(), "{seed}");
        orders.insert(found);
    }
    assert!(orders.len() > 5, "{orders:?}");
    assert_eq!(items(&model, History::default(), 0), [0u32; 0]);
    assert_eq!(items(&model, History::default(), usize::MAX).len(), 50);
}
