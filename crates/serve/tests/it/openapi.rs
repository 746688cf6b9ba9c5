//! The document says what the server does: every route is in it, and real answers are what
//! their schema says, with nothing missing and nothing besides.

use serde_json::{Value, json};

use crate::fixture::{Answer, Dir, Server, small_log, train};

/// Checks `value` against `schema`; `place` is for messages. Covers what the document uses.
fn check(document: &Value, schema: &Value, value: &Value, place: &str) -> Result<(), String> {
    if let Some(reference) = schema["$ref"].as_str() {
        let pointer = reference.trim_start_matches('#');
        let target = document.pointer(pointer).ok_or(format!("{place}: no {reference}"))?;
        return check(document, target, value, place);
    }
    for list in ["oneOf", "anyOf"] {
        if let Some(schemas) = schema[list].as_array() {
            let tried: Vec<Result<(), String>> =
                schemas.iter().map(|one| check(document, one, value, place)).collect();
            return match tried.iter().any(Result::is_ok) {
                true => Ok(()),
                false => Err(format!("{place}: none of {list} fits {value}: {tried:?}")),
            };
        }
    }
    let types: Vec<&str> = match &schema["type"] {
        Value::String(one) => vec![one],
        Value::Array(many) => many.iter().filter_map(Value::as_str).collect(),
        _ => return Err(format!("{place}: schema without a type: {schema}")),
    };
    let found = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_i64() || number.is_u64() => "integer",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    let whole_as_number = found == "integer" && types.contains(&"number");
    if !types.contains(&found) && !whole_as_number {
        return Err(format!("{place}: {value} is {found}, not {types:?}"));
    }
    match value {
        Value::Array(values) => values.iter().enumerate().try_for_each(|(at, value)| {
            check(document, &schema["items"], value, &format!("{place}[{at}]"))
        }),
        Value::Object(fields) => {
            for name in schema["required"].as_array().into_iter().flatten() {
                let name = name.as_str().expect("a name");
                if !fields.contains_key(name) {
                    return Err(format!("{place}: {name} is required and missing"));
                }
            }
            fields.iter().try_for_each(|(name, value)| {
                let schema =
                    match (schema["properties"].get(name), &schema["additionalProperties"]) {
                        (Some(schema), _) => schema,
                        (None, schema @ Value::Object(_)) => schema,
                        _ if schema.get("properties").is_none() => return Ok(()),
                        _ => return Err(format!("{place}: {name} is not in the document")),
                    };
                check(document, schema, value, &format!("{place}.{name}"))
            })
        }
        _ => Ok(()),
    }
}

/// Checks an answer against what the document says of this route and status.
#[track_caller]
fn fits(document: &Value, route: &str, method: &str, answer: &Answer) {
    let response = &document["paths"][route][method]["responses"][answer.status.to_string()];
    let what = format!("{method} {route} {}", answer.status);
    assert!(response.is_object(), "{what} is not in the document: {}", answer.text());
    let schema = &response["content"]["application/json"]["schema"];
    assert!(schema.is_object(), "{what}: no schema: {response}");
    if let Err(why) = check(document, schema, &answer.json(), &what) {
        panic!("{why}\n{}", answer.text());
    }
}

#[test]
fn every_route_is_in_the_document_and_answers_are_as_it_says() {
    let dir = Dir::new();
    small_log(&dir.log());
    train(&dir.log(), &["popular", "item-knn", "als"]);
    let server = Server::start(&dir.log());
    let document = server.get("/openapi.json").json();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"), "{document}");
    let mut routes: Vec<&str> =
        document["paths"].as_object().unwrap().keys().map(String::as_str).collect();
    routes.sort_unstable();
    assert_eq!(
        routes,
        [
            "/livez",
            "/metrics",
            "/openapi.json",
            "/readyz",
            "/v1/events",
            "/v1/items",
            "/v1/items/{id}",
            "/v1/recommend",
            "/v1/similar/{item}",
            "/v1/users",
            "/v1/users/{id}",
        ]
    );
    let get = |route: &str, path: &str, status: u16| {
        let answer = server.get(path);
        assert_eq!(answer.status, status, "{path}: {}", answer.text());
        fits(&document, route, "get", &answer);
    };
    let post = |route: &str, body: Value, status: u16| {
        let answer = server.post(route, &body);
        assert_eq!(answer.status, status, "{route}: {}", answer.text());
        fits(&document, route, "post", &answer);
    };
    get("/livez", "/livez", 200);
    get("/readyz", "/readyz", 200);
    get("/v1/recommend", "/v1/recommend?user=r1&explain=true", 200);
    get("/v1/recommend", "/v1/recommend?k=x", 400);
    get("/v1/recommend", "/v1/recommend?k=0", 422);
    get("/v1/similar/{item}", "/v1/similar/a", 200);
    get("/v1/similar/{item}", "/v1/similar/unheard", 404);
    get("/v1/items", "/v1/items?k=20", 200);
    get("/v1/items/{id}", "/v1/items/a", 200);
    get("/v1/items/{id}", "/v1/items/quiet", 200);
    get("/v1/items/{id}", "/v1/items/unheard", 404);
    get("/v1/users", "/v1/users", 200);
    get("/v1/users/{id}", "/v1/users/r1", 200);
    get("/v1/users/{id}", "/v1/users/unheard", 404);
    post("/v1/recommend", json!({"user": "r1", "k": 3}), 200);
    post("/v1/recommend", json!({"user": "nobody", "explain": true}), 200);
    post("/v1/recommend", json!({"nonsense": 1}), 400);
    post("/v1/recommend", json!({"k": 0}), 422);
    post("/v1/events", json!({"kind": "play", "user": "r1", "item": "b", "value": 1.5}), 202);
    let mixed = json!({"events": [{"kind": "play", "user": "r1"}, {"kind": "", "user": "r1"}]});
    post("/v1/events", mixed, 202);
    post("/v1/events", json!({"user": "r1"}), 400);
    post("/v1/items", json!({"id": "n", "categories": ["x"], "attributes": {"a": 1}}), 202);
    post("/v1/items", json!({"id": ""}), 422);
    post("/v1/users", json!({"users": [{"id": "n"}]}), 202);
    post("/v1/users", json!({}), 400);
    let bare = server.send("POST", "/v1/events", &[], Vec::new());
    fits(&document, "/v1/events", "post", &bare);
    let metrics = &document["paths"]["/metrics"]["get"]["responses"]["200"]["content"];
    assert!(metrics["application/openmetrics-text"].is_object(), "{metrics}");
}

#[test]
fn every_operation_of_the_document_exists() {
    let dir = Dir::new();
    small_log(&dir.log());
    let server = Server::start(&dir.log());
    let document = server.get("/openapi.json").json();
    let mut operations = 0;
    for (route, item) in document["paths"].as_object().unwrap() {
        let path = route.replace("{id}", "a").replace("{item}", "a");
        for (method, operation) in item.as_object().unwrap() {
            let answer = server.send(&method.to_uppercase(), &path, &[], Vec::new());
            let known = match answer.status {
                405 => false,
                404 => answer.json()["error"]["field"] == "id",
                _ => true,
            };
            assert!(known, "{method} {route}: {}", answer.text());
            assert!(operation["responses"].as_object().is_some_and(|all| !all.is_empty()));
            operations += 1;
        }
    }
    assert_eq!(operations, 14);
}

#[test]
fn the_documents_own_examples_of_requests_are_taken() {
    let dir = Dir::new();
    small_log(&dir.log());
    let server = Server::start(&dir.log());
    let document = server.get("/openapi.json").json();
    // Every field that a request schema names is known to the parser.
    for (schema, route) in [
        ("AskBody", "/v1/recommend"),
        ("EventBody", "/v1/events"),
        ("ItemBody", "/v1/items"),
        ("UserBody", "/v1/users"),
    ] {
        let fields =
            document["components"]["schemas"][schema]["properties"].as_object().unwrap();
        assert!(fields.len() >= 2, "{schema}");
        for name in fields.keys() {
            let answer = server.post(route, &json!({name.clone(): [[[]]]}));
            let error = answer.json()["error"].clone();
            assert_ne!(error["code"], "unknown_field", "{schema}.{name}: {error}");
            assert!(answer.status >= 400, "{schema}.{name}: {}", answer.text());
        }
    }
}
