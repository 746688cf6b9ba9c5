//! Recommendations, similar items, items, users: what comes back when all is well.

use serde_json::json;

use crate::fixture::{Dir, Server, small_log, train};

const MODELS: [&str; 4] = ["popular", "popular-lately", "item-knn", "als"];

fn served() -> (Dir, Server) {
    let dir = Dir::new();
    small_log(&dir.log());
    train(&dir.log(), &MODELS);
    let server = Server::start(&dir.log());
    (dir, server)
}

#[test]
fn a_recommendation_says_what_why_and_how() {
    let (_dir, server) = served();
    let answer = server.post("/v1/recommend", &json!({"user": "r1", "k": 3, "explain": true}));
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.header("content-type"), "application/json");
    let answer = answer.json();
    assert_eq!(answer["model_version"], "000001");
    assert!(answer["request"].as_str().unwrap().len() >= 8, "{answer}");
    // r1 left out `b`, and everybody else of that taste plays it.
    let first = &answer["items"][0];
    assert_eq!(first["id"], "b", "{answer}");
    assert_eq!((&first["title"], &first["position"]), (&json!("Song B"), &json!(0)));
    assert_eq!(first["propensity"], 1.0);
    assert_eq!(first["reason"]["kind"], "because");
    let because = first["reason"]["item"].as_str().unwrap();
    let words = format!("because of Song {}", because.to_uppercase());
    assert_eq!(first["reason"]["text"], words.as_str());
    assert_eq!(first["sources"][0]["rank"], 0, "{first}");
    let trace = &answer["trace"];
    assert_eq!((&trace["history"], &trace["filtered"]["catalogue"]), (&json!(4), &json!(10)));
    assert_eq!(trace["filtered"]["seen"], 3, "`gone` is seen too, but is out already: {trace}");
    assert_eq!(trace["filtered"]["by_facts"], 1);
    assert_eq!(trace["filtered"]["admitted"], 6);
    assert_eq!(trace["selected"], answer["items"].as_array().unwrap().len());
    assert!(trace["retrieved"].as_array().unwrap().len() >= 2, "{trace}");
    assert!(trace["micros"]["retrieve"].is_u64());
}

#[test]
fn a_query_string_asks_the_same() {
    let (_dir, server) = served();
    let posted = server.post("/v1/recommend", &json!({"user": "j2", "k": 2}));
    let got = server.get("/v1/recommend?user=j2&k=2");
    assert_eq!(got.status, 200, "{}", got.text());
    assert_eq!(posted.items(), got.items());
    assert_ne!(posted.json()["request"], got.json()["request"]);
    assert!(got.json().get("trace").is_none());
    let filtered = server.get("/v1/recommend?user=j2&categories=rock&exclude=a&exclude=b&k=5");
    assert!(
        filtered.items().iter().all(|id| ["c", "d"].contains(&id.as_str())),
        "{}",
        filtered.text()
    );
}

#[test]
fn filters_hold() {
    let (_dir, server) = served();
    let ask = |filters| {
        let body = json!({"user": "r1", "k": 20, "filters": filters});
        server.post("/v1/recommend", &body).items()
    };
    let all = ask(json!({}));
    assert!(all.contains(&"b".to_owned()) && !all.contains(&"a".to_owned()), "{all:?}");
    assert!(!all.contains(&"gone".to_owned()));
    let jazz = ask(json!({"categories": ["jazz", "no such"]}));
    assert!(!jazz.is_empty() && jazz.iter().all(|id| "efgh".contains(id.as_str())), "{jazz:?}");
    let without = ask(json!({"exclude": ["b", "e", "nobody knows this"]}));
    assert!(!without.contains(&"b".to_owned()) && !without.contains(&"e".to_owned()));
    let body = json!({"user": "r3", "k": 20, "filters": {"available": false}});
    let also_gone = server.post("/v1/recommend", &body).items();
    assert!(also_gone.contains(&"gone".to_owned()), "{also_gone:?}");
    assert_eq!(ask(json!({"categories": ["no such"]})), Vec::<String>::new());
}

#[test]
fn one_model_answers_alone() {
    let (_dir, server) = served();
    let body = json!({"user": "r1", "k": 2, "model": "als", "explain": true});
    let answer = server.post("/v1/recommend", &body).json();
    let sources = answer["items"][0]["sources"].as_array().unwrap();
    assert_eq!((sources.len(), &sources[0]["name"]), (1, &json!("als")));
    assert_eq!(answer["degraded"], json!(null));
}

#[test]
fn a_session_without_a_user_works_the_same() {
    let (_dir, server) = served();
    let body = json!({"history": ["a", "c", "never heard of"], "k": 2, "explain": true});
    let answer = server.post("/v1/recommend", &body).json();
    let ids: Vec<&str> = answer["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["id"].as_str().unwrap())
        .collect();
    assert!(ids.contains(&"b") && ids.contains(&"d"), "{answer}");
    assert_eq!(answer["trace"]["unknown_items"], 1);
}

#[test]
fn an_unknown_user_gets_popular_items_and_is_told_so() {
    let (_dir, server) = served();
    for (body, reason) in [
        (json!({"user": "nobody"}), "unknown-user"),
        (json!({}), "no-history"),
        (json!({"history": []}), "no-history"),
    ] {
        let answer = server.post("/v1/recommend", &body).json();
        assert_eq!(answer["degraded"]["reason"], reason, "{answer}");
        assert!(answer["degraded"]["text"].as_str().unwrap().contains("popular"));
        assert!(!answer["items"].as_array().unwrap().is_empty());
        let kind = answer["items"][0]["reason"]["kind"].as_str().unwrap();
        assert!(kind.starts_with("popular"), "{answer}");
    }
}

#[test]
fn similar_items_are_of_one_taste() {
    let (_dir, server) = served();
    let answer = server.get("/v1/similar/e?k=3");
    let ids = answer.items();
    assert_eq!(ids.len(), 3, "{}", answer.text());
    assert!(ids.iter().all(|id| "fgh".contains(id.as_str())), "{ids:?}");
    assert_eq!(answer.json()["model"], "item-knn");
    // Known, but nobody took it.
    let quiet = server.get("/v1/similar/quiet");
    assert_eq!((quiet.status, quiet.items()), (200, vec![]));
}

#[test]
fn items_and_users_can_be_looked_up_and_searched() {
    let (_dir, server) = served();
    let item = server.get("/v1/items/b").json();
    assert_eq!((&item["title"], &item["categories"]), (&json!("Song B"), &json!(["rock"])));
    assert_eq!((&item["available"], &item["events"]), (&json!(true), &json!(4)));
    let found = server.get("/v1/items?q=sONG%20b").json();
    assert_eq!(found["items"].as_array().unwrap().len(), 1);
    assert_eq!(found["next"], json!(null));
    let mut ids = Vec::new();
    let mut from = Some(0);
    while let Some(start) = from {
        let page = server.get(&format!("/v1/items?k=3&from={start}")).json();
        ids.extend(page["items"].as_array().unwrap().iter().map(|item| item["id"].to_string()));
        from = page["next"].as_u64();
    }
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 10);
    let user = server.get("/v1/users/r1?k=2").json();
    assert_eq!((&user["events"], &user["attributes"]["city"]), (&json!(4), &json!("Bergen")));
    let history = user["history"].as_array().unwrap();
    assert_eq!(history.len(), 2);
    assert!(history[0]["time"].as_str() > history[1]["time"].as_str(), "{user}");
    let found = server.get("/v1/users?q=berg").json();
    assert_eq!((found["users"][0]["id"].as_str(), &found["next"]), (Some("r1"), &json!(null)));
    let all = server.get("/v1/users?k=1000").json();
    assert_eq!(all["users"].as_array().unwrap().len(), 12);
}

#[test]
fn without_a_model_there_are_popular_items() {
    let dir = Dir::new();
    small_log(&dir.log());
    let server = Server::start(&dir.log());
    let answer = server.post("/v1/recommend", &json!({"user": "r1", "k": 2})).json();
    assert_eq!(answer["degraded"]["reason"], "no-model");
    assert_eq!(answer["model_version"], json!(null));
    assert_eq!(answer["items"].as_array().unwrap().len(), 2, "{answer}");
    let refused = server.post("/v1/recommend", &json!({"user": "r1", "model": "als"}));
    assert_eq!((refused.status, refused.header("retry-after")), (503, "1"));
    assert_eq!(server.get("/v1/similar/a").items(), Vec::<String>::new());
}

#[test]
fn a_sequence_model_answers_beside_the_others() {
    let dir = Dir::new();
    small_log(&dir.log());
    train(&dir.log(), &["popular", "item-knn", "sasrec"]);
    let server = Server::start(&dir.log());
    let merged = server.post("/v1/recommend", &json!({"user": "r1", "k": 5, "explain": true}));
    assert_eq!(merged.status, 200, "{}", merged.text());
    let merged = merged.json();
    let sources = merged["items"].to_string();
    assert!(sources.contains("\"sasrec\""), "{merged}");
    let alone = server.post("/v1/recommend", &json!({"user": "r1", "k": 5, "model": "sasrec"}));
    let alone = alone.json();
    assert_eq!(alone["items"].as_array().unwrap().len(), 5, "{alone}");
    assert_eq!(alone["items"][0]["reason"]["kind"], "because", "{alone}");
    let stranger =
        server.post("/v1/recommend", &json!({"user": "x", "k": 5, "model": "sasrec"}));
    assert_eq!(stranger.items(), Vec::<String>::new(), "{}", stranger.text());
    let page = server.get("/console/users/r1?view=side-by-side").text();
    assert!(page.contains("sasrec") && page.contains("because of"), "{page}");
}
