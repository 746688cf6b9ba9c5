//! Clipping by the global norm (Pascanu, Mikolov & Bengio, ICML 2013).

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use super::sweep::PIECE;

const LANES: usize = 8;

/// The Euclidean norm of all `gradients` together, summed in f64 in one fixed order.
pub fn norm<'a>(gradients: impl IntoIterator<Item = &'a [f32]>) -> f64 {
    gradients.into_iter().map(squares).sum::<f64>().sqrt()
}

/// Scales `gradients` so that their common norm is at most `norm_max`, and returns the norm they
/// had: the factor is `norm_max / (norm + 1e-6)` where that is below 1, as in PyTorch's
/// `clip_grad_norm_`. A norm that is not finite is returned and nothing is scaled: look at it
/// before you step.
pub fn clip(gradients: &mut [&mut [f32]], norm_max: f64) -> f64 {
    let norm = norm(gradients.iter().map(|gradient| &**gradient));
    let factor = norm_max / (norm + 1e-6);
    if norm.is_finite() && factor < 1.0 {
        let factor = factor as f32;
        for gradient in gradients {
            gradient.par_chunks_mut(PIECE).for_each(|piece| {
                Arch::new().dispatch(Scale { piece, factor });
            });
        }
    }
    norm
}

fn squares(gradient: &[f32]) -> f64 {
    if gradient.len() <= PIECE {
        return Arch::new().dispatch(Squares { piece: gradient });
    }
    let pieces: Vec<f64> = gradient
        .par_chunks(PIECE)
        .map(|piece| Arch::new().dispatch(Squares { piece }))
        .collect();
    // In the order of the pieces, whichever thread was first.
    pieces.iter().sum()
}

struct Squares<'a> {
    piece: &'a [f32],
}

impl WithSimd for Squares<'_> {
    type Output = f64;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> f64 {
        let (chunks, rest) = self.piece.as_chunks::<LANES>();
        let mut lanes = [0.0f64; LANES];
        for chunk in chunks {
            for (lane, value) in lanes.iter_mut().zip(chunk) {
                let value = f64::from(*value);
                *lane += value * value;
            }
        }
        let square = |value: &f32| f64::from(*value) * f64::from(*value);
        lanes.iter().sum::<f64>() + rest.iter().map(square).sum::<f64>()
    }
}

struct Scale<'a> {
    piece: &'a mut [f32],
    factor: f32,
}

impl WithSimd for Scale<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        for value in self.piece {
            *value *= self.factor;
        }
    }
}

#[cfg(test)]
mod tests;
