//! A trial: one combination with one seed, finished.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::Result;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use train::EpochFacts;

use super::plan::{Combination, Sweep};
use crate::experiment::{Machine, Store};

/// Version of the file; another is run again.
const TRIAL_VERSION: u32 = 1;

/// What makes a trial what it is. Equal identity, equal numbers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Identity {
    version: u32,
    pub(crate) model: String,
    /// All settings of the model, defaults included.
    pub(crate) settings: Value,
    pub(crate) seed: u64,
    pub(crate) split: String,
    /// Fingerprint of training and validation part.
    pub(crate) data: String,
}

impl Identity {
    /// That of a trial on `data`.
    pub(crate) fn of(
        sweep: &Sweep,
        combination: &Combination,
        seed: u64,
        data: &str,
    ) -> Identity {
        Identity {
            version: TRIAL_VERSION,
            model: sweep.model.clone(),
            settings: combination.json.clone(),
            seed,
            split: sweep.split.in_words(),
            data: data.to_owned(),
        }
    }

    /// Where it is kept. The data are no part of it, so that it is found without them.
    pub(crate) fn place(&self) -> PathBuf {
        let known = Identity { data: String::new(), ..self.clone() };
        PathBuf::from(format!("trial-{}.json", known.digits()))
    }

    /// Where its training keeps checkpoints.
    pub(crate) fn checkpoints(&self) -> PathBuf {
        PathBuf::from(format!("training-{}", self.digits()))
    }

    fn digits(&self) -> String {
        let text = serde_json::to_string(self).unwrap_or_default();
        blake3::hash(text.as_bytes()).to_hex()[..16].to_owned()
    }

    /// Whether `other` differs in its data at most.
    pub(crate) fn same_but_data(&self, other: &Identity) -> bool {
        Identity { data: other.data.clone(), ..self.clone() } == *other
    }
}

/// The file of a trial.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Trial {
    pub(crate) identity: Identity,
    /// What was varied, by path: for a reader of the file.
    pub(crate) values: BTreeMap<String, Value>,
    /// NDCG@10 of validation, of the best epoch where there are epochs; none where training
    /// diverged.
    pub(crate) ndcg: Option<f64>,
    /// How it diverged.
    pub(crate) failure: Option<String>,
    pub(crate) epochs: Vec<EpochFacts>,
    /// 0 for what has no epochs.
    pub(crate) best_epoch: u32,
    /// Users that validation could look at.
    pub(crate) cases: u64,
    pub(crate) seconds: f64,
    pub(crate) machine: Machine,
    pub(crate) finished_ms: i64,
}

impl Trial {
    /// The one that is kept for `identity`, on whatever data.
    pub(crate) fn kept(store: &Store, identity: &Identity) -> Result<Option<Trial>> {
        let kept: Option<Trial> = store.get(&identity.place(), "trial")?;
        Ok(kept.filter(|trial| trial.identity.same_but_data(identity)))
    }
}
