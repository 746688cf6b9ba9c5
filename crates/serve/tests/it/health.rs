//! Alive, ready, counted; safe headers; nothing hangs at the end.

use serde_json::json;

use crate::fixture::{Dir, Server, small_log, train};

#[test]
fn health_and_metrics() {
    let dir = Dir::new();
    small_log(&dir.log());
    train(&dir.log(), &["popular", "item-knn"]);
    let server = Server::start(&dir.log());
    assert_eq!(server.get("/livez").json(), json!({"live": true}));
    let ready = json!({"ready": true, "model_version": "000001", "why": null});
    assert_eq!(server.get("/readyz").json(), ready);
    server.post("/v1/recommend", &json!({"user": "r1"}));
    server.post("/v1/recommend", &json!({"user": "r1", "k": 0}));
    server.post("/v1/events", &json!({"kind": "play", "user": "r1", "item": "b"}));
    server.get("/nowhere");
    let answer = server.get("/metrics");
    assert!(answer.header("content-type").starts_with("application/openmetrics-text"));
    let page = answer.text();
    for line in [
        "tastemaker_requests_total{route=\"/v1/recommend\",status=\"200\"} 1",
        "tastemaker_requests_total{route=\"/v1/recommend\",status=\"422\"} 1",
        "tastemaker_requests_total{route=\"other\",status=\"404\"} 1",
        "tastemaker_recommend_latency_seconds_count 2",
        "tastemaker_recommend_latency_seconds_bucket{le=\"+Inf\"} 2",
        "tastemaker_slates_total 1",
        "tastemaker_events_total 1",
        "tastemaker_slates_buffered 1",
        "tastemaker_records_buffered 1",
        "tastemaker_in_flight 1",
        "tastemaker_ready 1",
        "tastemaker_model_version_info{version=\"000001\"} 1",
        "# EOF",
    ] {
        assert!(page.lines().any(|found| found == line), "{line}\n{page}");
    }
}

#[test]
fn every_answer_has_safe_headers() {
    let dir = Dir::new();
    small_log(&dir.log());
    let server = Server::start(&dir.log());
    for path in ["/livez", "/console", "/nowhere", "/console/style.css"] {
        let answer = server.get(path);
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert!(!answer.header("cache-control").is_empty(), "{path}");
    }
    let policy = server.get("/console").header("content-security-policy").to_owned();
    assert!(policy.starts_with("default-src 'none'"), "{policy}");
    assert!(!policy.contains("script-src") && !policy.contains("http"), "{policy}");
}

#[test]
fn a_connection_that_says_nothing_does_not_hold_the_end_up() {
    let dir = Dir::new();
    small_log(&dir.log());
    let server = Server::start(&dir.log());
    let silent = std::net::TcpStream::connect(server.address).unwrap();
    server.post("/v1/recommend", &json!({}));
    server.stop().unwrap();
    drop(silent);
    let slates =
        data::Log::open(crate::fixture::files(), &dir.log()).unwrap().slates().unwrap();
    assert_eq!(slates.len(), 1);
}
