//! The co-visitation walk against another implementation, and on a log with a known truth.

use data::{Progress, Sequences};
use retrieve::{Everything, Reason, Retriever, Unseen, Walk, WalkConfig};
use serde::Deserialize;

use super::worlds::{DAY, Told, fit, query, small, two_tastes};

#[derive(Deserialize)]
struct Golden {
    users: usize,
    items: u32,
    end_ms: i64,
    config: WalkConfig,
    events: Vec<(u32, u32, i64)>,
    edges: Vec<(u32, u32, f64)>,
    queries: Vec<Asked>,
}

#[derive(Deserialize)]
struct Asked {
    history: Vec<u32>,
    scores: Vec<f64>,
}

fn golden() -> (Golden, Walk) {
    let golden: Golden = serde_json::from_str(include_str!("../golden/walk.json"))
        .expect("the script writes this shape");
    let events: Vec<_> =
        golden.events.iter().map(|(user, item, at_ms)| (*user, *item, *at_ms, 1.0)).collect();
    let log = Sequences::from_events(golden.users, golden.items, &events).expect("in range");
    let walk = Walk::fit(&log, &golden.config, golden.end_ms, 1, &Progress::silent());
    (golden, walk.expect("settings are in range"))
}

#[test]
fn edges_are_those_of_the_formula() {
    let (golden, walk) = golden();
    let ours: Vec<(u32, u32, f32)> = (0..golden.items)
        .flat_map(|item| walk.edges(item).iter().map(move |(j, p)| (item, *j, *p)))
        .collect();
    assert_eq!(ours.len(), golden.edges.len());
    for (ours, theirs) in ours.iter().zip(&golden.edges) {
        assert_eq!((ours.0, ours.1), (theirs.0, theirs.1));
        let off = (f64::from(ours.2) - theirs.2).abs() / theirs.2;
        assert!(off < 1e-5, "{ours:?}, golden {theirs:?}");
    }
    assert_eq!(walk.edges(golden.items), []);
}

#[test]
fn the_walk_ends_up_where_personalised_pagerank_does() {
    let (golden, walk) = golden();
    for asked in &golden.queries {
        let told = Told::of(&asked.history);
        let found = walk.retrieve(&query(told.history(), &Everything, 100));
        assert_eq!(found.len(), golden.items as usize);
        for found in found {
            let theirs = asked.scores[found.item as usize];
            // Weight below the tolerance at a node is not followed: the score is a little low.
            let short = theirs - f64::from(found.score);
            assert!((-1e-5..0.01).contains(&short), "{found:?}, golden {theirs}");
        }
    }
}

#[test]
fn the_work_bound_holds_and_an_early_stop_still_answers() {
    let (golden, walk) = golden();
    let log: Vec<_> =
        golden.events.iter().map(|(user, item, at_ms)| (*user, *item, *at_ms, 1.0)).collect();
    let log = Sequences::from_events(golden.users, golden.items, &log).unwrap();
    let config = WalkConfig { pushes_max: 1, ..golden.config };
    let short = Walk::fit(&log, &config, golden.end_ms, 1, &Progress::silent()).unwrap();
    let told = Told::of(&[5, 9]);
    let seen = Unseen::new([5, 9]);
    let found = short.retrieve(&query(told.history(), &seen, 100));
    // One push is the newest start alone.
    let near: Vec<u32> = walk.edges(9).iter().map(|(item, _)| *item).collect();
    assert!(!found.is_empty());
    assert!(found.iter().all(|found| near.contains(&found.item)), "{found:?}");
}

#[test]
fn a_walk_reaches_what_no_neighbour_list_does() {
    // 0 and 1 meet, 1 and 2 meet, 2 and 3 meet; nobody took 0 and 2.
    let mut events = Vec::new();
    for user in 0..9u32 {
        events.push((user, user % 3, 100 * DAY, 1.0));
        events.push((user, user % 3 + 1, 101 * DAY, 1.0));
    }
    let log = Sequences::from_events(9, 5, &events).unwrap();
    let walk =
        Walk::fit(&log, &WalkConfig::default(), 101 * DAY, 1, &Progress::silent()).unwrap();
    let told = Told::of(&[0]);
    let seen = Unseen::new([0]);
    let asked = query(told.history(), &seen, 10);
    let found: Vec<u32> = walk.retrieve(&asked).iter().map(|found| found.item).collect();
    assert_eq!(found, [1, 2, 3]);
    assert_eq!(walk.reason(&asked, 1), Reason::Because { item: 0 });
    assert_eq!(walk.reason(&asked, 2), Reason::Because { item: 0 });
    assert_eq!(walk.reason(&asked, 3), Reason::Taste, "three steps away");
}

#[test]
fn the_taste_of_the_history_is_met() {
    let model = fit("walk", &small(), &two_tastes());
    for (told, group) in [(Told::of(&[3, 5]), 0..20), (Told::of(&[25, 31]), 20..40)] {
        let seen = Unseen::new(told.history().items.iter().copied());
        let asked = query(told.history(), &seen, 10);
        let found = model.retrieve(&asked);
        assert_eq!(found.len(), 10);
        assert!(found.iter().all(|found| group.contains(&found.item)), "{found:?}");
    }
}

#[test]
fn settings_out_of_range_are_named() {
    type Change = fn(&mut WalkConfig);
    let changes: [(&str, Change); 9] = [
        ("window", |config| config.window = 0),
        ("neighbours", |config| config.neighbours = 0),
        ("pushes_max", |config| config.pushes_max = 0),
        ("gap_hours_max", |config| config.gap_hours_max = -1.0),
        ("half_life_days", |config| config.half_life_days = f64::NAN),
        ("backward", |config| config.backward = 1.1),
        ("popularity_penalty", |config| config.popularity_penalty = -0.1),
        ("restart", |config| config.restart = 0.0),
        ("history_max", |config| config.history_max = 0),
    ];
    for (name, change) in changes {
        let mut config = WalkConfig::default();
        change(&mut config);
        let why = Walk::fit(&two_tastes(), &config, 0, 1, &Progress::silent()).unwrap_err();
        let why = why.to_string();
        assert!(why.starts_with(&format!("models.walk.{name}: ")), "{why}");
    }
}
