//! Clicks: examples of dense numbers, features of ids and a label; a DCN above embedding tables.

mod batch;
mod dense_step;
mod trainer;

pub use batch::{ClickBatch, Clicks};
pub use dense_step::{DenseStep, Stepped};
pub use trainer::{ClickConfig, ClickScores, ClickTrainer};
