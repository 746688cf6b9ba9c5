//! Dense and jagged tensors, a tape of fused layers, kernels per device.
//!
//! Numbers in, gradients out: [`Tensor`] and [`Jagged`] hold numbers, a [`Tape`] writes down
//! layers as they are computed and reads them backwards, a [`Device`] says which kernels
//! compute. Nothing here knows what is recommended.

mod error;
mod real;
mod device;
mod tensor;
mod jagged;
mod parameters;
mod random;
mod buffers;
mod meter;
mod tape;
mod op;
pub mod kernel;
pub mod scan;

pub use buffers::{Buffer, Buffers};
pub use device::Device;
pub use error::{Error, Result};
pub use jagged::{Jagged, Offsets};
pub use meter::{Counted, Meter};
pub use op::{
    Activation, AttentionShape, Contrast, LinearShape, Negatives, NormKind, Qkv, SampledLoss,
    SampledShape, scores,
};
pub use parameters::{ParameterId, Parameters};
pub use random::Dropout;
pub use real::Real;
pub use tape::{Gradients, Tape, Var, Workspace};
pub use tensor::Tensor;
