use axum::http::StatusCode;

use super::{Fields, Node, parse};

#[track_caller]
fn refused(body: &str) -> (StatusCode, String, String) {
    let problem = parse(body.as_bytes()).unwrap_err();
    (
        problem.status,
        problem.field().unwrap_or_default().to_owned(),
        problem.message().to_owned(),
    )
}

#[test]
fn a_value_comes_out_as_it_was_written() {
    let node = parse(br#"{"a": [1, -2, 2.5, "x\u0000", null, true], "b": {}}"#).unwrap();
    let Node::Object(fields) = node else { panic!("{node:?}") };
    let list = vec![
        Node::Natural(1),
        Node::Negative(-2),
        Node::Float(2.5),
        Node::Text("x\0".into()),
        Node::Null,
        Node::Bool(true),
    ];
    let expected =
        vec![("a".to_owned(), Node::List(list)), ("b".to_owned(), Node::Object(Vec::new()))];
    assert_eq!(fields, expected);
}

#[test]
fn faults_are_named_by_their_path() {
    for (body, path, why) in [
        (r#"{"a": {"b": 1, "b": 2}}"#, "a.b", "twice"),
        (r#"{"events": [{"value": 1}, {"value": NaN}]}"#, "events[1].value", "not JSON"),
        (r#"{"events": [{"value": 1e999}]}"#, "events[0].value", "out of range"),
        (r#"[1, 2"#, "[2]", "not JSON"),
        (r#"{"a": 1} x"#, "", "trailing"),
        ("", "", "EOF"),
        (r#"{"a": "\ud800"}"#, "a", "not JSON"),
    ] {
        let (status, field, message) = refused(body);
        assert_eq!((status, field.as_str()), (StatusCode::BAD_REQUEST, path), "{body}");
        assert!(message.contains(why), "{body}: {message}");
    }
    let many: Vec<String> = (0..100).map(|n| format!("\"k{n}\": 1")).collect();
    let twice = format!("{{{}, \"k70\": 2}}", many.join(","));
    assert_eq!(refused(&twice).1, "k70");
}

#[test]
fn nesting_ends() {
    let nested = |depth: usize| format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
    assert!(parse(nested(32).as_bytes()).is_ok());
    let (status, _, message) = refused(&nested(33));
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert!(message.contains("deeper than 32"), "{message}");
    assert!(parse("[".repeat(1_000_000).as_bytes()).is_err());
}

#[test]
fn what_nobody_asked_for_is_refused() {
    let node = parse(br#"{"k": 3, "kk": 4}"#).unwrap();
    let mut fields = Fields::of(node, "filters").unwrap();
    assert_eq!(fields.natural("k").unwrap(), Some(3));
    let problem = fields.end().unwrap_err();
    assert_eq!(problem.field(), Some("filters.kk"));
}
