//! Points of the space in which tastes, topics and items lie.

use crate::dice::Dice;

/// Its dimension.
pub(crate) const DIM: usize = 16;

/// A point. Tastes, topics and items have length 1.
pub(crate) type Vector = [f32; DIM];

/// A direction, uniform over the sphere.
pub(crate) fn direction(dice: &mut Dice) -> Vector {
    let mut vector = [0.0; DIM];
    vector.iter_mut().for_each(|value| *value = dice.normal());
    unit(vector)
}

/// Of length 1; the first axis where there is no direction.
pub(crate) fn unit(mut vector: Vector) -> Vector {
    let length = dot(&vector, &vector).sqrt();
    if length < 1e-6 {
        vector = [0.0; DIM];
        vector[0] = 1.0;
        return vector;
    }
    vector.iter_mut().for_each(|value| *value /= length);
    vector
}

/// `√(1 − share) · a + √share · b`, of length 1: for unrelated directions `share` is the share of
/// the square.
pub(crate) fn mixed(a: &Vector, b: &Vector, share: f32) -> Vector {
    let (keep, take) = ((1.0 - share).max(0.0).sqrt(), share.max(0.0).sqrt());
    let mut sum = [0.0; DIM];
    for at in 0..DIM {
        sum[at] = keep * a[at] + take * b[at];
    }
    unit(sum)
}

pub(crate) fn dot(a: &Vector, b: &Vector) -> f32 {
    // Four sums, so that the loop becomes vector instructions whatever the rules of rounding.
    let mut sums = [0.0f32; 4];
    for (a, b) in a.chunks_exact(4).zip(b.chunks_exact(4)) {
        for lane in 0..4 {
            sums[lane] += a[lane] * b[lane];
        }
    }
    (sums[0] + sums[1]) + (sums[2] + sums[3])
}

/// 1 / (1 + exp(−x)).
pub(crate) fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + (-x).exp())
}
