//! Rankings in; metrics, intervals and reports out.
//!
//! The way of a ranking: [`Cases`] says who is judged by what, a model's [`Ranked`] answers for
//! each case from the whole catalogue (never from sampled candidates: arXiv 2007.13237), and
//! [`evaluate()`] turns them into a [`Report`] with a user-bootstrap interval on every mean and
//! a paired difference from the baseline. A report is a file, a table for the terminal and a
//! page.
//!
//! It knows nothing of models: what ranks is the caller's affair.
#![forbid(unsafe_code)]

mod error;
mod config;
pub mod ranking;
pub mod beyond;
pub mod score;
mod cases;
mod slices;
pub mod bootstrap;
mod measure;
mod report;
mod verdict;
mod number;
mod terminal;
mod page;
pub mod policy;
pub mod shape;
mod play;
mod store;

pub use bootstrap::Interval;
pub use cases::Cases;
pub use config::{EvaluateConfig, SeenPolicy};
pub use error::{Error, Result};
pub use measure::{Ranked, Setting, evaluate};
pub use play::{
    ArmReport, Difference, Estimator, Interleaved, PLAY_FORMAT, PlayReport, PolicyEstimates,
    Tally, WorldFacts,
};
pub use report::{
    At, Beyond, CatalogueFacts, Group, GroupRow, GroupSize, Measured, Metric, ModelReport,
    REPORT_FORMAT, Report, SettingFacts, Slice, TOO_FEW_USERS,
};
pub use store::{latest, latest_play, play_ids, read_play, save, save_play};
