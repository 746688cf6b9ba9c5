//! What a step of the large one takes, known before anything is allocated: numbers, bytes,
//! operations.

use serde::Serialize;
use tensor::TIME_BUCKETS;

use super::shape::Shape;

/// Bytes of a number.
const NUMBER: u64 = 4;
/// Parts into which the kernel of a linear layer cuts its tokens at most, each with a gradient of
/// the weight of its own, and the least tokens of one.
const PARTS_MAX: u64 = 16;
const PART_TOKENS: u64 = 64;

/// Bytes at the worst moment, by what they are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) struct Bytes {
    /// 4 a parameter.
    pub(crate) weights: u64,
    /// 4 a parameter.
    pub(crate) gradients: u64,
    /// 8 a parameter: Adam's two moments.
    pub(crate) moments: u64,
    /// What the way back needs of the way there.
    pub(crate) activations: u64,
    /// Gradients of weights by parts of the tokens, before they are added up.
    pub(crate) partial_sums: u64,
}

impl Bytes {
    /// All together. Gradients may lie where activations lay, so a run can stay below; a buffer
    /// may be used again for what is smaller, so it can pass it by a little.
    pub(crate) fn total(&self) -> u64 {
        self.weights + self.gradients + self.moments + self.activations + self.partial_sums
    }
}

/// What a step takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) struct Prediction {
    /// All parameters, items included.
    pub(crate) parameters: u64,
    /// Those of the blocks.
    pub(crate) parameters_in_blocks: u64,
    pub(crate) bytes: Bytes,
    pub(crate) bytes_total: u64,
    /// Multiplications and additions of one step, as the meter counts them.
    pub(crate) flops: u64,
}

/// How [`Prediction::of`] counts, for a reader of the answer. T tokens, d columns, L layers.
pub(crate) const FORMULA: &str = "weights 4 P + gradients 4 P + moments 8 P + activations \
    4 (14 L T d + 5 T d + 2 items d), with recompute 4 ((L + 14) T d + 5 T d + 2 items d), + partial \
    sums 4 parts (4 d d), parts = T / 64, at most 16";

impl Prediction {
    /// That of one step. (A shape that [`Shape::settings`] accepts; no number overflows then.)
    pub(crate) fn of(shape: &Shape) -> Prediction {
        let [dim, layers, heads, head, rows, events, items, negatives] = [
            shape.width,
            shape.layers,
            shape.heads,
            shape.head_width(),
            shape.rows,
            shape.events,
            shape.items,
            shape.negatives,
        ]
        .map(u64::from);
        let tokens = rows * events;
        let values = heads * head; // columns of u, and of v, q and k alike
        let weights = dim * 4 * values + values * dim;
        let in_block = weights + dim + events + TIME_BUCKETS as u64;
        let parameters = layers * in_block + (events + items) * dim;

        // z, u and v, q, k with what stood before their SiLU, attention, its norm, the gated,
        // the branch, the sum.
        let of_block = tokens * (dim + 2 * values + 6 * values + 3 * values + 2 * dim);
        // Taken, placed, their sum; normalised, and the gradient that the loss makes at once.
        let outside = 5 * tokens * dim + 2 * items * dim;
        let of_blocks = match shape.recompute {
            true => layers * tokens * dim + of_block,
            false => layers * of_block,
        };
        let parts = tokens.div_ceil(tokens.div_ceil(PARTS_MAX).max(PART_TOKENS));
        // The widest layer's and those of the two others, which use the same memory.
        let partial_sums = parts * (dim * 3 * values + dim * values);
        let bytes = Bytes {
            weights: NUMBER * parameters,
            gradients: NUMBER * parameters,
            moments: 2 * NUMBER * parameters,
            activations: NUMBER * (of_blocks + outside),
            partial_sums: NUMBER * partial_sums,
        };

        let linear = 2 * tokens * weights;
        let pairs = rows * events * (events + 1) / 2;
        let attention = 2 * pairs * heads * 2 * head;
        // The way back: two products a linear layer; five for attention, where there are two.
        let step = 3 * linear + attention + attention / 2 * 5;
        let again = if shape.recompute { linear + attention } else { 0 };
        let loss = 3 * 2 * tokens * negatives * dim;
        Prediction {
            parameters,
            parameters_in_blocks: layers * in_block,
            bytes,
            bytes_total: bytes.total(),
            flops: layers * (step + again) + loss,
        }
    }

    /// Seconds of a step at so many GFLOP/s; none at 0.
    pub(crate) fn seconds(&self, gflops: f64) -> Option<f64> {
        (gflops > 0.0).then(|| self.flops as f64 / (gflops * 1e9))
    }
}

#[cfg(test)]
mod tests;
