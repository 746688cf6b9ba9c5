//! Sampled softmax for one query and four ways to correct it for how its negatives were drawn.
//!
//! Sources: Yi et al., RecSys 2019 (logQ); Khrylchenko et al., RecSys 2025, arXiv 2507.09331
//! (the positive is never sampled, so only the rest is estimated). These are the plain f64
//! formulas; what trains is a fused operation that is tested against them.

use serde::{Deserialize, Serialize};

/// Log-probabilities are not taken below that of one in ten thousand million.
pub const LOG_Q_MIN: f64 = -23.025_850_929_940_457;

/// How scores are corrected for the probability q that sampling drew an item with.
///
/// s is a score (after the temperature), p the positive, j runs over the negatives drawn, n is
/// how many were drawn. Negatives equal to the positive are left out before (they are hits).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LogQ {
    /// `-s_p + log(e^{s_p} + sum_j e^{s_j})`. Right for uniform negatives up to a constant;
    /// with popular negatives, popular items are held down.
    #[default]
    None,
    /// Yi et al.: `s - log q` for every item, the positive too. Pushes popular positives too
    /// hard and starves rare ones.
    Standard,
    /// `-s_p + log(e^{s_p} + sum_j e^{s_j - log(n q_j)})`: the sum estimates that of the full
    /// softmax.
    NegativesOnly,
    /// Khrylchenko et al.: with `Q'_j = q_j / (1 - q_p)` and m negatives left,
    ///
    /// ```text
    /// P = e^{s_p} / (e^{s_p} + (1/m) sum_j e^{s_j - log Q'_j})
    /// L = stop(1 - P) (-s_p + log sum_j e^{s_j - log Q'_j})
    /// ```
    ///
    /// `stop` passes no gradient. The gradient is that of the full softmax with the items other
    /// than p estimated.
    Corrected,
}

/// One query: its positive and the negatives that were drawn for it, hits left out.
#[derive(Debug, Clone, Copy)]
pub struct Query<'a> {
    /// Score of the positive.
    pub positive: f64,
    /// Log of the probability that one draw gives the positive; `f64::NEG_INFINITY` where it
    /// cannot be drawn.
    pub positive_log_q: f64,
    /// Scores of the negatives.
    pub negatives: &'a [f64],
    /// Log of the probability that one draw gives each.
    pub log_q: &'a [f64],
    /// How many were drawn, hits included.
    pub drawn: usize,
}

/// Loss of one query, and what it passes back to the scores.
#[derive(Debug, Clone, PartialEq)]
pub struct Gradient {
    /// The loss.
    pub loss: f64,
    /// d loss / d score of the positive.
    pub positive: f64,
    /// d loss / d score of each negative.
    pub negatives: Vec<f64>,
}

impl LogQ {
    /// Loss and gradient of `query`. Without a negative both are 0.
    ///
    /// # Panics
    /// Where `negatives` and `log_q` have different lengths.
    pub fn gradient(self, query: &Query<'_>) -> Gradient {
        let Query { positive, positive_log_q, negatives, log_q, drawn } = *query;
        assert_eq!(negatives.len(), log_q.len(), "a log q for every negative");
        if negatives.is_empty() {
            return Gradient { loss: 0.0, positive: 0.0, negatives: Vec::new() };
        }
        let shift_positive = match self {
            LogQ::Standard => positive_log_q.max(LOG_Q_MIN),
            LogQ::None | LogQ::NegativesOnly | LogQ::Corrected => 0.0,
        };
        // What is added to log q: the scale on which a sum over negatives stands beside p.
        let scale = match self {
            LogQ::None | LogQ::Standard => 0.0,
            LogQ::NegativesOnly => (drawn as f64).ln(),
            LogQ::Corrected => {
                // log(m Q') - log q = log m - log(1 - q_p)
                (negatives.len() as f64).ln() - (-positive_log_q.min(-1e-10).exp()).ln_1p()
            }
        };
        let positive = positive - shift_positive;
        let corrected: Vec<f64> = negatives
            .iter()
            .zip(log_q)
            .map(|(score, log_q)| match self {
                LogQ::None => *score,
                _ => score - log_q.max(LOG_Q_MIN) - scale,
            })
            .collect();
        let log_rest = log_sum_exp(&corrected);
        let log_all = log_sum_exp(&[positive, log_rest]);
        let rest = (log_rest - log_all).exp(); // 1 - P
        let loss = match self {
            // The sum stands without its 1/m in the paper's loss: a constant.
            LogQ::Corrected => rest * (log_rest + (negatives.len() as f64).ln() - positive),
            LogQ::None | LogQ::Standard | LogQ::NegativesOnly => log_all - positive,
        };
        let negatives = corrected.iter().map(|score| (score - log_all).exp()).collect();
        Gradient { loss, positive: -rest, negatives }
    }
}

/// `log sum exp`, the largest taken out first.
fn log_sum_exp(values: &[f64]) -> f64 {
    let largest = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if largest == f64::NEG_INFINITY {
        return largest;
    }
    largest + values.iter().map(|value| (value - largest).exp()).sum::<f64>().ln()
}
