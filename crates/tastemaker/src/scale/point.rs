//! A point of the curve: one size, trained and judged.

use std::path::PathBuf;

use anyhow::Result;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use train::{EpochFacts, SequenceConfig};

use crate::experiment::{Machine, Store};

/// Version of the file; another is run again.
const POINT_VERSION: u32 = 1;

/// What makes a point what it is. Equal identity, equal numbers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Identity {
    version: u32,
    /// All settings of the training.
    settings: Value,
    pub(crate) seed: u64,
    split: String,
    /// Fingerprint of training and validation part.
    data: String,
}

impl Identity {
    pub(crate) fn of(
        config: &SequenceConfig,
        seed: u64,
        split: String,
        data: &str,
    ) -> Result<Identity> {
        let settings = serde_json::to_value(config)?;
        Ok(Identity { version: POINT_VERSION, settings, seed, split, data: data.to_owned() })
    }

    /// Where it is kept.
    pub(crate) fn place(&self) -> PathBuf {
        PathBuf::from(format!("size-{}.json", self.digits()))
    }

    /// Where its training keeps checkpoints.
    pub(crate) fn checkpoints(&self) -> PathBuf {
        PathBuf::from(format!("training-{}", self.digits()))
    }

    fn digits(&self) -> String {
        blake3::hash(serde_json::to_string(self).unwrap_or_default().as_bytes()).to_hex()[..16]
            .to_owned()
    }
}

/// The file of a point.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Point {
    pub(crate) identity: Identity,
    pub(crate) dim: u32,
    pub(crate) blocks: u32,
    /// Items included.
    pub(crate) parameters: u64,
    /// Multiplications and additions of the training up to the epoch that was kept, as metered.
    pub(crate) flops: u64,
    /// Those of every epoch.
    pub(crate) flops_all: u64,
    /// Of validation, of the kept epoch.
    pub(crate) ndcg: f64,
    /// Of what came next among the whole catalogue, in nats.
    pub(crate) loss: f64,
    pub(crate) epochs: Vec<EpochFacts>,
    pub(crate) best_epoch: u32,
    /// Users that were judged.
    pub(crate) cases: u64,
    pub(crate) seconds: f64,
    pub(crate) machine: Machine,
    pub(crate) finished_ms: i64,
}

impl Point {
    /// The one that is kept for `identity`.
    pub(crate) fn kept(store: &Store, identity: &Identity) -> Result<Option<Point>> {
        let kept: Option<Point> = store.get(&identity.place(), "size")?;
        Ok(kept.filter(|point| point.identity == *identity))
    }
}
