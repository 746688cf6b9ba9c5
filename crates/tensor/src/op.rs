//! Layers: each file has what the tape writes down, which kernel it chooses, and its backward.

pub mod jagged;
mod activation;
mod linear;
mod norm;
mod attention;
pub(crate) mod time_bucket;
pub(crate) mod event_rows;
mod pointwise_attention;
pub(crate) mod key_values;
mod residual;
mod gate;
mod gather;
mod columns;
mod multiply;
mod normalise;
mod sampled_loss;
mod binary_loss;
mod weighted_sum;
mod scores;

use crate::buffers::{Buffer, Buffers};
use crate::device::Device;
use crate::error::Result;
use crate::kernel::{Grad, cpu};
use crate::parameters::ParameterId;
use crate::tape::{Backward, Gradient, Recomputed, Var};

pub use activation::Activation;
pub use attention::{AttentionShape, Qkv};
pub use event_rows::EventRows;
pub use key_values::{KeyValues, NextTokens};
pub use linear::LinearShape;
pub use norm::NormKind;
pub use pointwise_attention::{PointwiseShape, ScoreBiases, Weighting};
pub use sampled_loss::{Contrast, Negatives, SampledLoss, SampledShape};
pub use scores::scores;
pub use time_bucket::{TIME_BUCKETS, time_bucket};

/// Every layer that a tape can hold.
#[derive(Debug)]
pub(crate) enum Op<'a> {
    Parameter(ParameterId),
    Leaf,
    Linear(linear::Linear),
    Norm(norm::Norm),
    Attention(attention::Attention<'a>),
    Pointwise(pointwise_attention::Pointwise<'a>),
    Residual(residual::Residual),
    Gated(gate::Gated),
    SwiGlu(gate::SwiGlu),
    Gather(gather::Gather<'a>),
    Concat(columns::Concat),
    Cut(columns::Cut),
    Multiply(multiply::Multiply),
    Normalise(normalise::Normalise),
    Sampled(sampled_loss::Sampled),
    Binary(binary_loss::Binary),
    WeightedSum(weighted_sum::WeightedSum<'a>),
    Jagged(jagged::layer::Layer<'a>),
    Recomputed(Recomputed<'a>),
}

impl Op<'_> {
    /// What errors call it.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Op::Parameter(_) => "parameter",
            Op::Leaf => "input",
            Op::Linear(_) => "linear",
            Op::Norm(_) => "norm",
            Op::Attention(_) => "attention",
            Op::Pointwise(_) => "pointwise attention",
            Op::Residual(_) => "residual",
            Op::Gated(_) => "gated residual",
            Op::SwiGlu(_) => "swiglu",
            Op::Gather(_) => "gather",
            Op::Concat(_) => "concat",
            Op::Cut(_) => "split",
            Op::Multiply(_) => "multiply",
            Op::Normalise(_) => "normalise",
            Op::Sampled(_) => "sampled loss",
            Op::Binary(_) => "binary loss",
            Op::WeightedSum(_) => "weighted sum",
            Op::Jagged(op) => op.name(),
            Op::Recomputed(_) => "recomputed part",
        }
    }

    /// Sends `dy`, the gradient of node `own`, on to its inputs; gives back `dy`'s memory where
    /// nobody keeps it.
    pub(crate) fn backward(
        &mut self,
        backward: &mut Backward<'_, '_>,
        own: Var,
        dy: Buffer,
    ) -> Result<Option<Buffer>> {
        match self {
            // The tape itself sees to these.
            Op::Parameter(_) | Op::Leaf | Op::Recomputed(_) => Ok(Some(dy)),
            Op::Linear(op) => op.backward(backward, own, dy),
            Op::Norm(op) => op.backward(backward, dy),
            Op::Attention(op) => op.backward(backward, own, dy),
            Op::Pointwise(op) => op.backward(backward, own, dy),
            Op::Residual(op) => op.backward(backward, dy),
            Op::Gated(op) => op.backward(backward, dy),
            Op::SwiGlu(op) => op.backward(backward, dy),
            Op::Gather(op) => op.backward(backward, dy),
            Op::Concat(op) => op.backward(backward, dy),
            Op::Cut(op) => op.backward(backward, own, dy),
            Op::Multiply(op) => op.backward(backward, dy),
            Op::Normalise(op) => op.backward(backward, own, dy),
            Op::Sampled(op) => op.backward(backward, dy),
            Op::Binary(op) => op.backward(backward, dy),
            Op::WeightedSum(op) => op.backward(backward, dy),
            Op::Jagged(op) => op.backward(backward, own, dy),
        }
    }

    /// Gives back what it saved for its backward.
    pub(crate) fn recycle(self, buffers: &mut Buffers) {
        match self {
            Op::Linear(op) => op.recycle(buffers),
            Op::Norm(op) => op.recycle(buffers),
            Op::Attention(op) => op.recycle(buffers),
            Op::Pointwise(op) => op.recycle(buffers),
            Op::Normalise(op) => op.recycle(buffers),
            Op::Sampled(op) => op.recycle(buffers),
            Op::Binary(op) => op.recycle(buffers),
            _ => {}
        }
    }
}

impl Gradient {
    /// As kernels take it.
    pub(crate) fn grad(&mut self) -> Grad<'_, f32> {
        Grad { values: &mut self.buffer, accumulate: self.accumulate }
    }
}

/// A wanted gradient, as kernels take it.
pub(crate) fn grad(gradient: &mut Option<Gradient>) -> Option<Grad<'_, f32>> {
    gradient.as_mut().map(Gradient::grad)
}

/// sum += more
pub(crate) fn add_into(device: Device, sum: &mut [f32], more: &[f32]) {
    match device {
        Device::Cpu => cpu::pointwise::add_into(sum, more),
        Device::Reference | Device::Cuda => {
            sum.iter_mut().zip(more).for_each(|(sum, more)| *sum += more);
        }
    }
}

/// Sends on a gradient that a loss made with its value: times `dy`, that of the loss itself.
pub(crate) fn pass_made(backward: &mut Backward<'_, '_>, var: Var, made: &mut Buffer, dy: f32) {
    let mut made = std::mem::take(made);
    if dy.to_bits() != 1.0f32.to_bits() {
        made.iter_mut().for_each(|made| *made *= dy);
    }
    if let Some(left) = backward.pass(var, made) {
        backward.buffers.give(left);
    }
}
