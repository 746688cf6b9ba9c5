//! Dense and jagged tensors, a tape of fused layers, kernels per device.
//!
//! Numbers in, gradients out: [`Tensor`] and [`Jagged`] hold numbers, a [`Tape`] writes down
//! layers as they are computed and reads them backwards, a [`Device`] says which kernels
//! compute. [`op`] has the jagged operations by themselves, [`scan`] the exact search of the best
//! items, [`peak`] what this machine can do. Nothing here knows what is recommended.

mod error;
mod real;
mod device;
mod tensor;
mod jagged;
mod pick;
mod parameters;
mod random;
mod buffers;
mod meter;
mod tape;
pub mod op;
pub mod kernel;
pub mod peak;
pub mod scan;

pub use buffers::{Buffer, Buffers};
pub use device::Device;
pub use error::{Error, Result};
pub use jagged::{Jagged, Offsets};
pub use kernel::pair::{Pair, PairMut};
pub use meter::{Counted, Meter};
pub use op::{
    Activation, AttentionShape, Contrast, EventRows, KeyValues, LinearShape, Negatives,
    NextTokens, NormKind, PointwiseShape, Qkv, SampledLoss, SampledShape, ScoreBiases,
    TIME_BUCKETS, Weighting, jagged::Pool, scores, time_bucket,
};
pub use parameters::{ParameterId, Parameters};
pub use pick::Pick;
pub use random::Dropout;
pub use real::Real;
pub use tape::{Gradients, Part, Tape, Var, Workspace};
pub use tensor::Tensor;
