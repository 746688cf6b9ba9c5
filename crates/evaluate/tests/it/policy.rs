//! Policies valued from logs: estimates hit the truth, intervals hold it, faults raise alarms.

use data::Progress;
use evaluate::policy::{
    Additive, Clicked, Health, Logged, Method, Row, counterfactual_dcg, difference, draft,
    tabular, value, values,
};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

const ACTIONS: usize = 10;

/// Chance for tests.
struct Dice(ChaCha8Rng);

impl Dice {
    fn new(seed: u64) -> Dice {
        Dice(ChaCha8Rng::seed_from_u64(seed))
    }

    fn share(&mut self) -> f64 {
        (self.0.next_u64() >> 11) as f64 / (1u64 << 53) as f64
    }
}

/// A made log: rewards, logger and target depend on a context; also the target's true value.
struct Made {
    logged: Logged,
    truth: f64,
    /// E(r|x, a) of every candidate.
    expected: Vec<f64>,
}

fn made(rows: usize, seed: u64, wrong: impl Fn(&mut Dice, f64) -> f64, shown: usize) -> Made {
    let mut dice = Dice::new(seed);
    let mut faults = Dice::new(seed ^ 0x5eed);
    let mut logged = Logged::new();
    let (mut truth, mut expected) = (0.0, Vec::new());
    for row in 0..rows {
        let q: Vec<f64> = (0..ACTIONS).map(|_| 0.05 + 0.5 * dice.share()).collect();
        let mut logger: Vec<f64> = q.iter().map(|q| (3.0 * q + dice.share()).exp()).collect();
        // Only the first `shown` are ever chosen.
        logger[shown..].fill(0.0);
        let total: f64 = logger.iter().sum();
        logger.iter_mut().for_each(|share| *share /= total);
        let best = (0..ACTIONS).max_by(|a, b| q[*a].total_cmp(&q[*b])).unwrap_or(0);
        let target: Vec<f64> = (0..ACTIONS)
            .map(|at| if at == best { 0.5 } else { 0.0 } + 0.5 / ACTIONS as f64)
            .collect();
        let (mut at, mut rest) = (0, dice.share());
        while at + 1 < shown && rest >= logger[at] {
            rest -= logger[at];
            at += 1;
        }
        let reward = if dice.share() < q[at] { 1.0 } else { 0.0 };
        let propensity = wrong(&mut faults, logger[at]).clamp(1e-6, 1.0);
        let candidates: Vec<u32> = (0..ACTIONS as u32).collect();
        logged
            .push(Row {
                user: (row / 2) as u32,
                action: at,
                propensity,
                reward,
                target: &target,
                candidates: &candidates,
            })
            .expect("a good row");
        truth += target.iter().zip(&q).map(|(share, q)| share * q).sum::<f64>();
        expected.extend_from_slice(&q);
    }
    Made { logged, truth: truth / rows as f64, expected }
}

fn right(rows: usize, seed: u64) -> Made {
    made(rows, seed, |_, propensity| propensity, ACTIONS)
}

#[test]
fn estimates_come_to_the_truth() {
    let mut made = right(40_000, 3);
    let q = made.expected.clone();
    made.logged.set_estimates(q).expect("one a candidate");
    for method in [Method::Ips, Method::Snips, Method::Dr, Method::SnDr, Method::Dm] {
        let found = value(&made.logged, method, 50, 1, &Progress::silent()).expect("rows");
        assert!((found.value - made.truth).abs() < 0.02, "{}: {found:?}", method.name());
        assert!(found.low <= found.value && found.value <= found.high);
    }
    // The mean of d is the truth itself where q̂ is.
    let exact = value(&made.logged, Method::Dm, 5, 1, &Progress::silent()).expect("rows");
    assert!((exact.value - made.truth).abs() < 1e-9);
}

#[test]
fn the_interval_of_dr_holds_the_truth() {
    let (mut held, runs) = (0, 1000);
    for seed in 0..runs {
        let mut made = right(300, seed);
        let estimates = tabular(&made.logged, 3, 9);
        made.logged.set_estimates(estimates).expect("one a candidate");
        let found = value(&made.logged, Method::Dr, 200, seed, &Progress::silent());
        let found = found.expect("rows");
        held += u32::from(found.low <= made.truth && made.truth <= found.high);
    }
    assert!(f64::from(held) >= 0.92 * runs as f64, "{held} of {runs}");
}

#[test]
fn planted_faults_raise_the_alarm_and_right_logs_do_not() {
    let mut false_alarms = 0;
    for seed in 0..100 {
        false_alarms += u32::from(!Health::of(&right(5000, seed).logged).alarms.is_empty());
        let wrong = made(5000, seed, |dice, p| p * (0.5 + 1.5 * dice.share()), ACTIONS);
        assert!(!Health::of(&wrong.logged).alarms.is_empty(), "wrong propensities, {seed}");
        let unseen = made(5000, seed, |_, propensity| propensity, ACTIONS - 3);
        assert!(!Health::of(&unseen.logged).alarms.is_empty(), "no support, {seed}");
        let sure = made(5000, seed, |_, propensity| propensity, 1);
        assert!(!Health::of(&sure.logged).alarms.is_empty(), "deterministic, {seed}");
    }
    assert!(false_alarms <= 1, "{false_alarms} of 100");
}

#[test]
fn a_paired_difference_is_the_difference() {
    let made = right(4000, 5);
    let zero =
        difference(&made.logged, &made.logged, Method::Snips, 50, 1, &Progress::silent())
            .expect("the same rows");
    assert!(zero.value.abs() < 1e-12 && zero.low.abs() < 1e-12 && zero.high.abs() < 1e-12);
    let other = right(4000, 6);
    let refusal =
        difference(&made.logged, &other.logged, Method::Ips, 5, 1, &Progress::silent());
    assert!(refusal.expect_err("other rows").to_string().contains("other actions"));
}

#[test]
fn bad_rows_are_refused_by_number() {
    let good = Row {
        user: 1,
        action: 0,
        propensity: 0.5,
        reward: 1.0,
        target: &[0.5, 0.5],
        candidates: &[7, 8],
    };
    let refusal = |row: Row<'_>| {
        let mut logged = Logged::new();
        logged.push(good).expect("a good row");
        logged.push(row).expect_err("a bad one").to_string()
    };
    assert_eq!(refusal(Row { action: 2, ..good }), "row 1: action 2 of 2 candidates");
    for propensity in [0.0, -0.1, 1.1, f64::NAN] {
        let found = refusal(Row { propensity, ..good });
        assert_eq!(
            found,
            format!("row 1: a propensity of {propensity}; it lies above 0 and up to 1")
        );
    }
    assert_eq!(refusal(Row { reward: f64::INFINITY, ..good }), "row 1: a reward of inf");
    assert!(refusal(Row { target: &[0.5, 0.4], ..good }).starts_with("row 1: the target's"));
    assert_eq!(refusal(Row { candidates: &[7], ..good }), "row 1: 1 items for 2 candidates");
    let empty = value(&Logged::new(), Method::Ips, 5, 1, &Progress::silent());
    assert!(empty.is_err());
    let mut logged = Logged::new();
    logged.push(good).expect("a good row");
    let unfit = value(&logged, Method::Dr, 5, 1, &Progress::silent());
    assert!(unfit.expect_err("no estimates").to_string().contains("cross-fitted"));
    assert!(logged.set_estimates(vec![0.0, f64::NAN]).is_err());
}

#[test]
fn drafts_are_fair_and_clicks_are_credited() {
    let coins = [true, false];
    let mut at = 0;
    let drafted = draft(&[1, 2, 3, 4], &[2, 1, 5, 6], 5, || {
        at += 1;
        coins[(at - 1) & 1]
    });
    // The first begins: 1 and 2; then the second: 5 and 3; then the first again: 4.
    assert_eq!(drafted.items, [1, 2, 5, 3, 4]);
    assert_eq!(drafted.first, [true, false, false, true, true]);
    assert_eq!(drafted.credit(&[0, 3, 1, 99]), 1);
    assert_eq!(draft(&[1], &[1], 9, || true).items, [1]);
    assert!(draft(&[], &[], 3, || false).items.is_empty());
    // Equal rankings are credited alike in the long run.
    let mut dice = Dice::new(4);
    let mut sum = 0;
    for _ in 0..4000 {
        let ranking = [1, 2, 3, 4];
        let drafted = draft(&ranking, &ranking, 4, || dice.share() < 0.5);
        sum += drafted.credit(&[0]);
    }
    assert!(sum.abs() < 260, "{sum}: four standard deviations are 253");
}

#[test]
fn a_click_far_down_speaks_for_more() {
    let examined = [1.0, 0.5, 0.01];
    let click = |shown, ranked| Clicked { shown, ranked };
    let dcg = |clicks: &[Clicked]| counterfactual_dcg(clicks, &examined).unwrap();
    assert_eq!(dcg(&[]), None);
    assert!((dcg(&[click(1, Some(0))]).unwrap() - 1.0).abs() < 1e-12);
    // Weights 1 and 2: (1/log2(3) + 2)/3.
    let both = dcg(&[click(0, Some(1)), click(1, Some(0))]).unwrap();
    assert!((both - (1.0 / 3f64.log2() + 2.0) / 3.0).abs() < 1e-12);
    // θ has a floor of 0.05: weight 20, and what is ranked nowhere gains nothing.
    let floor = dcg(&[click(0, Some(0)), click(2, None)]).unwrap();
    assert!((floor - 1.0 / 21.0).abs() < 1e-12);
    assert!(counterfactual_dcg(&[click(3, None)], &examined).is_err());
    assert!(counterfactual_dcg(&[], &[0.0]).is_err());
}

#[test]
fn the_pseudo_inverse_is_right_over_all_slates() {
    // Every order of 2 out of 4, by a logger that prefers 0 then 1, and a target that shows 2 then 0.
    const CANDIDATES: usize = 4;
    let slates = || {
        (0..CANDIDATES)
            .flat_map(|a| (0..CANDIDATES).filter(move |b| *b != a).map(move |b| [a, b]))
    };
    let logger = |slate: [usize; 2]| 0.4 / 12.0 + if slate == [0, 1] { 0.6 } else { 0.0 };
    let target = |slate: [usize; 2]| 0.1 / 12.0 + if slate == [2, 0] { 0.9 } else { 0.0 };
    // What a pair is worth; the whole adds up.
    let worth = [[0.3, 0.1, 0.7, 0.2], [0.5, 0.4, 0.05, 0.9]];
    let reward = |slate: [usize; 2]| worth[0][slate[0]] + worth[1][slate[1]];
    let mut wanted = vec![0.0; 2 * CANDIDATES];
    for slate in slates() {
        wanted[slate[0]] += target(slate);
        wanted[CANDIDATES + slate[1]] += target(slate);
    }
    let truth: f64 = slates().map(|slate| target(slate) * reward(slate)).sum();
    let additive = Additive::explored(2, CANDIDATES, 0.4).unwrap();
    let expected = |weight: &dyn Fn([usize; 2]) -> f64| {
        slates().map(|slate| logger(slate) * weight(slate) * reward(slate)).sum::<f64>()
    };
    let estimate = expected(&|slate| additive.weight(&wanted, &slate));
    assert!((estimate - truth).abs() < 1e-9, "{estimate} {truth}");
    // The same from the chances of pairs, whoever gives them.
    let by_pairs = Additive::new(2, CANDIDATES, |a, b| {
        let has = |slate: [usize; 2], pair: (usize, usize)| slate[pair.0] == pair.1;
        let both = slates().filter(|slate| has(*slate, a) && has(*slate, b));
        both.map(logger).sum()
    })
    .unwrap();
    let again = expected(&|slate| by_pairs.weight(&wanted, &slate));
    assert!((again - truth).abs() < 1e-9, "{again} {truth}");
    // Weights of pairs are smaller than those of slates.
    let spread = |weight: &dyn Fn([usize; 2]) -> f64| {
        slates().map(|slate| logger(slate) * weight(slate).powi(2)).sum::<f64>()
    };
    let of_pairs = spread(&|slate| additive.weight(&wanted, &slate));
    let of_slates = spread(&|slate| target(slate) / logger(slate));
    assert!(of_pairs < 0.7 * of_slates, "{of_pairs} {of_slates}");
    // A logger that never leaves anything to chance speaks for itself alone, at any size.
    for (places, candidates) in [(2, 4), (10, 30)] {
        let certain = Additive::explored(places, candidates, 0.0).unwrap();
        let mut own = vec![0.0; places * candidates];
        (0..places).for_each(|place| own[place * candidates + place] = 1.0);
        let shown: Vec<usize> = (0..places).collect();
        let weight = certain.weight(&own, &shown);
        assert!((weight - 1.0).abs() < 1e-6, "{weight}");
    }
    assert!(Additive::explored(3, 2, 0.5).is_err());
    assert!(Additive::new(1, 1, |_, _| 2.0).is_err());
}

#[test]
fn several_methods_over_the_same_draws_are_what_they_are_alone() {
    let mut made = made(400, 5, |_, p| p, ACTIONS);
    made.logged.set_estimates(made.expected).unwrap();
    let together = values(&made.logged, &Method::ALL, 50, 3, &Progress::silent()).unwrap();
    for (method, together) in Method::ALL.into_iter().zip(together) {
        let alone = value(&made.logged, method, 50, 3, &Progress::silent()).unwrap();
        assert_eq!(alone, together, "{}", method.name());
    }
}
