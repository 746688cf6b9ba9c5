//! What every retriever promises, whatever the log.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use data::{History, Progress, Sequences, Step, order};
use proptest::prelude::*;
use retrieve::{
    Error, Everything, MODEL_NAMES, Model, ModelsConfig, Query, Reason, Retriever, Unseen,
};

use super::worlds::{any_log, fit, query, small, two_tastes};

/// k at most, in score order, finite, none twice, none that the filter keeps out.
fn check(model: &Model, asked: &Query<'_>) {
    let found = model.retrieve(asked);
    let name = model.name();
    assert!(found.len() <= asked.k, "{name}: {} of {}", found.len(), asked.k);
    for pair in found.windows(2) {
        let [a, b] = [(pair[0].item, pair[0].score), (pair[1].item, pair[1].score)];
        assert!(order::descending(a, b, asked.seed).is_lt(), "{name}: {a:?} before {b:?}");
    }
    let mut distinct: Vec<u32> = found.iter().map(|found| found.item).collect();
    distinct.sort_unstable();
    distinct.dedup();
    assert_eq!(distinct.len(), found.len(), "{name}: an item twice");
    for found in &found {
        assert!(
            found.score.is_finite() && asked.filter.admits(found.item),
            "{name}: {found:?}"
        );
        assert!(found.item < model.item_count(), "{name}: {found:?}");
        if let Reason::Because { item } = model.reason(asked, found.item) {
            assert!(asked.history.items.contains(&item), "{name}: because of {item}");
        }
    }
    assert_eq!(model.retrieve(asked), found, "{name}: the same again");
    // A longer list begins with the shorter one.
    let more = model.retrieve(&Query { k: asked.k + 3, ..*asked });
    assert_eq!(&more[..found.len()], &found[..], "{name}: k + 3");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    #[test]
    fn answers_keep_the_promises_of_the_trait(
        log in any_log(),
        told in prop::collection::vec((0..20u32, 0..500i64), 0..15),
        excluded in prop::collection::vec(0..14u32, 0..8),
        (k, seed) in (0..20usize, 0..5u64),
    ) {
        let mut told = told;
        told.sort_by_key(|(_, day)| *day);
        let items: Vec<u32> = told.iter().map(|(item, _)| *item).collect();
        let times_ms: Vec<i64> = told.iter().map(|(_, day)| day * 86_400_000).collect();
        let values = vec![1.0; items.len()];
        let history = History { items: &items, times_ms: &times_ms, values: &values };
        let excluded = Unseen::new(excluded);
        for name in MODEL_NAMES {
            let model = fit(name, &small(), &log);
            let asked = Query { seed, ..query(history, &excluded, k) };
            check(&model, &asked);
            check(&model, &Query { filter: &Everything, ..asked });
            check(&model, &Query { history: History::default(), ..asked });
        }
    }
}

#[test]
fn personal_models_know_nothing_of_an_empty_or_foreign_history() {
    let log = two_tastes();
    for name in MODEL_NAMES {
        let model = fit(name, &small(), &log);
        let popular = name.starts_with("popular");
        let foreign = [1000, u32::MAX];
        let foreign = History { items: &foreign, times_ms: &[1, 2], values: &[1.0, 1.0] };
        for history in [History::default(), foreign] {
            let found = model.retrieve(&query(history, &Everything, 5));
            assert_eq!(found.len(), if popular { 5 } else { 0 }, "{name}");
        }
    }
}

#[test]
fn training_depends_on_the_seed_and_not_on_the_threads() {
    let log = two_tastes();
    for name in MODEL_NAMES {
        let trained = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| fit(name, &small(), &log).to_bytes().unwrap())
        };
        let one = trained(1);
        assert_eq!(one, trained(1), "{name} again");
        assert_eq!(one, trained(4), "{name} on four threads");
    }
}

#[test]
fn training_stops_on_request_and_says_how_far_it_is() {
    let log = two_tastes();
    for name in MODEL_NAMES.into_iter().filter(|name| !["sasrec", "hstu"].contains(name)) {
        let (stop, steps) = (AtomicBool::new(true), AtomicU64::new(0));
        let count = |_: Step<'_>| {
            steps.fetch_add(1, Ordering::Relaxed);
        };
        let fit = |progress: &Progress<'_>| {
            Model::fit(name, &small(), &log, log.last_ms().unwrap(), 7, progress)
        };
        let stopped = fit(&Progress::new(&count, &stop)).unwrap_err();
        assert!(matches!(stopped, Error::Data(data::Error::Stopped)), "{name}: {stopped}");
        stop.store(false, Ordering::Relaxed);
        steps.store(0, Ordering::Relaxed);
        fit(&Progress::new(&count, &stop)).unwrap();
        assert!(steps.load(Ordering::Relaxed) > 0, "{name} shows nothing");
    }
}

#[test]
fn what_cannot_be_trained_is_said() {
    let fit = |name: &str, log: &Sequences| {
        Model::fit(name, &ModelsConfig::default(), log, 0, 1, &Progress::silent())
            .unwrap_err()
            .to_string()
    };
    let why = fit("item_knn", &two_tastes());
    assert!(why.starts_with("models.train: ") && why.contains("item-knn"), "{why}");
    let why = fit("sasrec", &two_tastes());
    assert!(why.contains("tastemaker train --model sasrec"), "{why}");
    for name in MODEL_NAMES {
        let why = fit(name, &Sequences::default());
        assert!(why.contains("no event"), "{name}: {why}");
    }
}
