//! Batches and a model in; checkpoints out.
//!
//! [`fit()`] is the whole run: it cuts [`Sequences`](data::Sequences) into [`Examples`], steps a
//! [`Trainer`], validates, keeps [`Checkpoints`] and gives a [`Trained`] model, whose catalogue
//! [`rank`](rank()) orders for any history. [`sample`] draws negatives, [`logq`] says how a loss
//! corrects for the draw, [`optim`] moves weights.
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
mod rank;
mod mined;
mod drawn;
mod touched;
mod updater;
mod trainer;
mod validate;
mod standing;
mod checkpoint;
mod epoch_line;
mod report;
mod fit;

pub use checkpoint::Checkpoints;
pub use config::{ItemUpdates, Loss, Optimizer, SequenceConfig};
pub use epoch_line::EpochLine;
pub use error::{Error, Result};
pub use example::{Examples, epoch};
pub use fit::{EpochFacts, Run, Trained, fit};
pub use gbce::gbce_beta;
pub use logq::LogQ;
pub use prefetch::Prefetch;
pub use rank::rank;
pub use report::{Begin, Report, Steps};
pub use schedule::{Decay, Schedule};
pub use trainer::{StepFacts, Trainer};
