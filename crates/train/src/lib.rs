//! Batches and a model in; checkpoints out.
#![forbid(unsafe_code)]

mod error;
mod prefetch;
pub mod sample;
pub mod frequency;
pub mod logq;
mod gbce;
mod optim;
mod schedule;

pub use error::{Error, Result};
pub use gbce::gbce_beta;
pub use logq::LogQ;
pub use optim::{
    Adagrad, AdagradConfig, Adam, AdamConfig, LazyAdam, Moments, RowwiseAdagrad,
    RowwiseAdagradConfig, WeightDecay, clip, norm,
};
pub use prefetch::Prefetch;
pub use sample::{Interacted, Negatives, Sampled, Sampler, Targets};
pub use schedule::{Decay, Schedule};
