use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use super::*;

fn of(text: &str) -> Result<Vec<Varied>, String> {
    varied(&text.parse::<toml::Table>().unwrap())
}

fn grid(text: &str) -> Vec<Value> {
    of(text).unwrap()[0].grid().unwrap()
}

#[test]
fn lists_and_ranges_make_a_grid() {
    assert_eq!(grid("\"model.dim\" = [32, 64, 32]"), [json!(32), json!(64)]);
    let range = "peak = { from = 1e-4, to = 1e-2, scale = \"log\", count = 3 }";
    assert_eq!(grid(range), [json!(1e-4), json!(1e-3), json!(1e-2)]);
    assert_eq!(
        grid("t = { from = 0.0, to = 1, count = 5 }"),
        [json!(0.0), json!(0.25), json!(0.5), json!(0.75), json!(1.0)]
    );
    // Whole ends, whole values; those that fall together are one.
    assert_eq!(grid("n = { from = 1, to = 3, count = 9 }"), [json!(1), json!(2), json!(3)]);
    assert_eq!(grid("loss = [{ kind = \"gbce\", t = 0.5 }]")[0]["t"], 0.5);
}

#[test]
fn quotes_may_be_left_out() {
    let quoted = of("\"model.dim\" = [1]\n\"model.heads\" = { from = 1, to = 2 }").unwrap();
    assert_eq!(of("model.dim = [1]\nmodel.heads = { from = 1, to = 2 }").unwrap(), quoted);
    assert_eq!(of("[model]\ndim = [1]\nheads = { from = 1, to = 2 }").unwrap(), quoted);
}

#[test]
fn draws_stay_in_their_range_and_follow_the_seed() {
    let all = of("peak = { from = 1e-4, to = 1e-2, scale = \"log\" }").unwrap();
    let draw = |seed: u64| -> Vec<f64> {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        (0..200).map(|_| all[0].draw(&mut random).as_f64().unwrap()).collect()
    };
    let values = draw(1);
    assert!(values.iter().all(|value| (1e-4..=1e-2).contains(value)));
    // Half of them lie below the middle of a log scale.
    let low = values.iter().filter(|value| **value < 1e-3).count();
    assert!((70..130).contains(&low), "{low}");
    assert_eq!(draw(1), values);
    assert_ne!(draw(2), values);
}

#[test]
fn what_is_no_list_and_no_range_is_refused_by_name() {
    for (text, words) in [
        ("", "nothing is varied"),
        ("\"a.b\" = []", "\"a.b\": an empty list"),
        ("a.b = 3", "\"a.b\": 3 is one value"),
        ("a = { from = 2, to = 1 }", "2 to 1 is no range"),
        ("a = { from = 0, to = 1, scale = \"log\" }", "no place on a log scale"),
        ("a = { from = \"x\", to = 1 }", "no range of numbers"),
        ("a = { from = 0, to = 1, step = 1 }", "step"),
        ("a = { from = 0, to = 1, count = 1 }", "count is 2 at least"),
        ("a = { from = 0, to = 1, scale = \"cubic\" }", "cubic"),
        ("\"a.b\" = [1]\na.b = [2]", "twice"),
    ] {
        let error = of(text).unwrap_err();
        assert!(error.contains(words), "{text}: {error}");
    }
    let range = of("a = { from = 0, to = 1 }").unwrap();
    assert!(range[0].grid().unwrap_err().contains("add count"));
}
