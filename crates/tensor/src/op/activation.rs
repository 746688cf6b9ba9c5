//! Activations, fused into the linear layer before them.

use crate::Real;

/// What a linear layer ends with.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Activation {
    /// Nothing.
    #[default]
    None,
    /// max(x, 0)
    Relu,
    /// x / (1 + e^-x)
    Silu,
    /// 1 / (1 + e^-x)
    Sigmoid,
    /// (e^x - e^-x) / (e^x + e^-x)
    Tanh,
    /// x Φ(x) by its tanh form: 0.5 x (1 + tanh(√(2/π) (x + 0.044715 x³)))
    Gelu,
}

impl Activation {
    /// Whether [`Activation::slope`] needs the value before the activation; else it takes the
    /// result.
    pub fn keeps_input(self) -> bool {
        matches!(self, Activation::Silu | Activation::Gelu)
    }

    /// Applies it.
    #[inline]
    pub fn of<F: Real>(self, x: F) -> F {
        match self {
            Activation::None => x,
            // Not `max`, which would hide a NaN.
            Activation::Relu => {
                if x < F::ZERO {
                    F::ZERO
                } else {
                    x
                }
            }
            Activation::Silu => x * sigmoid(x),
            Activation::Sigmoid => sigmoid(x),
            Activation::Tanh => x.tanh(),
            Activation::Gelu => F::of(0.5) * x * (F::ONE + gelu_inner(x).tanh()),
        }
    }

    /// Its derivative, from the input where it [`Activation::keeps_input`], else from the result.
    #[inline]
    pub fn slope<F: Real>(self, known: F) -> F {
        match self {
            Activation::None => F::ONE,
            Activation::Relu => {
                if known > F::ZERO {
                    F::ONE
                } else {
                    F::ZERO
                }
            }
            Activation::Silu => {
                let open = sigmoid(known);
                open * (F::ONE + known * (F::ONE - open))
            }
            Activation::Sigmoid => known * (F::ONE - known),
            Activation::Tanh => F::ONE - known * known,
            Activation::Gelu => {
                let tanh = gelu_inner(known).tanh();
                let inner = F::of(GELU) * (F::ONE + F::of(3.0 * 0.044_715) * known * known);
                F::of(0.5) * (F::ONE + tanh)
                    + F::of(0.5) * known * (F::ONE - tanh * tanh) * inner
            }
        }
    }
}

/// √(2/π)
const GELU: f64 = 0.797_884_560_802_865_4;

fn gelu_inner<F: Real>(x: F) -> F {
    F::of(GELU) * (x + F::of(0.044_715) * x * x * x)
}

fn sigmoid<F: Real>(x: F) -> F {
    F::ONE / (F::ONE + (-x).exp())
}
