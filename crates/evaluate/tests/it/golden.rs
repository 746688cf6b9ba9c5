//! Metrics against numbers of ranx, RecTools and scikit-learn (`tests/golden/make.py`).

use evaluate::{beyond, ranking, score};
use serde_json::Value;

fn golden() -> Value {
    serde_json::from_str(include_str!("../golden/metrics.json")).unwrap()
}

fn list<T: serde::de::DeserializeOwned>(value: &Value) -> T {
    serde_json::from_value(value.clone()).unwrap()
}

#[track_caller]
fn near(ours: f64, theirs: f64, what: &str) {
    assert!((ours - theirs).abs() < 1e-9, "{what}: {ours}, theirs {theirs}");
}

type Metric = fn(&[bool], usize, usize) -> Option<f64>;

#[test]
fn accuracy_of_every_user_at_every_k() {
    let world = &golden()["ranking"];
    let (ranked, relevant): (Vec<Vec<u32>>, Vec<Vec<u32>>) =
        (list(&world["ranked"]), list(&world["relevant"]));
    let metrics: [(&str, Metric); 6] = [
        ("hit_rate", ranking::hit_rate),
        ("recall", ranking::recall),
        ("precision", ranking::precision),
        ("ndcg", ranking::ndcg),
        ("mrr", ranking::reciprocal_rank),
        ("map", ranking::average_precision),
    ];
    let mut checked = 0;
    for (name, metric) in metrics {
        for k in list::<Vec<usize>>(&world["k"]) {
            let key = format!("{name}@{k}");
            let theirs: Vec<f64> = list(&world["per_user"][&key]);
            for (user, theirs) in theirs.iter().enumerate() {
                let hits = ranking::hits(&ranked[user], &relevant[user]);
                let ours = metric(&hits, relevant[user].len(), k).unwrap();
                near(ours, *theirs, &format!("{key} of user {user}"));
                checked += 1;
            }
        }
    }
    assert_eq!(checked, 6 * 4 * 60);
}

#[test]
fn what_accuracy_does_not_say() {
    let world = &golden()["ranking"];
    let (ranked, relevant): (Vec<Vec<u32>>, Vec<Vec<u32>>) =
        (list(&world["ranked"]), list(&world["relevant"]));
    let fans: Vec<u32> = list(&world["popularity"]);
    let users: usize = list(&world["users_train"]);
    let categories =
        beyond::Categories::new(list::<Vec<Vec<u32>>>(&world["categories"]).into_iter());
    let information: Vec<f64> =
        fans.iter().map(|fans| beyond::self_information(*fans, users)).collect();
    let mean = |values: Vec<f64>| values.iter().sum::<f64>() / values.len() as f64;
    for k in list::<Vec<usize>>(&world["k"]) {
        let theirs = |name: &str| world["beyond"][format!("{name}@{k}")].as_f64();
        let exposure = beyond::exposure(ranked.iter().map(Vec::as_slice), k, fans.len());
        near(beyond::coverage(&exposure).unwrap(), theirs("coverage").unwrap(), "coverage");
        near(beyond::gini(&exposure).unwrap(), theirs("gini").unwrap(), "gini");
        let novelty = ranked.iter().filter_map(|list| beyond::novelty(list, &information, k));
        near(mean(novelty.collect()), theirs("novelty").unwrap(), "novelty");
        let diversity: Vec<f64> = ranked
            .iter()
            .filter_map(|list| beyond::intra_list_diversity(list, &categories, k))
            .collect();
        match theirs("diversity") {
            Some(theirs) => near(mean(diversity), theirs, "diversity"),
            None => assert!(diversity.is_empty(), "a list of one has no pair"),
        }
        let weight = |item: u32| beyond::propensity_weight(fans[item as usize]);
        let (mut found, mut all) = (0.0, 0.0);
        for (list, relevant) in ranked.iter().zip(&relevant) {
            let sums = beyond::debiased_hits(list, relevant, weight, k);
            found += sums.0;
            all += sums.1;
        }
        near(found / all, theirs("debiased_hit_rate").unwrap(), "debiased hit rate");
    }
}

#[test]
fn scores_and_probabilities() {
    let world = &golden()["scores"];
    let groups: Vec<u32> = list(&world["groups"]);
    let scores: Vec<f32> = list(&world["scores"]);
    let probabilities: Vec<f32> = list(&world["probabilities"]);
    let labels: Vec<bool> =
        list::<Vec<u8>>(&world["labels"]).iter().map(|label| *label == 1).collect();
    let number = |value: &Value| value.as_f64().unwrap();
    near(score::auc(&scores, &labels).unwrap().unwrap(), number(&world["auc"]), "AUC");
    let gauc = score::gauc(&groups, &scores, &labels).unwrap();
    near(gauc.value.unwrap(), number(&world["gauc"]["value"]), "GAUC");
    assert_eq!(gauc.groups as u64, world["gauc"]["groups"].as_u64().unwrap());
    let one_class = world["gauc"]["groups_one_class"].as_u64().unwrap();
    assert_eq!(gauc.groups_one_class as u64, one_class);
    let loss = score::log_loss(&probabilities, &labels).unwrap().unwrap();
    near(loss, number(&world["log_loss"]), "log loss");
    let calibration = score::calibration(&probabilities, &labels, 10).unwrap().unwrap();
    near(calibration.ratio.unwrap(), number(&world["calibration"]["ratio"]), "ratio");
    near(calibration.error, number(&world["calibration"]["error"]), "calibration error");
}
