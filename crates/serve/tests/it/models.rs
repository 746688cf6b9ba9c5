//! New model versions come into service by themselves; bad ones do not.

use std::sync::Arc;

use data::{Clock, Feedback, FixedClock, Item, NewEvent, Writer};
use serde_json::json;
use serve::{Error, ServeConfig, ServeState};

use crate::fixture::{Dir, NOW, Server, config, event, files, small_log, train};

#[test]
fn a_new_version_is_swapped_in_while_requests_run() {
    let dir = Dir::new();
    small_log(&dir.log());
    let server = Server::start(&dir.log());
    assert_eq!(server.get("/readyz").status, 503);
    train(&dir.log(), &["popular"]);
    let ready = server.until("/readyz", |answer| answer.status == 200).json();
    assert_eq!(ready["model_version"], "000001");
    let answered = server.post("/v1/recommend", &json!({"user": "r1"})).json();
    assert_eq!(answered["model_version"], "000001");
    train(&dir.log(), &["popular", "item-knn"]);
    // Every answer on the way is whole, by the old version or by the new one.
    for _ in 0..500 {
        let answer = server.post("/v1/recommend", &json!({"user": "r1"}));
        assert_eq!(answer.status, 200);
        if answer.json()["model_version"] == "000002" {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    panic!("the second version never came");
}

#[test]
fn a_damaged_version_is_refused_and_the_old_one_serves() {
    let dir = Dir::new();
    small_log(&dir.log());
    train(&dir.log(), &["popular", "item-knn"]);
    let server = Server::start(&dir.log());
    let second = train(&dir.log(), &["popular"]);
    // Whether the server saw it whole or broken first: publish a third and break it unseen.
    server.until("/readyz", |answer| answer.json()["model_version"] == second.as_str());
    let models = dir.log().join("models");
    retrieve::set_current(&files(), &models, "000001").unwrap();
    server.until("/readyz", |answer| answer.json()["model_version"] == "000001");
    let place = models.join("000002/popular.safetensors");
    let mut bytes = std::fs::read(&place).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(&place, bytes).unwrap();
    assert!(retrieve::set_current(&files(), &models, "000002").is_err(), "it checks too");
    // Somebody moved the pointer by hand.
    let pointer = json!({"format": 1, "version": "000002"});
    data::sealed::write_checked(files().as_ref(), &models.join("current.json"), &pointer)
        .unwrap();
    let told = server.until("/readyz", |answer| !answer.json()["why"].is_null()).json();
    assert_eq!((&told["ready"], &told["model_version"]), (&json!(true), &json!("000001")));
    let why = told["why"].as_str().unwrap();
    assert!(why.contains("000002") && why.contains("popular.safetensors"), "{why}");
    assert_eq!(server.recommended("r1")[0], "b");
    let metrics = server.get("/metrics").text();
    assert!(metrics.contains("tastemaker_model_refusals_total 1"), "{metrics}");
    assert!(server.get("/console").text().contains("was refused"));
    retrieve::set_current(&files(), &models, "000001").unwrap();
    server.until("/readyz", |answer| answer.json()["why"].is_null());
}

#[test]
fn a_version_of_another_log_is_refused() {
    let (dir, other) = (Dir::new(), Dir::new());
    small_log(&dir.log());
    Writer::open(files(), &other.log())
        .unwrap()
        .append(
            &[event("stranger", "elsewhere", 3), event("s2", "elsewhere", 2)],
            &[],
            &[],
            &[],
            9,
        )
        .unwrap();
    train(&other.log(), &["popular"]);
    std::fs::rename(other.log().join("models"), dir.log().join("models")).unwrap();
    let server = Server::start(&dir.log());
    let ready = server.get("/readyz");
    assert_eq!(ready.status, 503);
    assert!(ready.json()["why"].as_str().unwrap().contains("another log"), "{}", ready.text());
    assert_eq!(server.get("/console/log").status, 200);
}

#[test]
fn a_version_of_the_grown_log_brings_the_log_with_it() {
    let dir = Dir::new();
    small_log(&dir.log());
    train(&dir.log(), &["popular", "item-knn"]);
    let server = Server::start(&dir.log());
    // The server knows the new song before the log does, under an index of its own.
    server.post("/v1/items", &json!({"id": "mine", "title": "Mine"}));
    let kept = json!({"kind": "play", "user": "j1", "item": "mine"});
    server.post("/v1/events", &kept);
    // Another process imports others.
    let mut events: Vec<NewEvent> =
        (1..=6).map(|user| event(&format!("r{user}"), "hit", 2)).collect();
    events.push(event("newcomer", "hit", 1));
    let mut hit = Item::bare("hit");
    hit.title = Some("The hit".into());
    Writer::open(files(), &dir.log()).unwrap().append(&events, &[], &[hit], &[], NOW).unwrap();
    let version = train(&dir.log(), &["popular", "item-knn"]);
    server.until("/readyz", |answer| answer.json()["model_version"] == version.as_str());
    let answer = server.post("/v1/recommend", &json!({"user": "j2", "k": 10}));
    assert!(answer.items().contains(&"hit".to_owned()), "{}", answer.text());
    assert_eq!(server.get("/v1/items/hit").json()["title"], "The hit");
    assert_eq!(server.get("/v1/users/newcomer").json()["events"], 1);
    // What came in before and is in no log yet is still there.
    assert_eq!(server.get("/v1/items/mine").json()["title"], "Mine");
    assert_eq!(server.get("/v1/users/j1").json()["history"][0]["item"], "mine");
    server.stop().unwrap();
    let log = data::Log::open(files(), &dir.log()).unwrap();
    let catalogue = log.catalogue().unwrap();
    let last = log.events().unwrap().last().unwrap().unwrap();
    assert_eq!(catalogue.items.id(last.item.unwrap()), Some("mine"));
    let shown = &log.slates().unwrap()[0].shown;
    assert!(shown.iter().any(|shown| catalogue.items.id(shown.item) == Some("hit")));
}

#[test]
fn an_address_for_everybody_needs_a_word() {
    let dir = Dir::new();
    small_log(&dir.log());
    let clock: Arc<dyn Clock> = Arc::new(FixedClock(NOW));
    let open = |config: ServeConfig| {
        ServeState::open(files(), &dir.log(), Feedback::default(), config, clock.clone())
    };
    let remote = ServeConfig { listen: "0.0.0.0:0".parse().unwrap(), ..config() };
    let error = open(remote.clone()).unwrap_err();
    assert!(matches!(error, Error::Remote { .. }), "{error}");
    assert!(error.to_string().contains("allow_remote"));
    open(ServeConfig { allow_remote: true, ..remote }).unwrap();
    // Nor by the back door of a listener.
    let state = open(config()).unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let refused = runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind("0.0.0.0:0").await.unwrap();
        serve::serve(state, listener, std::future::pending()).await
    });
    assert!(matches!(refused, Err(Error::Remote { .. })), "{refused:?}");
}

#[test]
fn settings_that_do_not_do_are_named() {
    for (config, field) in [
        (ServeConfig { flush_seconds: 0, ..config() }, "serve.flush_seconds"),
        (ServeConfig { poll_ms: 1, ..config() }, "serve.poll_ms"),
        (
            ServeConfig { flush_records: 9, buffer_records: 8, ..config() },
            "serve.flush_records",
        ),
        (ServeConfig { wait_ms: 60_000, ..config() }, "serve.wait_ms"),
    ] {
        let error = config.check().unwrap_err().to_string();
        assert!(error.starts_with(field), "{error}");
    }
    ServeConfig::default().check().unwrap();
    let dir = Dir::new();
    let clock: Arc<dyn Clock> = Arc::new(FixedClock(NOW));
    let none = ServeState::open(files(), &dir.log(), Feedback::default(), config(), clock);
    assert!(none.unwrap_err().to_string().contains("tastemaker import"));
}
