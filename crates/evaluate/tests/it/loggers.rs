//! Four loggers of one world: which of them tell what about which estimator. Root mean squared errors
//! over 100 runs, beside a table that was simulated elsewhere (in numpy, for our design notes).
//!
//! K = 30 actions. The notes say: the best action is worth .350, 0.9 of it and 0.1 of chance .3265 (so the
//! mean is .115), loggers are softmax(β·noisy score), q̂ = 0.8·q. They do not say how rewards
//! and noise are spread. Here q = σ(N(−2.25, 0.79²)), which has both means, and noise of 0.05, by which
//! effective rows at β = 10 and 30 are as in the table; every other number is a check.

use data::Progress;
use evaluate::policy::{Health, Logged, Method, Row, values};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

const K: usize = 30;
const RUNS: u64 = 100;
const MEAN: f64 = -2.25;
const SPREAD: f64 = 0.79;
const NOISE: f64 = 0.05;
const METHODS: [Method; 5] =
    [Method::Ips, Method::Snips, Method::Dr, Method::Dm, Method::Clipped(10.0)];

struct Dice(ChaCha8Rng);

impl Dice {
    fn share(&mut self) -> f64 {
        (self.0.next_u64() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Two normal numbers (Box and Muller 1958).
    fn normal(&mut self) -> [f64; 2] {
        let length = (-2.0 * (1.0 - self.share()).ln()).sqrt();
        let (sin, cos) = (std::f64::consts::TAU * self.share()).sin_cos();
        [length * cos, length * sin]
    }
}

/// Errors of each method, then effective rows as a share.
fn run(greed: f64, rows: usize, seed: u64) -> [f64; METHODS.len() + 1] {
    let mut dice = Dice(ChaCha8Rng::seed_from_u64(seed));
    let labels: Vec<u32> = (0..K as u32).collect();
    let mut logged = Logged::new();
    let (mut truth, mut estimates) = (0.0, Vec::with_capacity(rows * K));
    for row in 0..rows as u32 {
        let (mut q, mut logger) = ([0.0; K], [0.0; K]);
        for (q, score) in q.iter_mut().zip(&mut logger) {
            let [worth, noise] = dice.normal();
            *q = 1.0 / (1.0 + (-MEAN - SPREAD * worth).exp());
            *score = (greed * (*q + NOISE * noise)).exp();
        }
        let total: f64 = logger.iter().sum();
        logger.iter_mut().for_each(|share| *share /= total);
        let best = (0..K).max_by(|a, b| q[*a].total_cmp(&q[*b])).unwrap();
        let mut target = [0.1 / K as f64; K];
        target[best] += 0.9;
        let (mut action, mut rest) = (0, dice.share());
        while action + 1 < K && rest >= logger[action] {
            rest -= logger[action];
            action += 1;
        }
        let reward = if dice.share() < q[action] { 1.0 } else { 0.0 };
        let propensity = logger[action];
        logged
            .push(Row {
                user: row,
                action,
                propensity,
                reward,
                target: &target,
                candidates: &labels,
            })
            .unwrap();
        truth += 0.9 * q[best] + 0.1 * q.iter().sum::<f64>() / K as f64;
        estimates.extend(q.map(|q| 0.8 * q));
    }
    truth /= rows as f64;
    logged.set_estimates(estimates).unwrap();
    let found = values(&logged, &METHODS, 1, 1, &Progress::silent()).unwrap();
    let mut out = [0.0; METHODS.len() + 1];
    for (out, found) in out.iter_mut().zip(&found) {
        *out = found.value - truth;
    }
    out[METHODS.len()] = Health::of(&logged).effective_share;
    out
}

#[test]
#[allow(clippy::print_stdout, reason = "the table is what the test is about")]
fn errors_are_those_of_the_table() {
    // IPS, SNIPS, DR, DM, clipped at 10, effective share.
    let table = [
        (0.0, 2_000, [0.0615, 0.0507, 0.0490, 0.0648, 0.203, 0.041]),
        (0.0, 20_000, [0.0214, 0.0168, 0.0166, 0.0648, 0.201, 0.041]),
        (10.0, 20_000, [0.0096, 0.0077, 0.0080, 0.0650, 0.011, 0.211]),
        (30.0, 20_000, [0.0100, 0.0250, 0.0179, 0.0650, 0.019, 0.106]),
    ];
    let names = ["IPS", "SNIPS", "DR", "DM", "clipped at 10", "effective share"];
    let mut found = Vec::new();
    for (greed, rows, theirs) in table {
        let runs: Vec<_> =
            (0..RUNS).into_par_iter().map(|seed| run(greed, rows, seed)).collect();
        let mean =
            |of: &dyn Fn(&[f64; 6]) -> f64| runs.iter().map(of).sum::<f64>() / RUNS as f64;
        let mut ours: [f64; 6] =
            [0, 1, 2, 3, 4, 5].map(|at| mean(&|run| run[at].powi(2)).sqrt());
        ours[5] = mean(&|run| run[5]);
        println!("β {greed}, {rows} rows");
        for ((name, ours), theirs) in names.iter().zip(&ours).zip(&theirs) {
            println!("  {name}: {ours:.4}, in the table {theirs:.4} ({:.2})", ours / theirs);
        }
        found.push((greed, rows, ours, theirs));
    }
    for (greed, rows, ours, theirs) in &found {
        for (at, name) in names.iter().enumerate() {
            // One run in a hundred decides these: such weights have no variance to speak of.
            if *greed > 20.0 && name != &"DM" && name != &"effective share" {
                continue;
            }
            let ratio = ours[at] / theirs[at];
            assert!((0.8..1.2).contains(&ratio), "β {greed}, {rows} rows, {name}: {ratio:.2}");
        }
    }
    // The lesson of the last row: too greedy a logger is worse than a mild one, whatever the method.
    let [.., mild, greedy] = &found[..] else { panic!("four loggers") };
    for at in [0, 1, 2, 4] {
        assert!(greedy.2[at] > 1.2 * mild.2[at], "{}", names[at]);
    }
    assert!(greedy.2[5] < mild.2[5]);
}
