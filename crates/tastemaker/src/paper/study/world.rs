//! A world of clicks whose probabilities are known: `logit = bias + Σ_f a_f[v_f] + b[v_0] c[v_1]`, ids by Zipf's law.

use anyhow::{Result, ensure};
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use serde::{Deserialize, Serialize};
use train::Clicks;

use super::clicks::Examples;

/// `source = { kind = "world", … }`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WorldSettings {
    /// Ids of each field.
    sizes: Vec<u64>,
    /// Exponent of Zipf's law: the id of rank r comes with a probability of r^-exponent.
    zipf: f64,
    train: usize,
    test: usize,
    /// Deviation of a field's effects.
    effect: f64,
    /// Deviation of the interaction of the first two fields.
    pair: f64,
    bias: f64,
}

impl WorldSettings {
    pub(super) fn check(&self) -> Result<()> {
        ensure!(self.sizes.len() >= 2, "sizes: two fields at least");
        ensure!(self.sizes.iter().all(|own| (1..=1 << 24).contains(own)), "sizes: 1 to 2^24");
        ensure!(self.train > 0 && self.test > 0, "train and test: some examples each");
        let numbers = [self.zipf, self.effect, self.pair, self.bias];
        ensure!(numbers.iter().all(|own| own.is_finite()), "{numbers:?} are not all finite");
        Ok(())
    }

    /// Examples of a seed; a tenth of them where it is quick.
    pub(super) fn examples(&self, seed: u64, quick: bool) -> Result<Examples> {
        let mut random = ChaCha8Rng::seed_from_u64(seed ^ 0x0077_6f72_6c64);
        let mut effects = |size: u64, deviation: f64| -> Vec<f64> {
            (0..size).map(|_| deviation * normal(&mut random)).collect()
        };
        let own: Vec<Vec<f64>> =
            self.sizes.iter().map(|size| effects(*size, self.effect)).collect();
        let root = self.pair.abs().sqrt();
        let pair = [effects(self.sizes[0], root), effects(self.sizes[1], root)];
        let ranks: Vec<Vec<f64>> =
            self.sizes.iter().map(|size| self.cumulative(*size)).collect();
        let scale = if quick { 10 } else { 1 };
        let mut part = |count: usize| {
            let mut ids = vec![Vec::new(); self.sizes.len()];
            let (mut labels, mut loss) = (Vec::new(), 0.0);
            for _ in 0..(count / scale).max(1) {
                let mut logit = self.bias;
                let mut first = [0; 2];
                for (field, ranks) in ranks.iter().enumerate() {
                    let at = uniform(&mut random) * ranks[ranks.len() - 1];
                    let id = ranks.partition_point(|sum| *sum <= at).min(ranks.len() - 1);
                    logit += own[field][id];
                    if let Some(own) = first.get_mut(field) {
                        *own = id;
                    }
                    ids[field].push(Some(id as u64));
                }
                logit += pair[0][first[0]] * pair[1][first[1]];
                let probability = 1.0 / (1.0 + (-logit).exp());
                let label = uniform(&mut random) < probability;
                loss -= if label { probability.ln() } else { (1.0 - probability).ln() };
                labels.push(label);
            }
            let bayes = loss / labels.len() as f64;
            let names = (0..self.sizes.len()).map(|field| format!("field {field}")).collect();
            (Clicks { names, ids, dense: Vec::new(), dense_width: 0, labels }, bayes)
        };
        let (train, _) = part(self.train);
        let (test, bayes) = part(self.test);
        Ok(Examples { train, test, cardinalities: self.sizes.clone(), bayes: Some(bayes) })
    }

    fn cumulative(&self, size: u64) -> Vec<f64> {
        let mut sum = 0.0;
        let add = |rank: u64| {
            sum += (rank as f64).powf(-self.zipf);
            sum
        };
        (1..=size).map(add).collect()
    }
}

fn uniform(random: &mut ChaCha8Rng) -> f64 {
    (random.next_u64() >> 11) as f64 / (1u64 << 53) as f64
}

/// Box and Muller 1958.
fn normal(random: &mut ChaCha8Rng) -> f64 {
    let radius = (-2.0 * (1.0 - uniform(random)).ln()).sqrt();
    radius * (std::f64::consts::TAU * uniform(random)).cos()
}
