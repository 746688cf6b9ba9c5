//! Events, items and users that come in are seen by the next answer.

use data::{Feedback, PositiveRule};
use serde_json::json;

use crate::fixture::{Dir, Server, config, small_log, train};

fn served() -> (Dir, Server) {
    let dir = Dir::new();
    small_log(&dir.log());
    train(&dir.log(), &["popular", "popular-lately", "item-knn"]);
    let server = Server::start(&dir.log());
    (dir, server)
}

#[test]
fn an_event_changes_the_history_and_the_next_recommendation() {
    let (_dir, server) = served();
    assert_eq!(server.recommended("r1")[0], "b");
    let answer = server.post(
        "/v1/events",
        &json!({"kind": "play", "user": "r1", "item": "b", "request": "some-request"}),
    );
    assert_eq!(answer.status, 202, "{}", answer.text());
    let expected = json!({"accepted": 1, "duplicates": 0, "rejected": 0, "errors": [],
                          "durable": false, "flush_seconds": 3600});
    assert_eq!(answer.json(), expected);
    assert!(!server.recommended("r1").contains(&"b".to_owned()), "it is seen now");
    let user = server.get("/v1/users/r1").json();
    assert_eq!((&user["events"], &user["history"][0]["item"]), (&json!(5), &json!("b")));
    assert_eq!(user["history"][0]["time"], "2026-01-31T12:00:00Z");
}

#[test]
fn a_new_user_becomes_known_by_its_first_event() {
    let (_dir, server) = served();
    let unknown = server.post("/v1/recommend", &json!({"user": "fresh"})).json();
    assert_eq!(unknown["degraded"]["reason"], "unknown-user");
    server.post("/v1/events", &json!({"kind": "play", "user": "fresh", "item": "e"}));
    let known = server.post("/v1/recommend", &json!({"user": "fresh", "k": 3})).json();
    assert_eq!(known["degraded"], json!(null), "{known}");
    assert_eq!(known["items"][0]["reason"]["item"], "e");
    // An earlier event goes to its place in time.
    let earlier = json!({"kind": "play", "user": "fresh", "item": "a", "time": "2025-12-01"});
    server.post("/v1/events", &earlier);
    let user = server.get("/v1/users/fresh").json();
    assert_eq!(user["history"][0]["item"], "e");
    assert_eq!(user["history"][1]["item"], "a");
}

#[test]
fn the_same_event_id_comes_in_once() {
    let (_dir, server) = served();
    let event = json!({"id": "e-1", "kind": "play", "user": "r1", "item": "b"});
    assert_eq!(server.post("/v1/events", &event).json()["accepted"], 1);
    let again = server.post("/v1/events", &event);
    assert_eq!(again.status, 202);
    assert_eq!(
        (&again.json()["accepted"], &again.json()["duplicates"]),
        (&json!(0), &json!(1))
    );
    assert_eq!(server.get("/v1/users/r1").json()["events"], 5);
}

#[test]
fn only_positive_events_enter_a_history() {
    let dir = Dir::new();
    small_log(&dir.log());
    let rule = PositiveRule { min_value: Some(4.0), ..PositiveRule::default() };
    let play = PositiveRule { kind: Some("play".into()), ..PositiveRule::default() };
    let feedback = Feedback { positive: vec![rule, play] };
    let server = Server::start_with(&dir.log(), config(), feedback);
    for (value, events) in [(2.0, 4), (4.0, 5)] {
        let event = json!({"kind": "rating", "user": "r1", "item": "b", "value": value});
        assert_eq!(server.post("/v1/events", &event).status, 202);
        assert_eq!(server.get("/v1/users/r1").json()["events"], events);
    }
}

#[test]
fn items_change_at_once() {
    let (_dir, server) = served();
    let body = json!({"items": [
        {"id": "b", "title": "B, renamed", "categories": ["rock"], "available": false},
        {"id": "new", "title": "New", "categories": ["rock"], "attributes": {"year": 1999},
         "created": "2026-01-30", "creator": "somebody", "text": "words"},
    ]});
    let answer = server.post("/v1/items", &body);
    assert_eq!((answer.status, &answer.json()["accepted"]), (202, &json!(2)));
    assert!(!server.recommended("r1").contains(&"b".to_owned()), "not available any more");
    assert_eq!(server.get("/v1/items/b").json()["title"], "B, renamed");
    let new = server.get("/v1/items/new").json();
    assert_eq!(
        (&new["attributes"]["year"], &new["creator"]),
        (&json!("1999"), &json!("somebody"))
    );
    assert_eq!(new["created"], "2026-01-30T00:00:00Z");
    assert_eq!(server.get("/v1/items?q=renamed").items(), ["b"]);
    server.post("/v1/items", &json!({"id": "b", "title": "B"}));
    assert!(server.recommended("r1").contains(&"b".to_owned()), "available again");
    let rock = json!({"user": "r1", "filters": {"categories": ["rock"]}});
    let rock = server.post("/v1/recommend", &rock).items();
    assert!(!rock.contains(&"b".to_owned()), "it has no category any more: {rock:?}");
}

#[test]
fn users_change_at_once() {
    let (_dir, server) = served();
    let body = json!({"id": "r2", "attributes": {"city": "Oslo", "age": 40}});
    assert_eq!(server.post("/v1/users", &body).status, 202);
    let found = server.get("/v1/users?q=oslo").json();
    assert_eq!(
        (&found["users"][0]["id"], &found["users"][0]["events"]),
        (&json!("r2"), &json!(4))
    );
}

#[test]
fn a_log_without_times_takes_no_events() {
    let dir = Dir::new();
    let source = dir.log().with_extension("txt");
    std::fs::write(&source, "u1 a b c\nu2 b c d\n").unwrap();
    let spec = data::import::ImportSpec {
        format: data::import::Format::Sequences,
        path: source,
        map: None,
        max_rejects: 0.0,
        chunk_rows: None,
    };
    let progress = data::Progress::silent();
    data::import::import(&crate::fixture::files(), &dir.log(), &spec, 1, &progress).unwrap();
    let server = Server::start(&dir.log());
    let answer = server.post("/v1/events", &json!({"kind": "play", "user": "u1", "item": "d"}));
    assert_eq!(
        (answer.status, &answer.json()["error"]["code"]),
        (409, &json!("order_only_log"))
    );
    assert_eq!(server.recommended("u1"), ["d"]);
    assert_eq!(server.get("/console/users/u1").status, 200);
    server.stop().expect("slates of such a log are kept");
}
