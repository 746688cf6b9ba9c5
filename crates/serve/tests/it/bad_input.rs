//! What must not come in, and what is answered: a table.

use serde_json::json;

use crate::fixture::{Dir, Server, small_log, train};

/// Method, path, body, then status, code, field, and a part of the message.
type Row<'a> = (&'a str, &'a str, &'a str, u16, &'a str, &'a str, &'a str);

const RECOMMEND: &str = "/v1/recommend";
const EVENTS: &str = "/v1/events";

fn served() -> (Dir, Server) {
    let dir = Dir::new();
    small_log(&dir.log());
    train(&dir.log(), &["popular", "item-knn"]);
    let server = Server::start(&dir.log());
    (dir, server)
}

#[track_caller]
fn check(server: &Server, rows: &[Row<'_>]) {
    for (method, path, body, status, code, field, message) in rows {
        let headers: &[(&str, &str)] =
            if *method == "POST" { &[("content-type", "application/json")] } else { &[] };
        let answer = server.send(method, path, headers, body.as_bytes().to_vec());
        let what = format!("{method} {path} {body}: {}", answer.text());
        assert_eq!(answer.status, *status, "{what}");
        assert_eq!(answer.header("content-type"), "application/json", "{what}");
        let error = &answer.json()["error"];
        assert_eq!(error["code"], *code, "{what}");
        assert_eq!(error["field"].as_str().unwrap_or(""), *field, "{what}");
        assert!(error["message"].as_str().unwrap().contains(message), "{what}");
        if [429, 503].contains(status) {
            assert!(!answer.header("retry-after").is_empty(), "{what}");
        }
    }
}

#[test]
fn bodies_that_are_not_what_they_should_be() {
    let (_dir, server) = served();
    let deep = format!("{{\"user\": {}1{}}}", "[".repeat(40), "]".repeat(40));
    check(
        &server,
        &[
            ("POST", RECOMMEND, "", 400, "bad_json", "", "not JSON"),
            ("POST", RECOMMEND, "{\"user\": ", 400, "bad_json", "user", "not JSON"),
            ("POST", RECOMMEND, "[]", 400, "wrong_type", "", "object"),
            (
                "POST",
                RECOMMEND,
                "{\"user\": \"a\", \"user\": \"b\"}",
                400,
                "duplicate_key",
                "user",
                "twice",
            ),
            ("POST", RECOMMEND, "{\"usr\": \"a\"}", 400, "unknown_field", "usr", "not known"),
            (
                "POST",
                RECOMMEND,
                "{\"filters\": {\"colour\": 1}}",
                400,
                "unknown_field",
                "filters.colour",
                "",
            ),
            ("POST", RECOMMEND, "{\"k\": \"10\"}", 400, "wrong_type", "k", "whole number"),
            ("POST", RECOMMEND, "{\"k\": 2.5}", 400, "wrong_type", "k", "whole number"),
            ("POST", RECOMMEND, "{\"k\": -1}", 400, "wrong_type", "k", "whole number"),
            (
                "POST",
                RECOMMEND,
                "{\"explain\": 1}",
                400,
                "wrong_type",
                "explain",
                "true or false",
            ),
            (
                "POST",
                RECOMMEND,
                "{\"user\": 18446744073709551616}",
                400,
                "bad_number",
                "user",
                "exact",
            ),
            ("POST", RECOMMEND, "{\"user\": 1.5}", 400, "bad_number", "user", "exact"),
            ("POST", RECOMMEND, "{\"user\": {}}", 400, "wrong_type", "user", "an id"),
            (
                "POST",
                RECOMMEND,
                &deep,
                400,
                "too_deep",
                "user[0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0]",
                "deeper",
            ),
            (
                "POST",
                EVENTS,
                "{\"kind\": \"x\", \"user\": \"u\", \"value\": 1e39}",
                400,
                "bad_number",
                "value",
                "32 bits",
            ),
            (
                "POST",
                EVENTS,
                "{\"kind\": \"x\", \"user\": \"u\", \"value\": NaN}",
                400,
                "bad_json",
                "value",
                "NaN",
            ),
            (
                "POST",
                EVENTS,
                "{\"kind\": \"x\", \"user\": \"u\", \"value\": 1e999}",
                400,
                "bad_number",
                "value",
                "range",
            ),
            (
                "POST",
                EVENTS,
                "{\"user\": \"u\"}",
                400,
                "missing_field",
                "kind",
                "kind is missing",
            ),
            (
                "POST",
                EVENTS,
                "{\"kind\": \"x\"}",
                400,
                "missing_field",
                "",
                "neither user nor item",
            ),
            ("POST", EVENTS, "{\"events\": {}}", 400, "wrong_type", "events", "list"),
            (
                "POST",
                EVENTS,
                "{\"events\": [], \"more\": 1}",
                422,
                "bad_value",
                "events",
                "empty",
            ),
            ("POST", EVENTS, "{\"events\": [1]}", 400, "wrong_type", "events[0]", "object"),
            (
                "POST",
                "/v1/items",
                "{\"title\": \"x\"}",
                400,
                "missing_field",
                "id",
                "id is missing",
            ),
            (
                "POST",
                "/v1/users",
                "{\"id\": \"u\", \"attributes\": {\"a\": [1]}}",
                400,
                "wrong_type",
                "attributes.a",
                "text",
            ),
        ],
    );
}

#[test]
fn values_that_do_not_do() {
    let (_dir, server) = served();
    let long = format!("{{\"user\": \"{}\"}}", "x".repeat(257));
    let many_ids: Vec<String> = (0..10_001).map(|n| n.to_string()).collect();
    let many = json!({"filters": {"exclude": many_ids}}).to_string();
    let events: Vec<_> =
        (0..10_001).map(|n| json!({"kind": "x", "user": n.to_string()})).collect();
    let batch = json!({"events": events}).to_string();
    let future = json!({"kind": "x", "user": "u", "time": "2031-01-01"}).to_string();
    check(
        &server,
        &[
            ("POST", RECOMMEND, "{\"k\": 1001}", 422, "bad_value", "k", "1 to 1000"),
            ("POST", RECOMMEND, "{\"k\": 0}", 422, "bad_value", "k", "1 to 1000"),
            ("POST", RECOMMEND, "{\"user\": \"\"}", 422, "bad_value", "user", "empty"),
            ("POST", RECOMMEND, &long, 422, "bad_value", "user", "257 bytes"),
            (
                "POST",
                RECOMMEND,
                "{\"user\": \"a\\u0000b\"}",
                422,
                "bad_value",
                "user",
                "control",
            ),
            (
                "POST",
                RECOMMEND,
                "{\"history\": [\"a\", \"\"]}",
                422,
                "bad_value",
                "history[1]",
                "empty",
            ),
            (
                "POST",
                RECOMMEND,
                "{\"user\": \"a\", \"history\": []}",
                422,
                "bad_value",
                "history",
                "exclude each other",
            ),
            (
                "POST",
                RECOMMEND,
                "{\"model\": \"oracle\"}",
                422,
                "bad_value",
                "model",
                "no model",
            ),
            ("POST", RECOMMEND, "{\"surface\": \"\"}", 422, "bad_value", "surface", "empty"),
            ("POST", RECOMMEND, &many, 413, "too_large", "filters.exclude", "10001 entries"),
            ("POST", EVENTS, &batch, 413, "too_large", "events", "10001 entries"),
            (
                "POST",
                EVENTS,
                "{\"kind\": \"x\", \"user\": \"u\", \"time\": 5}",
                422,
                "bad_value",
                "time",
                "absurd",
            ),
            (
                "POST",
                EVENTS,
                "{\"kind\": \"x\", \"user\": \"u\", \"time\": \"noon\"}",
                422,
                "bad_value",
                "time",
                "instant",
            ),
            ("POST", EVENTS, &future, 422, "bad_value", "time", "ahead"),
            (
                "POST",
                EVENTS,
                "{\"kind\": \"\", \"user\": \"u\"}",
                422,
                "bad_value",
                "kind",
                "empty",
            ),
            ("GET", "/v1/recommend?k=0", "", 422, "bad_value", "k", "1 to 1000"),
            ("GET", "/v1/items/%00", "", 422, "bad_value", "id", "control"),
        ],
    );
}

#[test]
fn queries_paths_and_methods() {
    let (_dir, server) = served();
    let long = format!("/v1/recommend?user={}", "x".repeat(17 << 10));
    check(
        &server,
        &[
            ("GET", "/v1/recommend?k=ten", "", 400, "wrong_type", "k", "whole number"),
            ("GET", "/v1/recommend?user=a&user=b", "", 400, "duplicate_key", "user", "twice"),
            ("GET", "/v1/recommend?usr=a", "", 400, "unknown_field", "usr", "not known"),
            ("GET", "/v1/recommend?user=%zz", "", 400, "bad_query", "", "hex"),
            ("GET", "/v1/recommend?user=%ff", "", 400, "bad_query", "", "UTF-8"),
            ("GET", "/v1/users?k=1&from=4294967296", "", 422, "bad_value", "from", "beyond"),
            ("GET", &long, "", 413, "too_large", "", "query string"),
            ("GET", "/v1/items/unheard", "", 404, "not_found", "id", "unheard"),
            ("GET", "/v1/users/unheard", "", 404, "not_found", "id", "unheard"),
            ("GET", "/v1/similar/unheard", "", 404, "not_found", "id", "unheard"),
            ("GET", "/v1/nothing", "", 404, "not_found", "", "/v1/nothing"),
            ("GET", "/", "", 404, "not_found", "", "nothing at /"),
            ("DELETE", "/v1/recommend", "", 405, "method_not_allowed", "", "DELETE"),
            ("POST", "/livez", "{}", 405, "method_not_allowed", "", "POST"),
        ],
    );
    let refused = server.send("PUT", "/v1/recommend", &[], Vec::new());
    let mut allowed: Vec<&str> = refused.header("allow").split(',').collect();
    allowed.sort_unstable();
    assert_eq!(allowed, ["GET", "HEAD", "POST"]);
}

#[test]
fn bodies_of_another_type_or_too_large() {
    let (_dir, server) = served();
    for headers in [&[][..], &[("content-type", "text/plain")], &[("content-type", "text/csv")]]
    {
        let answer = server.send("POST", EVENTS, headers, b"{}".to_vec());
        assert_eq!(answer.status, 415, "{}", answer.text());
        assert_eq!(answer.json()["error"]["code"], "unsupported_media_type");
    }
    let charset = [("content-type", "Application/JSON; charset=utf-8")];
    assert_eq!(server.send("POST", RECOMMEND, &charset, b"{}".to_vec()).status, 200);
    let large = vec![b' '; (4 << 20) + 1];
    let answer = server.post_text(RECOMMEND, large);
    assert_eq!((answer.status, &answer.json()["error"]["code"]), (413, &json!("too_large")));
}

#[test]
fn whole_numbers_are_ids_by_their_digits() {
    let (_dir, server) = served();
    let posted =
        server.post_text(EVENTS, r#"{"kind": "play", "user": 9007199254740993, "item": "a"}"#);
    assert_eq!(posted.status, 202, "{}", posted.text());
    let user = server.get("/v1/users/9007199254740993").json();
    assert_eq!(user["history"][0]["item"], "a");
}

#[test]
fn one_bad_record_of_a_batch_is_named_and_the_others_come_in() {
    let (_dir, server) = served();
    let body = json!({"events": [
        {"kind": "play", "user": "r1", "item": "b"},
        {"kind": "play", "user": "r1", "item": "b", "value": "much"},
        {"kind": "play", "user": "", "item": "c"},
        {"kind": "play", "user": "new", "item": "c"},
    ]});
    let answer = server.post(EVENTS, &body);
    assert_eq!(answer.status, 202);
    let answer = answer.json();
    assert_eq!((&answer["accepted"], &answer["rejected"]), (&json!(2), &json!(2)), "{answer}");
    let named: Vec<(u64, &str)> = answer["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| (error["index"].as_u64().unwrap(), error["field"].as_str().unwrap()))
        .collect();
    assert_eq!(named, [(1, "events[1].value"), (2, "events[2].user")]);
    let kept = server.get("/v1/users/new").json();
    assert_eq!(kept["events"], 1);
}
