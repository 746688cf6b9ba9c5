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
mod config;
mod example;
mod touched;
mod updater;
mod trainer;
mod rank;
mod validate;
mod checkpoint;
mod fit;

pub use checkpoint::Checkpoints;
pub use config::{ItemUpdates, Loss, Optimizer, SequenceConfig};
pub use error::{Error, Result};
pub use example::{Examples, epoch};
pub use fit::{EpochFacts, Run, Trained, fit};
pub use gbce::gbce_beta;
pub use logq::LogQ;
pub use prefetch::Prefetch;
pub use rank::rank;
pub use schedule::{Decay, Schedule};
pub use trainer::{StepFacts, Trainer};
