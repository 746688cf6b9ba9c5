//! Pages without a browser: every page is there, says what it should, and escapes what it shows.

use serde_json::json;

use crate::fixture::{Dir, Server, small_log, train};

#[test]
fn every_page_is_there() {
    let dir = Dir::new();
    small_log(&dir.log());
    train(&dir.log(), &["popular", "popular-lately", "item-knn", "als"]);
    let server = Server::start(&dir.log());
    for (path, words) in [
        ("/console", &["Overview", "000001", "Most popular", "Song A"][..]),
        ("/console/users", &["r1", "Bergen", "12 users"]),
        ("/console/users?q=berg", &["r1", "1 of 12"]),
        (
            "/console/users/r1",
            &["User r1", "Song B", "because of", "item-knn #1", "Side by side"],
        ),
        ("/console/users/r1?view=als", &["Song B", "als #1"]),
        ("/console/users/r1?view=side-by-side", &["Merged", "popular-lately"]),
        ("/console/items", &["Song A", "rock"]),
        ("/console/items?q=song+b", &["Song B", "1 of 10"]),
        ("/console/items?category=jazz", &["Song E", "All items"]),
        ("/console/items/a", &["Song A", "Similar items", "Song C"]),
        ("/console/report", &["Not measured yet", "tastemaker evaluate"]),
        ("/console/log", &["000001", "live", "serving", "Settings"]),
    ] {
        let answer = server.get(path);
        let text = answer.text();
        assert_eq!(answer.status, 200, "{path}: {text}");
        assert_eq!(answer.header("content-type"), "text/html; charset=utf-8");
        for word in words {
            assert!(text.contains(word), "{path} lacks {word:?}: {text}");
        }
        assert!(!text.contains("<script"), "{path}");
        // The only address of elsewhere is the name of the SVG language.
        let elsewhere =
            text.replace("http://www.w3.org/2000/svg", "").replace("http://127.0.0.1", "");
        assert!(!elsewhere.contains("http://") && !elsewhere.contains("https://"), "{path}");
    }
    for path in ["/console/users/nobody", "/console/items/nothing"] {
        let answer = server.get(path);
        assert_eq!(answer.status, 404);
        assert!(answer.text().contains("Find a user"), "{}", answer.text());
    }
    let model = server.get("/console/users/r1?view=oracle");
    assert_eq!(model.status, 422);
}

#[test]
fn an_empty_state_says_what_to_do() {
    let dir = Dir::new();
    small_log(&dir.log());
    let server = Server::start(&dir.log());
    for path in ["/console", "/console/users/r1", "/console/items/a", "/console/log"] {
        let text = server.get(path).text();
        assert!(text.contains("tastemaker train"), "{path}: {text}");
    }
}

#[test]
fn what_is_shown_is_escaped_and_what_is_linked_is_encoded() {
    let dir = Dir::new();
    small_log(&dir.log());
    let server = Server::start(&dir.log());
    let id = "a/b?c=d&e#f <b>%";
    server.post("/v1/items", &json!({"id": id, "title": "<script>alert(1)</script>"}));
    server.post("/v1/events", &json!({"kind": "play", "user": id, "item": id}));
    let text = server.get("/console/users?q=%3Cb%3E").text();
    assert!(!text.contains("<b>%"), "{text}");
    let href = text.split("href=\"").find(|part| part.starts_with("/console/users/")).unwrap();
    let href = href.split('"').next().unwrap();
    let user = server.get(href);
    assert_eq!(user.status, 200, "{href}: {}", user.text());
    assert!(user.text().contains("&lt;script&gt;alert(1)"), "{}", user.text());
    assert!(!user.text().contains("<script>"));
    let item = user.text();
    let href = item.split("href=\"").find(|part| part.starts_with("/console/items/a")).unwrap();
    assert_eq!(server.get(href.split('"').next().unwrap()).status, 200);
}
