//! A vector in one byte a number, and how far from it that is.
//!
//! x̂ = scale · codes with codes in -127..=127 and the scale that brings the largest number to
//! 127. For a query q and its q̂ Cauchy and Schwarz give
//! `|q·x - q̂·x̂| <= ‖q‖ ‖x - x̂‖ + ‖q - q̂‖ ‖x̂‖`: a bound for every pair out of four numbers.
//!
//! What is rounded on the way is in the bound as well. The score is summed in f32 (at most
//! `width / 16 + 16` roundings on the way of one product), the estimate and the bar are
//! computed in f32 (fewer than 16 roundings): both are at most a small multiple of ‖q‖ ‖x‖ or
//! ‖q‖ ‖x̂‖, and that multiple is added to ‖x - x̂‖. Every norm is rounded up.

use super::product::LANES;
use crate::error::{Result, refused};

/// Longest vector: products of two such vectors, and all that is computed of them, are finite.
const NORM_MAX: f64 = (1u64 << 60) as f64;
/// Below this scale a vector counts as zero: products of two scales stay normal numbers.
const SCALE_MIN: f32 = 1.0 / (1u64 << 60) as f32;
/// Largest code.
const CODE_MAX: f32 = 127.0;
/// Roundings of the estimate and of the bar, as a part of ‖q‖ (‖x‖ + ‖x̂‖).
const ROUNDING: f64 = 1.0 / (1u64 << 18) as f64;
/// One rounding of an f32.
const EPSILON: f64 = 1.0 / (1u64 << 23) as f64;

/// What is known of a vector beside its codes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Measures {
    /// x̂ = scale · codes.
    pub(super) scale: f32,
    /// ‖x‖, or a little more.
    pub(super) norm: f32,
    /// ‖x - x̂‖, or a little more.
    pub(super) residual: f32,
    /// ‖x̂‖, or a little more.
    pub(super) approximate_norm: f32,
}

impl Measures {
    /// What a row adds to the bound for each unit of a query's norm: its residual, and the
    /// roundings of scores and estimates.
    pub(super) fn spread(&self, width: usize) -> f32 {
        let roundings = (width / LANES + 16) as f64 * EPSILON + ROUNDING;
        let norms = f64::from(self.norm) + f64::from(self.approximate_norm);
        up(f64::from(self.residual) + roundings * norms)
    }
}

/// Refuses numbers that are not finite, and vectors too long to be squared.
pub(super) fn check(op: &'static str, what: &str, row: usize, values: &[f32]) -> Result<()> {
    if let Some(column) = values.iter().position(|value| !value.is_finite()) {
        let value = values[column];
        return refused(
            op,
            format!("{what} {row} has {value} at column {column}, needs finite numbers"),
        );
    }
    let norm = norm(values.iter().map(|value| f64::from(*value)));
    if norm > NORM_MAX {
        return refused(
            op,
            format!("{what} {row} has length {norm:e}, more than 2^60; scale it down"),
        );
    }
    Ok(())
}

/// Writes the codes of `values`, which passed [`check`].
pub(super) fn encode(values: &[f32], codes: &mut [i8]) -> Measures {
    let largest = values.iter().fold(0.0f32, |largest, value| largest.max(value.abs()));
    let exact = up(norm(values.iter().map(|value| f64::from(*value))));
    let scale = largest / CODE_MAX;
    if scale < SCALE_MIN {
        codes.fill(0);
        return Measures { scale: 1.0, norm: exact, residual: exact, approximate_norm: 0.0 };
    }
    let inverse = 1.0 / scale;
    for (code, value) in codes.iter_mut().zip(values) {
        *code = (value * inverse).round_ties_even().clamp(-CODE_MAX, CODE_MAX) as i8;
    }
    // Of the codes as they are: right however the scale and they were rounded.
    let about = |code: &i8| f64::from(scale) * f64::from(*code);
    let residual =
        values.iter().zip(codes.iter()).map(|(value, code)| f64::from(*value) - about(code));
    Measures {
        scale,
        norm: exact,
        residual: up(norm(residual)),
        approximate_norm: up(norm(codes.iter().map(about))),
    }
}

fn norm(values: impl Iterator<Item = f64>) -> f64 {
    values.map(|value| value * value).sum::<f64>().sqrt()
}

/// At least this, for all roundings of a norm's sum and of products of two norms.
fn up(value: f64) -> f32 {
    if value > 0.0 { ((value * (1.0 + 8.0 * EPSILON)) as f32).next_up() } else { 0.0 }
}
