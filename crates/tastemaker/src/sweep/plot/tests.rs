use serde_json::json;

use super::*;
use crate::sweep::summary::Tried;

fn summary(path: &str, log: bool, values: &[(Value, Option<f64>)]) -> Summary {
    let tried = |(value, ndcg): &(Value, Option<f64>)| Tried {
        values: [(path.to_owned(), value.clone())].into_iter().collect(),
        seeds: vec![1],
        ndcg: ndcg.map(|mean| Spread { mean, deviation: 0.0, min: mean, max: mean }),
        diverged: usize::from(ndcg.is_none()),
        best_epochs: vec![1],
        seconds: 1.0,
    };
    Summary {
        sweep: "s".into(),
        title: "a <title>".into(),
        model: "sasrec".into(),
        metric: "validation NDCG@10".into(),
        split: "leave-last-out".into(),
        cases: 1,
        varied: vec![Axis { path: path.into(), log }],
        combinations: values.iter().map(tried).collect(),
        unfinished: 0,
        machines: Vec::new(),
        plot: None,
    }
}

/// Where the marks are, from the first drawn on.
fn places(svg: &str, name: &str) -> Vec<f64> {
    let quoted = format!(" {name}=\"");
    let circles = svg.split("<circle").skip(1);
    circles
        .map(|rest| {
            let (_, rest) = rest.split_once(&quoted).unwrap();
            rest.split_once('"').unwrap().0.parse().unwrap()
        })
        .collect()
}

#[test]
fn numbers_lie_by_size_and_ratios_by_ratio() {
    let values = [(json!(1.0), Some(0.3)), (json!(10.0), Some(0.2)), (json!(100.0), Some(0.1))];
    let drawn = svg(&summary("schedule.peak", true, &values));
    assert!(drawn.contains("schedule.peak, log scale") && drawn.contains("a &lt;title&gt;"));
    // The best is drawn last.
    let (xs, ys) = (places(&drawn, "cx"), places(&drawn, "cy"));
    assert!((xs[0] + xs[2] - 2.0 * xs[1]).abs() < 0.2 && xs[0] > xs[2], "{xs:?}");
    assert!(ys[0] > ys[1] && ys[1] > ys[2], "{ys:?}");
    assert_eq!(drawn.matches("class=\"best\"").count(), 1);
    let values = [(json!(1), Some(0.3)), (json!(2), Some(0.2)), (json!(4), Some(0.1))];
    let xs = places(&svg(&summary("model.blocks", false, &values)), "cx");
    assert!((xs[0] - xs[2] - 3.0 * (xs[1] - xs[2])).abs() < 0.3, "{xs:?}");
}

#[test]
fn anything_can_be_plotted_without_a_number_that_is_none() {
    let words = [(json!("adam"), Some(0.3)), (json!({"kind": "adagrad", "eps": 1}), Some(0.2))];
    let one = [(json!(3), Some(0.25))];
    let zero = [(json!(0), Some(0.0)), (json!(-1), Some(0.0))];
    let none = [(json!(3), None)];
    for values in [&words[..], &one, &zero, &none, &[]] {
        for log in [false, true] {
            let drawn = svg(&summary("x", log, values));
            assert!(!drawn.contains("NaN") && !drawn.contains("inf"), "{drawn}");
            let marks = values.iter().filter(|(_, ndcg)| ndcg.is_some()).count();
            assert_eq!(drawn.matches("<circle").count(), marks);
        }
    }
}
