//! A user in; hundreds of candidates out.
//!
//! A [`Retriever`] gets a [`Query`] (a history slice, an instant, a [`Filter`], k) and answers
//! with scored items. It never reads the log: sessions without a user work the same way.
#![forbid(unsafe_code)]

mod error;
mod config;
mod filter;
mod retriever;
mod dense;
mod best;
mod scratch;
mod tensors;
mod recency;
mod popular;
mod neighbours;
mod item_knn;
mod als;
mod ease;
mod walk;
mod sequence;
mod model;
mod merge;
mod version;

pub use als::{Als, AlsTraining};
pub use config::{
    AlsConfig, AlsSolver, Count, EaseConfig, ItemKnnConfig, MODEL_NAMES, MergeConfig,
    ModelsConfig, PopularConfig, PopularLatelyConfig, Similarity, WalkConfig,
};
pub use ease::Ease;
pub use error::{Error, Result};
pub use filter::{Both, Everything, Filter, Unseen};
pub use item_knn::ItemKnn;
pub use merge::{Fallback, Merge, Merged, MergedItem, MergedSource, SourceTrace};
pub use model::Model;
pub use popular::Popular;
pub use retriever::{Candidate, Query, Reason, Retriever};
pub use sequence::{LiveFacts, Sequence};
pub use version::{
    ModelFacts, TrainingEpoch, TrainingFacts, Version, VersionEntry, VersionFacts, current,
    list, publish, rollback, set_current,
};
pub use walk::Walk;
