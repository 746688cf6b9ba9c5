//! Negatives: which items a training step puts beside its positives, and with what probability.
//!
//! In: a [`Targets`] (users, jagged rows of target items) and a step number. Out: a [`Sampled`]
//! (lists of items with the log-probability that each was drawn with). Everything random is a
//! function of (seed, step): a resumed run draws what the broken one would have drawn.

mod config;
mod interacted;
mod alias;
mod distribution;
mod targets;
mod sampled;
mod lists;
mod in_batch;
mod hard;
mod sampler;

pub use config::{HARD_SHARE_MAX, HardWeight, Labels, Layout, Negatives};
pub use interacted::Interacted;
pub use sampled::Sampled;
pub use sampler::Sampler;
pub use targets::Targets;
