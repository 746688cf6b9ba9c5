//! Attention with SiLU weights and biases: see [`crate::op::PointwiseShape`].

use crate::Real;
use crate::kernel::Grad;
use crate::op::{EventRows, PointwiseShape, Weighting, time_bucket};

/// Values, queries and keys, and the tables of biases.
#[derive(Debug, Clone, Copy)]
pub struct Inputs<'a, F> {
    /// `[Σ n, stride]`
    pub x: &'a [F],
    /// `[places]`
    pub position: Option<&'a [F]>,
    /// `[129]`
    pub time: Option<&'a [F]>,
}

/// One pair of a token and what it sees.
struct Pair {
    token: usize,
    key: usize,
    /// Entries of the tables of biases.
    position: usize,
    bucket: usize,
}

/// What each token of each row sees.
fn pairs<'a>(
    rows: &'a EventRows<'_>,
    places: usize,
) -> impl Iterator<Item = (usize, Vec<Pair>)> + 'a {
    rows.offsets.ranges().enumerate().flat_map(move |(row, range)| {
        let roles = rows.roles(row, range.len());
        (0..range.len()).map(move |token| {
            let seen = (0..range.len()).filter(|key| roles.sees(token, *key));
            let pair = |key: usize| Pair {
                token: range.start + token,
                key: range.start + key,
                position: places.wrapping_sub(1).wrapping_sub(roles.distance(token, key)),
                bucket: usize::from(time_bucket(
                    rows.asked_at[range.start + token]
                        .wrapping_sub(rows.happened_at[range.start + key]),
                )),
            };
            (range.start + token, seen.map(pair).collect())
        })
    })
}

fn score<F: Real>(shape: PointwiseShape, inputs: Inputs<'_, F>, head: usize, pair: &Pair) -> F {
    let (q, k) = (shape.query_at(pair.token, head), shape.key_at(pair.key, head));
    let products = (0..shape.query_width).map(|lane| inputs.x[q + lane] * inputs.x[k + lane]);
    let mut score = products.sum::<F>() * F::of(f64::from(shape.scale));
    if let Some(position) = inputs.position {
        score += position[pair.position];
    }
    if let Some(time) = inputs.time {
        score += time[pair.bucket];
    }
    score
}

fn sigmoid<F: Real>(x: F) -> F {
    F::ONE / (F::ONE + (-x).exp())
}

/// Writes `out [Σ n, heads × value_width]`, and for the softmax `lse [Σ n, heads]`.
pub fn forward<F: Real>(
    shape: PointwiseShape,
    rows: &EventRows<'_>,
    inputs: Inputs<'_, F>,
    out: &mut [F],
    lse: &mut [F],
) {
    let width = shape.value_width;
    for (token, pairs) in pairs(rows, inputs.position.map_or(0, <[F]>::len)) {
        for head in 0..shape.heads {
            let scores: Vec<F> =
                pairs.iter().map(|pair| score(shape, inputs, head, pair)).collect();
            let weights: Vec<F> = match shape.weighting {
                Weighting::Silu { length } => {
                    let each = F::ONE / F::of(f64::from(length));
                    scores.iter().map(|score| *score * sigmoid(*score) * each).collect()
                }
                Weighting::Softmax => {
                    let most = scores.iter().copied().fold(F::NEG_INFINITY, F::max);
                    let sum = scores.iter().map(|score| (*score - most).exp()).sum::<F>();
                    lse[token * shape.heads + head] = most + sum.ln();
                    scores.iter().map(|score| (*score - most).exp() / sum).collect()
                }
            };
            let to = (token * shape.heads + head) * width;
            out[to..to + width].fill(F::ZERO);
            for (pair, weight) in pairs.iter().zip(weights) {
                let from = shape.value_at(pair.key, head);
                for lane in 0..width {
                    out[to + lane] += weight * inputs.x[from + lane];
                }
            }
        }
    }
}

/// Adds the gradients of `x` and of both tables.
#[allow(clippy::too_many_arguments, reason = "one argument a tensor")]
pub fn backward<F: Real>(
    shape: PointwiseShape,
    rows: &EventRows<'_>,
    inputs: Inputs<'_, F>,
    out: &[F],
    lse: &[F],
    dout: &[F],
    dx: Grad<'_, F>,
    dposition: Option<Grad<'_, F>>,
    dtime: Option<Grad<'_, F>>,
) {
    let scale = F::of(f64::from(shape.scale));
    let dx = dx.zeroed();
    let mut dposition = dposition.map(Grad::zeroed);
    let mut dtime = dtime.map(Grad::zeroed);
    for (token, pairs) in pairs(rows, inputs.position.map_or(0, <[F]>::len)) {
        for head in 0..shape.heads {
            let to = (token * shape.heads + head) * shape.value_width;
            let width = shape.value_width;
            let along = (0..width).map(|lane| dout[to + lane] * out[to + lane]).sum::<F>();
            for pair in &pairs {
                let score = score(shape, inputs, head, pair);
                let v = shape.value_at(pair.key, head);
                let dweight =
                    (0..width).map(|lane| dout[to + lane] * inputs.x[v + lane]).sum::<F>();
                let (weight, dscore) = match shape.weighting {
                    Weighting::Silu { length } => {
                        let each = F::ONE / F::of(f64::from(length));
                        let open = sigmoid(score);
                        let slope = open * (F::ONE + score * (F::ONE - open));
                        (score * open * each, dweight * slope * each)
                    }
                    Weighting::Softmax => {
                        let weight = (score - lse[token * shape.heads + head]).exp();
                        (weight, weight * (dweight - along))
                    }
                };
                for lane in 0..width {
                    dx[v + lane] += weight * dout[to + lane];
                }
                let (q, k) = (shape.query_at(token, head), shape.key_at(pair.key, head));
                for lane in 0..shape.query_width {
                    dx[q + lane] += dscore * scale * inputs.x[k + lane];
                    dx[k + lane] += dscore * scale * inputs.x[q + lane];
                }
                if let Some(dposition) = &mut dposition {
                    dposition[pair.position] += dscore;
                }
                if let Some(dtime) = &mut dtime {
                    dtime[pair.bucket] += dscore;
                }
            }
        }
    }
}
