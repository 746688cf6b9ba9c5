//! Pages without a browser: every page is there, says what it should, and escapes what it shows.

use serde_json::json;

use crate::fixture::{Dir, Server, files, play, small_log, train};

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
        ("/console/worlds", &["Nothing played yet", "tastemaker world play", "--log"]),
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
    let nothing = ["/console/users/nobody", "/console/items/nothing", "/console/worlds/000001"];
    for path in nothing {
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

#[test]
fn the_newest_play_is_shown_and_the_earlier_ones_are_linked() {
    let dir = Dir::new();
    small_log(&dir.log());
    let server = Server::start(&dir.log());
    let plays = dir.log().join("plays");
    evaluate::save_play(&files(), &plays, &play("item-knn", "popular")).expect("it is kept");
    let first =
        server.until("/console/worlds", |answer| answer.text().contains("What happened"));
    let text = first.text();
    for word in ["item-knn is better", "Satisfaction a person, day by day", "covers the truth"]
    {
        assert!(text.contains(word), "{word}: {text}");
    }
    assert!(!text.contains("Play 000001"), "there is no other to go to: {text}");
    let hostile = play("<b>als</b>", "popular");
    evaluate::save_play(&files(), &plays, &hostile).expect("it is kept");
    let second =
        server.until("/console/worlds", |answer| answer.text().contains("&lt;b&gt;als"));
    let text = second.text();
    assert!(!text.contains("<b>als") && !text.contains("<script"), "{text}");
    assert!(text.contains("href=\"/console/worlds/000001\""), "{text}");
    let earlier = server.get("/console/worlds/000001");
    assert_eq!(earlier.status, 200);
    assert!(earlier.text().contains("item-knn is better"));
    // A damaged one is named, and the others stay.
    let place = plays.join("000002/play.json");
    let text = std::fs::read_to_string(&place).expect("it is there").replace("als", "sla");
    std::fs::write(&place, text).expect("it can be damaged");
    let damaged = server.get("/console/worlds/000002").text();
    assert!(damaged.contains("cannot be read") && damaged.contains("play.json"), "{damaged}");
    assert!(damaged.contains("/console/worlds/000001"), "{damaged}");
    for path in ["/console/worlds/..", "/console/worlds/.lock", "/console/worlds/%2e%2e%2fx"] {
        assert_eq!(server.get(path).status, 404, "{path}");
    }
}
