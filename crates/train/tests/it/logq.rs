//! What each correction does to the gradient, against the full softmax.
//!
//! 200 items drawn by Zipf, 64 negatives, 6,000 draws. Scores are normal and the positive's is
//! set so that it has probability P under the full softmax. The gradients were measured by
//! another implementation, whose scores are not on record. Those of the corrections do not
//! depend on them and must agree to 0.03 for any; that of plain in-batch does depend on them (by
//! which scores popular items happen to have), and must lie where other normal scores put it.

use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use train::gbce_beta;
use train::logq::{LogQ, Query};

const ITEMS: usize = 200;
const DRAWN: usize = 64;
const DRAWS: usize = 6_000;

fn zipf() -> Vec<f64> {
    let total: f64 = (1..=ITEMS).map(|rank| 1.0 / rank as f64).sum();
    (1..=ITEMS).map(|rank| 1.0 / rank as f64 / total).collect()
}

/// Box and Muller's.
fn normal(rng: &mut impl Rng) -> f64 {
    let (a, b): (f64, f64) = (rng.random(), rng.random());
    (-2.0 * (1.0 - a).ln()).sqrt() * (std::f64::consts::TAU * b).cos()
}

struct Row {
    /// Popularity rank of the positive, from 0.
    positive: usize,
    probability: f64,
    /// Gradient on the positive's score: none, standard, negatives only, corrected.
    expected: [f64; 4],
}

const KINDS: [LogQ; 4] = [LogQ::None, LogQ::Standard, LogQ::NegativesOnly, LogQ::Corrected];

/// Mean gradient on the positive's score, and the sum over all items of how far the mean
/// gradient is from that of the full softmax.
fn measure(row: &Row, seed: u64, draws: usize) -> [(f64, f64); 4] {
    let q = zipf();
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut scores: Vec<f64> = (0..ITEMS).map(|_| normal(&mut rng)).collect();
    scores[row.positive] = f64::NEG_INFINITY;
    let rest: f64 = scores.iter().map(|score| score.exp()).sum();
    scores[row.positive] = (rest * row.probability / (1.0 - row.probability)).ln();
    let all = rest / (1.0 - row.probability);
    let mut full: Vec<f64> = scores.iter().map(|score| score.exp() / all).collect();
    full[row.positive] -= 1.0;

    let mut sum = 0.0;
    let before: Vec<f64> = q
        .iter()
        .map(|q| {
            sum += q;
            sum
        })
        .collect();
    let mut means = [const { [0.0; ITEMS] }; 4];
    for _ in 0..draws {
        let drawn = (0..DRAWN).map(|_| {
            let at: f64 = rng.random();
            before.partition_point(|end| *end <= at).min(ITEMS - 1)
        });
        let ids: Vec<usize> = drawn.filter(|item| *item != row.positive).collect();
        let negatives: Vec<f64> = ids.iter().map(|item| scores[*item]).collect();
        let log_q: Vec<f64> = ids.iter().map(|item| q[*item].ln()).collect();
        let query = Query {
            positive: scores[row.positive],
            positive_log_q: q[row.positive].ln(),
            negatives: &negatives,
            log_q: &log_q,
            drawn: DRAWN,
        };
        for (kind, mean) in KINDS.iter().zip(&mut means) {
            let gradient = kind.gradient(&query);
            mean[row.positive] += gradient.positive / draws as f64;
            for (item, gradient) in ids.iter().zip(gradient.negatives) {
                mean[*item] += gradient / draws as f64;
            }
        }
    }
    means.map(|mean| {
        let bias = mean.iter().zip(&full).map(|(mean, full)| (mean - full).abs()).sum();
        (mean[row.positive], bias)
    })
}

#[test]
fn the_corrections_move_the_gradient_as_measured_elsewhere() {
    let row = |positive, probability, expected| Row { positive, probability, expected };
    let rows = [
        row(0, 0.1, [-0.711, -0.989, -0.895, -0.896]),
        row(0, 0.5, [-0.201, -0.912, -0.493, -0.495]),
        row(20, 0.5, [-0.245, -0.338, -0.492, -0.494]),
        row(199, 0.1, [-0.719, -0.348, -0.896, -0.896]),
        row(199, 0.5, [-0.280, -0.056, -0.493, -0.493]),
    ];
    for row in rows {
        let place = format!("rank {}, P = {}", row.positive, row.probability);
        let measured = measure(&row, 0, DRAWS);
        for ((gradient, _), expected) in measured.iter().zip(row.expected).skip(1) {
            assert!((gradient - expected).abs() < 0.03, "{place}: {measured:?}");
        }
        let [none, standard, negatives, corrected] = measured.map(|(_, bias)| bias);
        assert!(negatives < 0.1 && corrected < 0.1, "{place}: {measured:?}");
        assert!(none > 0.5 && standard > 2.0 * negatives, "{place}: {measured:?}");
        // Correcting the positive too is worse than no correction where positives are rare, or
        // popular and already likely.
        let worse = row.positive == 199 || (row.positive == 0 && row.probability > 0.4);
        assert_eq!(standard > none, worse, "{place}: {measured:?}");

        const SCORES: u64 = 40;
        let plain: Vec<f64> = (0..SCORES).map(|seed| measure(&row, seed, 150)[0].0).collect();
        let mean = plain.iter().sum::<f64>() / SCORES as f64;
        let spread = plain.iter().map(|plain| (plain - mean).powi(2)).sum::<f64>();
        let spread = (spread / (SCORES - 1) as f64).sqrt();
        let away = (row.expected[0] - mean).abs();
        assert!(away < 2.0 * spread && spread < 0.06, "{place}: {mean} +- {spread}");
    }
}

fn query<'a>(positive: f64, negatives: &'a [f64], log_q: &'a [f64]) -> Query<'a> {
    Query { positive, positive_log_q: -2.0, negatives, log_q, drawn: negatives.len() + 1 }
}

#[test]
fn gradients_are_the_derivatives_of_the_losses() {
    const STEP: f64 = 1e-5;
    let (positive, scores, log_q) = (0.3, [1.0, -0.5, 0.2, 2.0], [-1.5, -3.0, -2.2, -0.9]);
    for kind in KINDS {
        let gradient = kind.gradient(&query(positive, &scores, &log_q));
        // The weight 1 - P passes no gradient: hold it where it is.
        let weight = |gradient: &train::logq::Gradient| match kind {
            LogQ::Corrected => -gradient.positive,
            _ => 1.0,
        };
        let held = weight(&gradient);
        let loss = |positive: f64, scores: &[f64]| {
            let at = kind.gradient(&query(positive, scores, &log_q));
            at.loss / weight(&at) * held
        };
        let slope =
            (loss(positive + STEP, &scores) - loss(positive - STEP, &scores)) / 2.0 / STEP;
        assert!((slope - gradient.positive).abs() < 1e-8, "{kind:?}: {slope}, {gradient:?}");
        for item in 0..scores.len() {
            let (mut up, mut down) = (scores, scores);
            up[item] += STEP;
            down[item] -= STEP;
            let slope = (loss(positive, &up) - loss(positive, &down)) / 2.0 / STEP;
            let ours = gradient.negatives[item];
            assert!((slope - ours).abs() < 1e-8, "{kind:?}, {item}: {slope}, {ours}");
        }
        let sum = gradient.positive + gradient.negatives.iter().sum::<f64>();
        assert!(sum.abs() < 1e-12, "{kind:?}: a shift of all scores changes nothing");
    }
}

#[test]
fn uniform_over_everything_is_the_full_softmax() {
    let scores = [0.5f64, -1.0, 2.0, 0.0];
    let log_q = [(0.2f64).ln(); 4];
    let all = 0.7f64.exp() + scores.iter().map(|score| score.exp()).sum::<f64>();
    // Five items, one draw of each; the positive's is a hit.
    let query = Query {
        positive: 0.7,
        positive_log_q: 0.2f64.ln(),
        negatives: &scores,
        log_q: &log_q,
        drawn: 5,
    };
    let expected = 0.7f64.exp() / all - 1.0;
    for kind in KINDS {
        let ours = kind.gradient(&query).positive;
        assert!((ours - expected).abs() < 1e-12, "{kind:?}: {ours}, not {expected}");
    }
    let cannot_be_drawn = Query {
        positive_log_q: f64::NEG_INFINITY,
        log_q: &[(0.25f64).ln(); 4],
        drawn: 4,
        ..query
    };
    for kind in [LogQ::NegativesOnly, LogQ::Corrected] {
        let ours = kind.gradient(&cannot_be_drawn).positive;
        assert!((ours - expected).abs() < 1e-9, "{kind:?}: {ours}, not {expected}");
    }
}

#[test]
fn extremes_stay_finite() {
    for kind in KINDS {
        for positive in [-1e4, 0.0, 1e4] {
            let at = kind.gradient(&query(positive, &[1e4, -1e4], &[-1e9, f64::NEG_INFINITY]));
            let numbers = [at.loss, at.positive, at.negatives[0], at.negatives[1]];
            assert!(numbers.iter().all(|number| number.is_finite()), "{kind:?}: {at:?}");
        }
        let empty = kind.gradient(&query(1.0, &[], &[]));
        assert!(empty.loss == 0.0 && empty.positive == 0.0 && empty.negatives.is_empty());
    }
}

#[test]
fn kinds_have_kebab_case_names() {
    let names = KINDS.map(|kind| serde_json::to_string(&kind).unwrap());
    assert_eq!(names, ["\"none\"", "\"standard\"", "\"negatives-only\"", "\"corrected\""]);
}

#[test]
fn gbce_beta_is_that_of_the_published_settings() {
    assert!((gbce_beta(256, 3_416, 0.75) - 0.30622).abs() < 5e-6);
    assert!((gbce_beta(256, 12_101, 0.75) - 0.26587).abs() < 5e-6);
    assert!((gbce_beta(256, 3_416, 1.0) - 0.07496).abs() < 5e-6, "alpha");
    assert!((gbce_beta(1, 1_000_000, 0.0) - 1.0).abs() < 1e-15);
}
