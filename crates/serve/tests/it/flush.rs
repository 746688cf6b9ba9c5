//! What was shown and what came in reaches the log, or the loss is told.

use std::sync::Arc;
use std::time::Duration;

use data::{Clock, FaultyFiles, Feedback, Files, FixedClock, Log, Slate, Writer};
use serde_json::json;
use serve::{ServeConfig, ServeState};

use crate::fixture::{Dir, NOW, Server, config, files, small_log, train};

fn trained() -> Dir {
    let dir = Dir::new();
    small_log(&dir.log());
    train(&dir.log(), &["popular", "item-knn"]);
    dir
}

fn slates(dir: &Dir) -> Vec<Slate> {
    Log::open(files(), &dir.log()).expect("a log").slates().expect("slates")
}

#[test]
fn slates_arrive_with_positions_and_propensities() {
    let dir = trained();
    let server = Server::start(&dir.log());
    let body = json!({"user": "r1", "k": 3, "surface": "home", "seed": 7,
                      "filters": {"exclude": ["h"]}});
    let answer = server.post("/v1/recommend", &body).json();
    server.get("/console/users/r1");
    server.get("/v1/similar/a");
    server.stop().expect("everything is written");
    assert!(Log::verify(&files(), &dir.log()).is_empty());
    let slates = slates(&dir);
    assert_eq!(slates.len(), 1, "the console shows to people, not to users: {slates:?}");
    let slate = &slates[0];
    assert_eq!(slate.request, answer["request"].as_str().unwrap());
    assert_eq!((slate.user.as_deref(), slate.surface.as_str()), (Some("r1"), "home"));
    assert_eq!((slate.seed, slate.time_ms, slate.model_version.as_str()), (7, NOW, "000001"));
    let context: serde_json::Value = serde_json::from_str(&slate.context).unwrap();
    // With one neighbourhood alone there are fewer than three items for r1, so popular ones
    // come after them, and the log says so.
    assert_eq!((&context["k"], &context["exclude"]), (&json!(3), &json!(["h"])));
    let catalogue = Log::open(files(), &dir.log()).unwrap().catalogue().unwrap();
    let items = answer["items"].as_array().unwrap();
    assert_eq!(slate.shown.len(), items.len());
    for (place, (shown, item)) in slate.shown.iter().zip(items).enumerate() {
        assert_eq!(catalogue.items.id(shown.item), item["id"].as_str());
        assert_eq!((usize::from(shown.position), shown.propensity), (place, 1.0));
        assert!(slate.candidates.contains(&shown.item));
    }
}

#[test]
fn request_ids_differ_across_restarts() {
    let dir = trained();
    let mut ids = Vec::new();
    for _ in 0..2 {
        let server = Server::start(&dir.log());
        for _ in 0..3 {
            let answer = server.post("/v1/recommend", &json!({"user": "r1"})).json();
            ids.push(answer["request"].as_str().unwrap().to_owned());
        }
        server.stop().unwrap();
    }
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 6);
    assert_eq!(slates(&dir).len(), 6);
}

#[test]
fn events_items_and_users_arrive() {
    let dir = trained();
    let server = Server::start(&dir.log());
    let events = json!({"events": [
        {"kind": "play", "user": "r1", "item": "brand-new", "request": "q-1", "value": 2},
        {"kind": "search", "user": "someone", "query": "quiet songs", "time": "2026-01-30"},
    ]});
    server.post("/v1/events", &events);
    server.post("/v1/items", &json!({"id": "z", "title": "Z"}));
    server.post("/v1/users", &json!({"id": "someone", "attributes": {"age": 3}}));
    server.stop().expect("everything is written");
    let log = Log::open(files(), &dir.log()).unwrap();
    let catalogue = log.catalogue().unwrap();
    assert_eq!(catalogue.item_label(catalogue.items.get("z").unwrap()), "Z");
    let someone = catalogue.users.get("someone").unwrap();
    assert_eq!(catalogue.user(someone).unwrap().attributes["age"], "3");
    let events: Vec<data::Event> = log.events().unwrap().map(Result::unwrap).collect();
    let searched = &events[events.len() - 2];
    assert_eq!(searched.query.as_deref(), Some("quiet songs"));
    assert_eq!(catalogue.kinds[usize::from(searched.kind)], "search");
    let played = events.last().unwrap();
    assert_eq!((played.request.as_deref(), played.value), (Some("q-1"), Some(2.0)));
    assert_eq!(catalogue.items.id(played.item.unwrap()), Some("brand-new"));
    assert!(log.manifest().imports.iter().all(|import| import.rejects == 0));
    // The next server knows them.
    let server = Server::start(&dir.log());
    assert_eq!(server.get("/v1/users/r1").json()["history"][0]["item"], "brand-new");
}

#[test]
fn a_slate_with_a_new_item_keeps_its_meaning() {
    let dir = trained();
    let server = Server::start(&dir.log());
    // Two new items, the second one first in an event: the log gives them other indices than
    // the server did.
    server.post("/v1/items", &json!({"id": "late-1", "title": "Late one"}));
    server.post("/v1/events", &json!({"kind": "play", "user": "r1", "item": "late-2"}));
    server.post("/v1/recommend", &json!({"history": ["late-1", "a"], "k": 3}));
    server.stop().unwrap();
    let log = Log::open(files(), &dir.log()).unwrap();
    let catalogue = log.catalogue().unwrap();
    assert!(catalogue.items.get("late-1").is_some() && catalogue.items.get("late-2").is_some());
    let slates = log.slates().unwrap();
    assert_eq!(slates.len(), 1);
    assert!(slates[0].shown.iter().all(|shown| catalogue.items.id(shown.item).is_some()));
}

#[test]
fn a_flush_waits_for_another_writer_and_tries_again() {
    let dir = trained();
    let config = ServeConfig { flush_records: 1, ..config() };
    let server = Server::start_with(&dir.log(), config, Feedback::default());
    let other = Writer::open(files(), &dir.log()).unwrap();
    server.post("/v1/recommend", &json!({"user": "r1"}));
    server.post("/v1/events", &json!({"kind": "play", "user": "r1", "item": "b"}));
    let failed = |text: &str| {
        let line =
            text.lines().find(|line| line.starts_with("tastemaker_flush_failures_total"));
        line.is_some_and(|line| !line.ends_with(" 0"))
    };
    let page = server.until("/metrics", |answer| failed(&answer.text())).text();
    assert!(page.contains("tastemaker_slates_buffered 1"), "{page}");
    assert!(page.contains("tastemaker_records_buffered 1"), "{page}");
    assert!(slates(&dir).is_empty());
    drop(other);
    server.until("/metrics", |answer| answer.text().contains("tastemaker_slates_buffered 0"));
    assert_eq!(slates(&dir).len(), 1);
    let log = Log::open(files(), &dir.log()).unwrap();
    let last = log.events().unwrap().last().unwrap().unwrap();
    assert_eq!(last.time_ms, NOW);
    server.stop().unwrap();
    assert_eq!(slates(&dir).len(), 1, "nothing is written twice");
}

#[test]
fn the_last_flush_waits_for_another_writer() {
    let dir = trained();
    let server = Server::start(&dir.log());
    server.post("/v1/recommend", &json!({"user": "r1"}));
    let other = Writer::open(files(), &dir.log()).unwrap();
    let letting_go = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(600));
        drop(other);
    });
    server.stop().expect("it waited");
    letting_go.join().unwrap();
    assert_eq!(slates(&dir).len(), 1);
}

#[test]
fn what_cannot_be_written_at_the_end_is_told_with_counts() {
    let dir = trained();
    let clock: Arc<dyn Clock> = Arc::new(FixedClock(NOW));
    let counting = FaultyFiles::failing_from(u64::MAX);
    let open = |files: FaultyFiles| {
        let files: Arc<dyn Files> = Arc::new(files);
        ServeState::open(files, &dir.log(), Feedback::default(), config(), clock.clone())
    };
    open(counting.clone()).unwrap();
    // Every file operation after those that opening needs, and some looks at the pointer, fails.
    let server = Server::of(open(FaultyFiles::failing_from(counting.operations())).unwrap());
    server.post("/v1/recommend", &json!({"user": "r1"}));
    let events = json!({"events": [{"kind": "play", "user": "r1", "item": "b"},
                                   {"kind": "play", "user": "r2", "item": "b"}]});
    assert_eq!(server.post("/v1/events", &events).status, 202);
    let error = server.stop().unwrap_err().to_string();
    assert!(error.starts_with("LOST"), "{error}");
    assert!(error.contains("2 events") && error.contains("1 slates"), "{error}");
    assert!(slates(&dir).is_empty());
}

#[test]
fn a_full_buffer_refuses_events_and_counts_slates() {
    let dir = trained();
    let config = ServeConfig { flush_records: 3, buffer_records: 3, ..config() };
    let server = Server::start_with(&dir.log(), config, Feedback::default());
    let other = Writer::open(files(), &dir.log()).unwrap();
    let event = json!({"kind": "play", "user": "r1", "item": "b"});
    for _ in 0..3 {
        assert_eq!(server.post("/v1/events", &event).status, 202);
    }
    let refused = server.post("/v1/events", &event);
    assert_eq!((refused.status, refused.header("retry-after")), (429, "1"));
    assert_eq!(refused.json()["error"]["code"], "buffer_full");
    for _ in 0..5 {
        assert_eq!(server.post("/v1/recommend", &json!({"user": "r1"})).status, 200);
    }
    let page = server.get("/metrics").text();
    assert!(page.contains("tastemaker_slates_dropped_total 2"), "{page}");
    drop(other);
    server.stop().unwrap();
    assert_eq!(slates(&dir).len(), 3);
}
