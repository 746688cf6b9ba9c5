//! Batches and a model in; checkpoints out.
//!
//! [`fit()`] is the whole run: it cuts [`Sequences`](data::Sequences) into [`Examples`], steps a
//! [`Trainer`], validates, keeps [`Checkpoints`] and gives a [`Trained`] model, whose catalogue
//! [`rank`](rank()) orders for any history. A [`Window`] says which part of a history an epoch
//! sees, [`sample`] draws negatives, [`logq`] says how a loss corrects for the draw, [`optim`]
//! moves weights.
#![forbid(unsafe_code)]

mod error;
mod prefetch;
mod stream;
pub mod sample;
pub mod frequency;
pub mod logq;
mod gbce;
pub mod optim;
mod schedule;
mod window;
mod stochastic_length;
mod config;
mod example;
mod epoch;
mod coverage;
mod rank;
mod mined;
mod drawn;
mod touched;
mod updater;
mod on_disk;
mod items;
mod trainer;
mod validate;
mod standing;
mod checkpoint;
mod epoch_line;
mod report;
mod fit;
mod continued;
mod click;

pub use checkpoint::Checkpoints;
pub use click::{
    ClickBatch, ClickConfig, ClickScores, ClickTrainer, Clicks, DenseStep, Stepped,
};
pub use config::{ItemUpdates, Loss, Optimizer, SequenceConfig};
pub use continued::{Continued, Learned};
pub use coverage::Coverage;
pub use epoch::{EpochSpec, epoch};
pub use epoch_line::EpochLine;
pub use error::{Error, Result};
pub use example::{Examples, Scored};
pub use fit::{EpochFacts, Run, Trained, fit};
pub use gbce::gbce_beta;
pub use items::Items;
pub use logq::LogQ;
pub use on_disk::{TableFacts, TableTier};
pub use prefetch::Prefetch;
pub use rank::rank;
pub use report::{Begin, Report, Steps};
pub use schedule::{Decay, Schedule};
pub use stochastic_length::{Keep, StochasticLength};
pub use trainer::{StepFacts, Trainer};
pub use window::{Spread, Window};
