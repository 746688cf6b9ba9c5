//! Under more load than there are places, answers get cheaper before they get late.

use data::Feedback;
use serde_json::json;
use serve::ServeConfig;

use crate::fixture::{Dir, Server, config, movielens, send, train};

#[test]
fn an_overload_is_answered_with_popular_items_and_no_error() {
    let dir = Dir::new();
    movielens(&dir.log());
    train(&dir.log(), &["popular", "item-knn", "als"]);
    let config = ServeConfig { concurrent: 1, waiting: 0, ..config() };
    let server = Server::start_with(&dir.log(), config, Feedback::default());
    let address = server.address;
    let body = json!({"user": "414", "k": 500}).to_string().into_bytes();
    let headers = [("content-type", "application/json")];
    let answers = server.runtime.block_on(async {
        let ask = |_| {
            let body = body.clone();
            tokio::spawn(
                async move { send(address, "POST", "/v1/recommend", &headers, body).await },
            )
        };
        let asked: Vec<_> = (0..64).map(ask).collect();
        let mut answers = Vec::new();
        for one in asked {
            answers.push(one.await.expect("an answer"));
        }
        answers
    });
    let (mut full, mut cheap) = (0, 0);
    for answer in &answers {
        assert_eq!(answer.status, 200, "{}", answer.text());
        let json = answer.json();
        assert_eq!(json["items"].as_array().unwrap().len(), 500);
        match json["degraded"]["reason"].as_str() {
            None => full += 1,
            Some("overloaded") => {
                cheap += 1;
                assert_eq!(json["items"][0]["reason"]["kind"], "popular");
            }
            Some(other) => panic!("{other}"),
        }
    }
    assert!(full > 0 && cheap > 0, "{full} full, {cheap} cheap");
    let metrics = server.get("/metrics").text();
    let counted = format!("tastemaker_degraded_total{{reason=\"overloaded\"}} {cheap}");
    assert!(metrics.contains(&counted), "{metrics}");
    // Afterwards all is well again.
    let after = server.post("/v1/recommend", &json!({"user": "414", "k": 5})).json();
    assert_eq!(after["degraded"], json!(null));
    server.stop().unwrap();
    // Cheap answers are logged as what they are.
    let slates =
        data::Log::open(crate::fixture::files(), &dir.log()).unwrap().slates().unwrap();
    let told = slates.iter().filter(|slate| slate.context.contains("overloaded")).count();
    assert_eq!((slates.len(), told), (65, cheap));
}
