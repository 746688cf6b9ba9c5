//! What a model version says of itself.

use std::path::Path;

use data::sealed::Manifest;
use data::split::SplitFacts;
use data::{Catalogue, ClockKind, Feedback};
use serde::{Deserialize, Serialize};

use super::file_of;
use crate::config::{MergeConfig, ModelsConfig};
use crate::model::Model;
use crate::retriever::Retriever;
use crate::{Error, Result};

/// Version of the facts that this program writes, and the newest it reads.
pub(super) const FORMAT: u32 = 1;

/// The facts of a version: what it was trained on, and how.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct VersionFacts {
    /// Version of this format.
    pub format: u32,
    /// When it was made, milliseconds since the epoch.
    pub created_ms: i64,
    /// Checksum of the log that it was trained on.
    pub log_checksum: String,
    /// Users of that log.
    pub users: u32,
    /// Items of that log.
    pub items: u32,
    /// Checksum of the user dictionary.
    pub users_blake3: String,
    /// Checksum of the item dictionary.
    pub items_blake3: String,
    /// What part of the log it saw.
    pub split: SplitFacts,
    /// Which events counted.
    pub feedback: Feedback,
    /// Settings of the models.
    pub models_config: ModelsConfig,
    /// Settings of the merge.
    pub merge_config: MergeConfig,
    /// Seed of the training.
    pub seed: u64,
    /// The version that was current before.
    pub parent: Option<String>,
    /// The models, in the order in which they were trained.
    pub models: Vec<ModelFacts>,
}

/// One model of a version.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelFacts {
    /// Its name: `item-knn`.
    pub name: String,
    /// Its file in the folder of the version.
    pub file: String,
    /// Seconds that its training took.
    pub seconds: f64,
    /// How the training went, for a model that is trained in epochs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub training: Option<TrainingFacts>,
}

/// How the training of a model went.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrainingFacts {
    /// Its settings.
    pub config: serde_json::Value,
    /// The epoch that validation liked best, from 1; the last where there was no validation.
    pub best_epoch: u32,
    /// Whether the model was then trained on all events for that many epochs.
    pub refitted: bool,
    /// The epochs in which `best_epoch` was found.
    pub epochs: Vec<TrainingEpoch>,
}

/// One epoch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrainingEpoch {
    /// From 1.
    pub epoch: u32,
    /// Mean loss over its events.
    pub loss: f64,
    /// NDCG@10 of validation, where it was done.
    pub ndcg: Option<f64>,
    /// Seconds of its steps.
    pub seconds: f64,
}

impl ModelFacts {
    /// The facts of `model`, whose training took so many seconds.
    pub fn of(model: &Model, seconds: f64) -> ModelFacts {
        let name = model.name().to_owned();
        // JSON has no word for what is no number.
        let seconds = if seconds.is_finite() { seconds.max(0.0) } else { 0.0 };
        ModelFacts { file: file_of(&name), name, seconds, training: None }
    }
}

impl VersionFacts {
    /// Facts of a version trained on the log with this catalogue; all others are empty or the
    /// defaults, to be replaced with `..`.
    pub fn of_catalogue(catalogue: &Catalogue) -> VersionFacts {
        VersionFacts {
            format: FORMAT,
            created_ms: 0,
            log_checksum: String::new(),
            users: catalogue.users.len(),
            items: catalogue.items.len(),
            users_blake3: catalogue.users.checksum(),
            items_blake3: catalogue.items.checksum(),
            split: SplitFacts {
                kind: "none".into(),
                leaky: false,
                clock: ClockKind::Real,
                validation_from_ms: None,
                test_from_ms: None,
                train_events: 0,
                validation_events: 0,
                test_events: 0,
            },
            feedback: Feedback::default(),
            models_config: ModelsConfig::default(),
            merge_config: MergeConfig::default(),
            seed: 0,
            parent: None,
            models: Vec::new(),
        }
    }

    pub(super) fn to_json(&self) -> Result<serde_json::Value> {
        serde_json::to_value(self)
            .map_err(|why| Error::Refused(format!("facts of the model version: {why}")))
    }

    /// Reads the facts of the folder at `dir`. A newer format is told apart before its fields
    /// are looked at.
    pub(super) fn of_manifest(manifest: &Manifest, dir: &Path) -> Result<VersionFacts> {
        #[derive(Deserialize)]
        struct Format {
            format: u32,
        }
        let Format { format: found } = manifest.facts(dir)?;
        if found > FORMAT {
            let path = dir.join(data::sealed::MANIFEST);
            return Err(data::Error::Newer { path, found, known: FORMAT }.into());
        }
        Ok(manifest.facts(dir)?)
    }
}
