//! Batches and a model in; checkpoints out.
#![forbid(unsafe_code)]

mod error;
mod prefetch;
pub mod sample;
pub mod frequency;
pub mod logq;
mod gbce;
pub mod optim;
mod schedule;

pub use error::{Error, Result};
pub use gbce::gbce_beta;
pub use prefetch::Prefetch;
pub use schedule::{Decay, Schedule};
