//! Batches and a model in; checkpoints out.
#![forbid(unsafe_code)]

mod error;
mod prefetch;
mod optim;
mod schedule;

pub use error::{Error, Result};
pub use optim::{
    Adagrad, AdagradConfig, Adam, AdamConfig, LazyAdam, Moments, RowwiseAdagrad,
    RowwiseAdagradConfig, WeightDecay, clip, norm,
};
pub use prefetch::Prefetch;
pub use schedule::{Decay, Schedule};
