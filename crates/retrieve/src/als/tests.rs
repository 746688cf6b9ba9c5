use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::*;
use crate::Filter;
use crate::config::AlsSolver;

#[derive(Deserialize)]
struct Golden {
    users: usize,
    items: u32,
    factors: u32,
    l2: f64,
    alpha: f64,
    cg_steps: u32,
    events: Vec<(u32, u32, f32)>,
    start_users: Vec<Vec<f32>>,
    start_items: Vec<Vec<f32>>,
    exact: Trained,
    steps: Trained,
    history: Vec<(u32, f32)>,
    folded: Vec<f64>,
}

#[derive(Deserialize)]
struct Trained {
    first_users: Vec<Vec<f64>>,
    losses: Vec<f64>,
    users: Vec<Vec<f64>>,
    items: Vec<Vec<f64>>,
}

fn golden() -> Golden {
    serde_json::from_str(include_str!("../../tests/golden/factor.json")).unwrap()
}

impl Golden {
    fn training(&self, solver: AlsSolver) -> AlsTraining {
        let events: Vec<(u32, u32, i64, f32)> =
            self.events.iter().map(|(user, item, value)| (*user, *item, 1, *value)).collect();
        let train = Sequences::from_events(self.users, self.items, &events).unwrap();
        let Golden { factors, l2, alpha, cg_steps, .. } = *self;
        let config = AlsConfig { factors, l2, alpha, solver, cg_steps, ..AlsConfig::default() };
        let mut training = AlsTraining::new(&train, &config, 1, &Progress::silent()).unwrap();
        let factors = factors as usize;
        training.users = Table::padded(&self.start_users.concat(), factors);
        training.items = Table::padded(&self.start_items.concat(), factors);
        training
    }
}

fn close(ours: &[f32], theirs: &[f64], within: f64) {
    assert_eq!(ours.len(), theirs.len());
    for (a, b) in ours.iter().zip(theirs) {
        assert!((f64::from(*a) - b).abs() < within, "{ours:?} is not {theirs:?}");
    }
}

#[test]
fn both_solvers_equal_implicit() {
    let golden = golden();
    for (solver, theirs) in
        [(AlsSolver::Cholesky, &golden.exact), (AlsSolver::ConjugateGradient, &golden.steps)]
    {
        let mut training = golden.training(solver);
        training.solve_users(&Progress::silent()).unwrap();
        close(&training.users.unpadded(), &theirs.first_users.concat(), 1e-5);
        training = golden.training(solver);
        for loss in &theirs.losses {
            training.iterate(&Progress::silent()).unwrap();
            let ours = training.loss();
            assert!((ours - loss).abs() < 1e-5 * loss, "{solver:?}: {ours} is not {loss}");
        }
        close(&training.users.unpadded(), &theirs.users.concat(), 1e-4);
        close(training.finish().item_factors(), &theirs.items.concat(), 1e-4);
    }
}

#[test]
fn a_new_history_is_folded_in_as_implicit_does() {
    let golden = golden();
    let mut training = golden.training(AlsSolver::Cholesky);
    for _ in &golden.exact.losses {
        training.iterate(&Progress::silent()).unwrap();
    }
    let model = training.finish();
    let (items, values): (Vec<u32>, Vec<f32>) = golden.history.iter().copied().unzip();
    let fold = |items: &[u32], values: &[f32]| {
        let times_ms = vec![0; items.len()];
        model.user_vector(History { items, times_ms: &times_ms, values })
    };
    close(&fold(&items, &values).unwrap(), &golden.folded, 1e-4);
    // Items that came later, and item 5, which nobody took, change nothing.
    let more = [items, vec![5, 7, u32::MAX]].concat();
    let values = [values, vec![1.0; 3]].concat();
    close(&fold(&more, &values).unwrap(), &golden.folded, 1e-4);
    assert_eq!(fold(&[5, 7], &[1.0, 1.0]), None);
    assert_eq!(fold(&[], &[]), None);
    assert_eq!(fold(&[0], &[f32::MAX]), None, "more than f32 can compute with");
}

/// Planted tastes: even users take even items, odd users odd ones; some twice.
fn planted(users: u32, items: u32) -> Sequences {
    let mut events = Vec::new();
    for user in 0..users {
        for step in 0..8 {
            let item = ((user * 7 + step * step * 5) % (items / 2)) * 2 + user % 2;
            events.push((user, item, i64::from(step), 1.0 + (step % 3) as f32));
        }
    }
    Sequences::from_events(users as usize, items, &events).unwrap()
}

fn trained(train: &Sequences, config: &AlsConfig) -> AlsTraining {
    let mut training = AlsTraining::new(train, config, 5, &Progress::silent()).unwrap();
    training.iterate(&Progress::silent()).unwrap();
    training
}

/// The slopes of the loss of one user, in f64 and from its definition, by central differences.
#[test]
fn the_exact_solution_is_a_minimum() {
    let (l2, alpha) = (0.5, 3.0);
    let config = AlsConfig { factors: 6, l2, alpha, ..AlsConfig::default() };
    let train = planted(60, 40);
    let model = trained(&train, &config).finish();
    let history = train.user(11);
    let loss = |vector: &[f64]| {
        let mut sum: f64 = vector.iter().map(|x| l2 * x * x).sum();
        for (item, row) in (0..).zip(model.item_factors().chunks_exact(6)) {
            let score: f64 = row.iter().zip(vector).map(|(y, x)| f64::from(*y) * x).sum();
            let taken = history.items.iter().zip(history.values).filter(|(of, _)| **of == item);
            let value: f64 = taken.map(|(_, value)| f64::from(*value)).sum();
            let wanted = f64::from(u8::from(value > 0.0));
            sum += (1.0 + alpha * value) * (wanted - score).powi(2);
        }
        sum
    };
    let exact: Vec<f64> =
        model.user_vector(history).unwrap().into_iter().map(f64::from).collect();
    for at in 0..6 {
        let moved = |by: f64| {
            let mut vector = exact.clone();
            vector[at] += by;
            loss(&vector)
        };
        let slope = (moved(1e-4) - moved(-1e-4)) / 2e-4;
        let elsewhere = (moved(0.1001) - moved(0.0999)) / 2e-4;
        assert!(slope.abs() < 1e-3 && elsewhere > 0.05, "{slope} {elsewhere} along {at}");
    }
}

#[test]
fn folding_in_is_the_users_row() {
    let train = planted(50, 30);
    for factors in [16, 20] {
        let solver = AlsSolver::Cholesky;
        let config = AlsConfig { factors, solver, ..AlsConfig::default() };
        let mut training = trained(&train, &config);
        let model = training.finish();
        training.solve_users(&Progress::silent()).unwrap();
        let users = training.users.unpadded();
        for (user, row) in (0..).zip(users.chunks_exact(factors as usize)) {
            assert_eq!(model.user_vector(train.user(user)).unwrap(), row, "user {user}");
        }
    }
}

/// Every width there is a kernel for, and those that are put together from parts.
#[test]
fn many_steps_reach_the_exact_solution() {
    let train = planted(40, 60);
    for factors in [1, 7, 16, 40, 48, 64, 100, 128, 200] {
        let config = AlsConfig {
            factors,
            l2: 0.5,
            cg_steps: 2 * factors.max(20),
            ..AlsConfig::default()
        };
        let mut training = trained(&train, &config);
        training.solve_users(&Progress::silent()).unwrap();
        let stepped = training.users.unpadded();
        training.use_solver(AlsSolver::Cholesky);
        training.solve_users(&Progress::silent()).unwrap();
        let exact: Vec<f64> = training.users.unpadded().into_iter().map(f64::from).collect();
        close(&stepped, &exact, 2e-4);
    }
}

#[test]
fn the_number_of_threads_changes_nothing() {
    let train = planted(300, 60);
    for solver in [AlsSolver::ConjugateGradient, AlsSolver::Cholesky] {
        let fit = |threads: usize, seed: u64| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let config = AlsConfig { solver, iterations: 3, ..AlsConfig::default() };
            let fit = || Als::fit(&train, &config, seed, &Progress::silent()).unwrap();
            pool.install(fit).to_bytes().unwrap()
        };
        assert_eq!(fit(1, 9), fit(2, 9));
        assert_ne!(fit(1, 9), fit(1, 8));
    }
}

#[test]
fn it_recommends_within_the_taste() {
    let mut rng = ChaCha8Rng::seed_from_u64(3);
    let mut events = Vec::new();
    for user in 0..100u32 {
        for step in 0..10 {
            events.push((user, rng.random_range(0..20u32) * 2 + user % 2, step, 1.0));
        }
    }
    let train = Sequences::from_events(100, 40, &events).unwrap();
    // As many factors as there are tastes: more would learn the chance in the events.
    let config = AlsConfig { factors: 2, ..AlsConfig::default() };
    let model = Als::fit(&train, &config, 9, &Progress::silent()).unwrap();
    for user in 0..100u32 {
        let history = train.user(user);
        let filter = crate::Unseen::new(history.items.iter().copied());
        let query = Query { user: None, history, now_ms: 0, filter: &filter, k: 5, seed: 1 };
        let found = model.retrieve(&query);
        assert_eq!(found.len(), 5);
        for candidate in &found {
            assert_eq!(candidate.item % 2, user % 2, "user {user}: {found:?}");
            assert!(filter.admits(candidate.item), "user {user}: {found:?}");
        }
    }
}

#[test]
fn what_cannot_be_is_said() {
    let train = planted(10, 10);
    let fails = |config: AlsConfig| {
        Als::fit(&train, &config, 1, &Progress::silent()).unwrap_err().to_string()
    };
    let of = AlsConfig::default;
    assert!(fails(AlsConfig { factors: 0, ..of() }).contains("models.als.factors"));
    assert!(fails(AlsConfig { factors: 5000, ..of() }).contains("models.als.factors"));
    assert!(fails(AlsConfig { l2: f64::NAN, ..of() }).contains("models.als.l2"));
    assert!(fails(AlsConfig { l2: 0.0, ..of() }).contains("models.als.l2"));
    assert!(fails(AlsConfig { alpha: -1.0, ..of() }).contains("models.als.alpha"));

    let huge = [(0, 0, 0, 1e38), (0, 1, 0, 1.0), (1, 1, 0, 3e38), (1, 1, 1, 3e38)];
    for (events, solver, word) in [
        (&huge[..], AlsSolver::Cholesky, "the confidence of user 1 in item 1"),
        (&huge[..2], AlsSolver::ConjugateGradient, "no longer finite"),
        (&huge[..2], AlsSolver::Cholesky, "cannot be solved"),
    ] {
        let train = Sequences::from_events(2, 2, events).unwrap();
        let config = AlsConfig { solver, ..of() };
        let why = Als::fit(&train, &config, 1, &Progress::silent()).unwrap_err().to_string();
        assert!(why.contains(word) && why.contains("models.als.alpha"), "{why}");
    }
}

#[test]
fn hostile_files_are_refused() {
    let config = AlsConfig { factors: 5, ..AlsConfig::default() };
    let model = Als::fit(&planted(30, 20), &config, 9, &Progress::silent()).unwrap();
    let (bytes, place) = (model.to_bytes().unwrap(), Path::new("als.safetensors"));
    assert_eq!(Als::from_bytes(&bytes, place).unwrap(), model);
    for length in [0, 7, 8, 40, bytes.len() / 2, bytes.len() - 1] {
        assert!(Als::from_bytes(&bytes[..length], place).is_err());
    }
    let with = |value: f32| {
        let mut broken = bytes.clone();
        let end = broken.len();
        broken[end - 4..].copy_from_slice(&value.to_le_bytes());
        Als::from_bytes(&broken, place).unwrap_err().to_string()
    };
    assert!(
        with(f32::NAN).contains("not finite") && with(f32::NAN).contains("als.safetensors")
    );
    assert!(with(f32::MAX).contains("too large"));
    let facts = |from: &str, to: &str| {
        let text = String::from_utf8_lossy(&bytes[..300]).into_owned();
        assert!(text.contains(from), "{text}");
        let at = text.find(from).unwrap();
        let mut broken = bytes.clone();
        broken[at..at + from.len()].copy_from_slice(to.as_bytes());
        Als::from_bytes(&broken, place).unwrap_err().to_string()
    };
    facts(r#"\"factors\":5"#, r#"\"factors\":6"#);
    facts(r#"\"factors\":5"#, r#"\"factors\":0"#);
    facts(r#"\"items\":20"#, r#"\"items\":99"#);
}
