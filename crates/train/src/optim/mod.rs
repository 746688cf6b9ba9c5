//! Optimisers: one struct a parameter, PyTorch's formulas in f32, the same bits for any number of
//! threads and any width of registers.
//!
//! Dense: [`Adam`] (with L2 or decoupled decay, which is AdamW), [`Adagrad`]. For tables of which
//! a step touches a few rows: [`LazyAdam`], [`RowwiseAdagrad`]. Moments are plain `Vec<f32>`s
//! with stable names, so that a checkpoint can hold them.

mod moments;
mod sweep;
mod adam;
mod adagrad;
mod rows;
mod lazy_adam;
mod rowwise_adagrad;
mod clip;

pub use adagrad::{Adagrad, AdagradConfig};
pub use adam::{Adam, AdamConfig, WeightDecay};
pub use clip::{clip, norm};
pub use lazy_adam::LazyAdam;
pub use moments::Moments;
pub use rowwise_adagrad::{RowwiseAdagrad, RowwiseAdagradConfig};
