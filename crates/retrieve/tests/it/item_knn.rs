//! Item-kNN against another implementation, and on a log with a known truth.

use data::{Progress, Sequences};
use retrieve::{Everything, ItemKnn, ItemKnnConfig, Reason, Retriever, Similarity, Unseen};
use serde::Deserialize;

use super::worlds::{DAY, Told, fit, items, query, small, two_tastes};

#[derive(Deserialize)]
struct Golden {
    users: usize,
    items: u32,
    bm25_k1: f64,
    bm25_b: f64,
    end_ms: i64,
    events: Vec<(u32, u32, i64)>,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    similarity: Similarity,
    shrinkage: f64,
    half_life_days: f64,
    pairs: Vec<(u32, u32, f64)>,
}

fn golden() -> (Golden, Sequences) {
    let golden: Golden = serde_json::from_str(include_str!("../golden/item_knn.json"))
        .expect("the script writes this shape");
    let events: Vec<_> =
        golden.events.iter().map(|(user, item, at_ms)| (*user, *item, *at_ms, 1.0)).collect();
    let log = Sequences::from_events(golden.users, golden.items, &events);
    (golden, log.expect("indices are in range"))
}

#[test]
fn similarities_are_those_of_another_implementation() {
    let (golden, log) = golden();
    assert_eq!(golden.cases.len(), 6);
    for case in &golden.cases {
        let config = ItemKnnConfig {
            similarity: case.similarity,
            shrinkage: case.shrinkage,
            half_life_days: case.half_life_days,
            bm25_k1: golden.bm25_k1,
            bm25_b: golden.bm25_b,
            neighbours: golden.items,
            ..ItemKnnConfig::default()
        };
        let model = ItemKnn::fit(&log, &config, golden.end_ms, 1, &Progress::silent()).unwrap();
        let ours: Vec<(u32, u32, f32)> = (0..golden.items)
            .flat_map(|item| model.neighbours(item).iter().map(move |(j, s)| (item, *j, *s)))
            .collect();
        assert_eq!(ours.len(), case.pairs.len(), "{:?}", case.similarity);
        for (ours, theirs) in ours.iter().zip(&case.pairs) {
            assert_eq!((ours.0, ours.1), (theirs.0, theirs.1));
            let off = (f64::from(ours.2) - theirs.2).abs() / theirs.2;
            assert!(off < 1e-5, "{:?}: {ours:?}, golden {theirs:?}", case.similarity);
        }
    }
}

#[test]
fn only_the_best_neighbours_are_kept() {
    let (golden, log) = golden();
    let fit = |neighbours| {
        let config = ItemKnnConfig { neighbours, ..ItemKnnConfig::default() };
        ItemKnn::fit(&log, &config, golden.end_ms, 1, &Progress::silent()).unwrap()
    };
    let (all, few) = (fit(100), fit(3));
    for item in 0..golden.items {
        let mut best = all.neighbours(item).to_vec();
        data::order::top_k(&mut best, 3, 1);
        best.sort_unstable_by_key(|(item, _)| *item);
        assert_eq!(few.neighbours(item), best);
    }
    assert_eq!(all.neighbours(golden.items), []);
}

#[test]
fn a_query_adds_up_the_neighbours_of_the_history() {
    let (golden, log) = golden();
    let config = ItemKnnConfig {
        neighbours: 100,
        history_half_life_events: 2.0,
        history_max: 3,
        ..ItemKnnConfig::default()
    };
    let model = ItemKnn::fit(&log, &config, golden.end_ms, 1, &Progress::silent()).unwrap();
    // Item 9 is forgotten, 99 came after training, and the older 4 counts no more.
    let told = Told::of(&[9, 4, 99, 4]);
    let found = model.retrieve(&query(told.history(), &Everything, 100));
    for found in &found {
        let near = model.neighbours(4).iter().find(|(item, _)| *item == found.item).unwrap();
        assert!((found.score - near.1).abs() < 1e-7);
    }
    assert_eq!(found.len(), model.neighbours(4).len());

    let told = Told::of(&[2, 4]);
    let found = model.retrieve(&query(told.history(), &Everything, 100));
    let similarity = |from: u32, to: u32| {
        let near = model.neighbours(from).iter().find(|(item, _)| *item == to);
        near.map_or(0.0, |(_, similarity)| *similarity)
    };
    assert!(!found.is_empty());
    for found in &found {
        // One event before the newest, half-life two: 2^(-1/2).
        let older = std::f32::consts::FRAC_1_SQRT_2 * similarity(2, found.item);
        let newer = similarity(4, found.item);
        assert!((found.score - older - newer).abs() < 1e-6);
        let because = if older > newer { 2 } else { 4 };
        let reason = model.reason(&query(told.history(), &Everything, 1), found.item);
        assert_eq!(reason, Reason::Because { item: because });
    }
}

#[test]
fn old_history_counts_less_by_days_too() {
    let log = two_tastes();
    let mut config = small();
    config.item_knn.history_half_life_events = 0.0;
    config.item_knn.history_half_life_days = 1.0;
    let model = fit("item-knn", &config, &log);
    // Twenty days of the one taste, then three of the other.
    let told = Told::of(&[&(0..20).collect::<Vec<u32>>()[..], &[20, 21, 22]].concat());
    let best = items(&model, told.history(), 5);
    assert!(best.iter().all(|item| *item >= 20), "{best:?}");
    config.item_knn.history_half_life_days = 0.0;
    let even = items(&fit("item-knn", &config, &log), told.history(), 5);
    assert!(even.iter().all(|item| *item < 20), "{even:?}");
}

#[test]
fn the_taste_of_the_history_is_met() {
    let log = two_tastes();
    for similarity in [Similarity::Cosine, Similarity::TfIdf, Similarity::Bm25] {
        let mut config = small();
        config.item_knn.similarity = similarity;
        let model = fit("item-knn", &config, &log);
        for (told, group) in [(Told::of(&[3, 5]), 0..20), (Told::of(&[25, 31]), 20..40)] {
            let seen = Unseen::new(told.history().items.iter().copied());
            let asked = query(told.history(), &seen, 10);
            let found = model.retrieve(&asked);
            assert_eq!(found.len(), 10);
            for found in found {
                assert!(group.contains(&found.item), "{similarity:?}: {found:?}");
                let Reason::Because { item } = model.reason(&asked, found.item) else {
                    panic!("no reason for {found:?}")
                };
                assert!(told.history().items.contains(&item));
            }
        }
    }
}

#[test]
fn only_the_latest_events_of_a_user_are_compared() {
    // Item 0 goes with 1, later 1 with 2.
    let days = [0u32, 1, 2];
    let events: Vec<_> = (0..10)
        .flat_map(|user| days.map(|item| (user, item, i64::from(item) * DAY, 1.0)))
        .chain([(10, 3, DAY, 1.0)])
        .collect();
    let log = Sequences::from_events(11, 4, &events).unwrap();
    let config = ItemKnnConfig { user_events_max: 2, ..ItemKnnConfig::default() };
    let model = ItemKnn::fit(&log, &config, 2 * DAY, 1, &Progress::silent()).unwrap();
    let near = |item| model.neighbours(item).iter().map(|(item, _)| *item).collect::<Vec<_>>();
    assert_eq!([near(0), near(1), near(2), near(3)], [vec![], vec![2], vec![1], vec![]]);
}

#[test]
fn settings_out_of_range_are_named() {
    type Change = fn(&mut ItemKnnConfig);
    let changes: [(&str, Change); 8] = [
        ("neighbours", |config| config.neighbours = 0),
        ("user_events_max", |config| config.user_events_max = 1),
        ("shrinkage", |config| config.shrinkage = -1.0),
        ("bm25_k1", |config| config.bm25_k1 = f64::NAN),
        ("bm25_b", |config| config.bm25_b = 1.5),
        ("half_life_days", |config| config.half_life_days = f64::INFINITY),
        ("history_max", |config| config.history_max = 0),
        ("history_half_life_events", |config| config.history_half_life_events = -0.5),
    ];
    for (name, change) in changes {
        let mut config = ItemKnnConfig::default();
        change(&mut config);
        let why = ItemKnn::fit(&two_tastes(), &config, 0, 1, &Progress::silent()).unwrap_err();
        let why = why.to_string();
        assert!(why.starts_with(&format!("models.item_knn.{name}: ")), "{why}");
    }
}
