//! Causal attention over jagged rows: softmax(q kᵀ scale) v, each token seeing itself and what
//! came before it in its row.

use crate::kernel::Grad;
use crate::op::AttentionShape;
use crate::{Offsets, Real};

/// Queries, keys and values: columns of one matrix or of several (see [`AttentionShape`]).
#[derive(Debug, Clone, Copy)]
pub struct Inputs<'a, F> {
    /// `[Σ n, query_stride]`
    pub query: &'a [F],
    /// `[Σ n, key_stride]`
    pub key: &'a [F],
    /// `[Σ n, value_stride]`
    pub value: &'a [F],
}

/// Writes `out [Σ n, heads × width]` and `lse [Σ n, heads]`, the log of each softmax's sum.
pub fn forward<F: Real>(
    shape: AttentionShape,
    offsets: &Offsets,
    inputs: Inputs<'_, F>,
    out: &mut [F],
    lse: &mut [F],
) {
    let width = shape.head_width;
    for row in offsets.ranges() {
        for head in 0..shape.heads {
            for at in row.clone() {
                let scores: Vec<F> =
                    (row.start..=at).map(|key| score(shape, inputs, head, at, key)).collect();
                let most = scores.iter().copied().fold(F::NEG_INFINITY, F::max);
                let sum = scores.iter().map(|score| (*score - most).exp()).sum::<F>();
                lse[at * shape.heads + head] = most + sum.ln();
                let to = (at * shape.heads + head) * width;
                out[to..to + width].fill(F::ZERO);
                let stream = shape.stream_of(at, head);
                for (key, score) in scores.iter().enumerate() {
                    let kept = F::of(f64::from(shape.kept(stream, key)));
                    let weight = kept * (*score - most).exp() / sum;
                    let from = shape.value_at(row.start + key, head);
                    for lane in 0..width {
                        out[to + lane] += weight * inputs.value[from + lane];
                    }
                }
            }
        }
    }
}

fn score<F: Real>(
    shape: AttentionShape,
    inputs: Inputs<'_, F>,
    head: usize,
    query: usize,
    key: usize,
) -> F {
    let (q, k) = (shape.query_at(query, head), shape.key_at(key, head));
    let products =
        (0..shape.head_width).map(|lane| inputs.query[q + lane] * inputs.key[k + lane]);
    products.sum::<F>() * F::of(f64::from(shape.scale))
}

/// Adds the gradients of queries, keys and values to `dquery`, `dkey` and `dvalue`, which have
/// the layout of the inputs. One buffer may stand for several: then hand it over as `dquery` and
/// leave the others out, and columns are found by the shape's offsets.
#[allow(clippy::too_many_arguments, reason = "one argument a tensor")]
pub fn backward<F: Real>(
    shape: AttentionShape,
    offsets: &Offsets,
    inputs: Inputs<'_, F>,
    out: &[F],
    lse: &[F],
    dout: &[F],
    dquery: Grad<'_, F>,
    mut dkey_value: Option<Grad<'_, F>>,
) {
    let width = shape.head_width;
    let scale = F::of(f64::from(shape.scale));
    let dquery = dquery.zeroed();
    let mut dkey_value = dkey_value.take().map(Grad::zeroed);
    for row in offsets.ranges() {
        for head in 0..shape.heads {
            for at in row.clone() {
                let to = (at * shape.heads + head) * width;
                let stream = shape.stream_of(at, head);
                let along = (0..width).map(|lane| dout[to + lane] * out[to + lane]).sum::<F>();
                for key in row.start..=at {
                    let weight = (score(shape, inputs, head, at, key)
                        - lse[at * shape.heads + head])
                        .exp();
                    let (q, k, v) = (
                        shape.query_at(at, head),
                        shape.key_at(key, head),
                        shape.value_at(key, head),
                    );
                    let dweight = (0..width)
                        .map(|lane| dout[to + lane] * inputs.value[v + lane])
                        .sum::<F>();
                    let kept = F::of(f64::from(shape.kept(stream, key - row.start)));
                    let dscore = weight * (kept * dweight - along) * scale;
                    for lane in 0..width {
                        dquery[q + lane] += dscore * inputs.key[k + lane];
                        let others = dkey_value.as_deref_mut().unwrap_or(dquery);
                        others[k + lane] += dscore * inputs.query[q + lane];
                        others[v + lane] += kept * weight * dout[to + lane];
                    }
                }
            }
        }
    }
}
