use std::sync::Mutex;
use std::sync::atomic::AtomicBool;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::*;

#[derive(Deserialize)]
struct Golden {
    users: usize,
    items: u32,
    ease_l2: f64,
    events: Vec<(u32, u32, f32)>,
    ease: Vec<Vec<f64>>,
}

fn fit(train: &Sequences, l2: f64, items_max: u32) -> Ease {
    let config = EaseConfig { l2, items_max, ..EaseConfig::default() };
    Ease::fit(train, &config, 1, &Progress::silent()).unwrap()
}

/// Chance, some items much likelier than others.
fn planted(users: u32, items: u32) -> Sequences {
    let mut rng = ChaCha8Rng::seed_from_u64(3);
    let mut events = Vec::new();
    for user in 0..users {
        for step in 0..12 {
            let item = rng.random_range(0..items).min(rng.random_range(0..items));
            events.push((user, item, step, 1.0));
        }
    }
    Sequences::from_events(users as usize, items, &events).unwrap()
}

#[test]
fn weights_equal_numpy() {
    let golden: Golden =
        serde_json::from_str(include_str!("../../tests/golden/factor.json")).unwrap();
    // Every event twice, with a value: neither counts.
    let events: Vec<(u32, u32, i64, f32)> = golden
        .events
        .iter()
        .flat_map(|(user, item, value)| [(*user, *item, 1, *value), (*user, *item, 2, 9.0)])
        .collect();
    let train = Sequences::from_events(golden.users, golden.items, &events).unwrap();
    let model = fit(&train, golden.ease_l2, 100);
    assert_eq!(model.kept(), [0, 1, 2, 3, 4, 6], "nobody took item 5");
    assert_eq!((model.items_seen(), model.item_count()), (6, 7));
    for (row, from) in model.weights().chunks_exact(6).zip(model.kept()) {
        for (ours, to) in row.iter().zip(model.kept()) {
            let theirs = golden.ease[*from as usize][*to as usize];
            assert!(
                (f64::from(*ours) - theirs).abs() < 1e-6,
                "{from} to {to}: {ours} {theirs}"
            );
        }
    }
}

/// Larger than the tiles of the inverse, and not a multiple of them.
#[test]
fn weights_solve_their_equations() {
    let (train, l2) = (planted(400, 103), 4.0);
    let model = fit(&train, l2, 1000);
    let n = model.kept().len();
    assert!(n > 70 && !n.is_multiple_of(32), "{n}");
    let mut gram = vec![0.0f64; n * n];
    for user in 0..400 {
        let positions = model.positions(train.user(user));
        for a in &positions {
            for b in &positions {
                gram[a * n + b] += 1.0;
            }
        }
    }
    for at in 0..n {
        gram[at * n + at] += l2;
    }
    // What the weights minimise makes (XᵀX + λ I) (I - B) diagonal (Steck, equation 7).
    for i in 0..n {
        for j in (0..n).filter(|j| *j != i) {
            let mut sum = gram[i * n + j];
            for k in 0..n {
                sum -= gram[i * n + k] * f64::from(model.weights()[k * n + j]);
            }
            assert!(sum.abs() < 1e-3, "{i} {j}: {sum}");
        }
    }
}

#[test]
fn the_most_popular_items_are_kept() {
    let train = planted(200, 50);
    let (whole, part) = (fit(&train, 10.0, 50), fit(&train, 10.0, 8));
    assert_eq!((part.kept().len(), part.items_seen()), (8, whole.items_seen()));
    let users =
        |item: u32| (0..200).filter(|user| train.user(*user).items.contains(&item)).count();
    let least = part.kept().iter().map(|item| users(*item)).min().unwrap();
    for item in (0..50).filter(|item| !part.kept().contains(item)) {
        assert!(users(item) <= least, "item {item}");
    }
    let said = Mutex::new(Vec::new());
    let report = |step: data::Step<'_>| said.lock().unwrap().push(step.what.to_owned());
    let (stop, config) = (AtomicBool::new(false), part.facts.config.clone());
    Ease::fit(&train, &config, 1, &Progress::new(&report, &stop)).unwrap();
    let wanted = format!("8 of {} items kept", whole.items_seen());
    assert!(said.lock().unwrap().contains(&wanted), "{said:?}");
}

#[test]
fn scores_are_sums_of_rows_and_reasons_the_largest_of_them() {
    let model = fit(&planted(200, 50), 10.0, 50);
    let items = [model.kept()[3], 49, 10_000, model.kept()[3], model.kept()[7]];
    let history = History { items: &items, times_ms: &[0; 5], values: &[1.0; 5] };
    let filter = crate::Everything;
    let query = Query { user: None, history, now_ms: 0, filter: &filter, k: 100, seed: 1 };
    let found = model.retrieve(&query);
    assert_eq!(found.len(), model.kept().len());
    let positions = model.positions(history);
    for candidate in &found {
        let to = model.kept().binary_search(&candidate.item).unwrap();
        let weights: Vec<f32> = positions.iter().map(|from| model.row(*from)[to]).collect();
        assert!((candidate.score - weights.iter().sum::<f32>()).abs() < 1e-6);
        let largest = weights.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        match model.reason(&query, candidate.item) {
            Reason::Because { item } => {
                let from = model.kept().binary_search(&item).unwrap();
                assert_eq!(model.row(from)[to].total_cmp(&largest), std::cmp::Ordering::Equal);
            }
            other => assert!(other == Reason::Taste && largest <= 0.0, "{other:?}"),
        }
    }
}

#[test]
fn the_number_of_threads_changes_nothing() {
    let train = planted(400, 203);
    let bytes = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| fit(&train, 3.0, 1000)).to_bytes().unwrap()
    };
    assert_eq!(bytes(1), bytes(2));
}

#[test]
fn what_cannot_be_is_said() {
    let train = planted(10, 10);
    let fails = |config: EaseConfig| {
        Ease::fit(&train, &config, 1, &Progress::silent()).unwrap_err().to_string()
    };
    let of = EaseConfig::default;
    assert!(fails(EaseConfig { l2: 0.0, ..of() }).starts_with("models.ease.l2: "));
    assert!(fails(EaseConfig { l2: f64::NAN, ..of() }).starts_with("models.ease.l2: "));
    assert!(fails(EaseConfig { items_max: 0, ..of() }).starts_with("models.ease.items_max: "));
    let why = fails(EaseConfig { items_max: 1 << 20, ..of() });
    assert!(why.starts_with("models.ease.items_max: ") && why.contains("50000"), "{why}");
    assert!(fails(EaseConfig { history_max: 0, ..of() }).contains("history_max"));
}

#[test]
fn hostile_files_are_refused() {
    let model = fit(&planted(50, 30), 2.0, 12);
    let (bytes, place) = (model.to_bytes().unwrap(), Path::new("ease.safetensors"));
    assert_eq!(Ease::from_bytes(&bytes, place).unwrap(), model);
    for length in [0, 7, 8, 40, bytes.len() / 2, bytes.len() - 1] {
        assert!(Ease::from_bytes(&bytes[..length], place).is_err());
    }
    let refused = |change: &dyn Fn(&mut Ease)| {
        let mut broken = model.clone();
        change(&mut broken);
        Ease::from_bytes(&broken.to_bytes().unwrap(), place).unwrap_err().to_string()
    };
    assert!(refused(&|ease| ease.weights[1] = f32::NAN).contains("not finite at 1"));
    assert!(refused(&|ease| ease.weights[13] = 0.5).contains("a weight of its own"));
    assert!(refused(&|ease| ease.items.swap(0, 1)).contains("not sorted"));
    assert!(refused(&|ease| ease.facts.items_seen = 11).contains("it keeps 12 of 11"));
    assert!(refused(&|ease| ease.facts.items = 3).contains("of 3"));
    assert!(refused(&|ease| ease.facts.config.l2 = -1.0).contains("models.ease.l2"));
}
