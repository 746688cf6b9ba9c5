//! Where a run stands: all that the next step depends on, beside weights and moments.
//!
//! What is not here follows from what is: dropout, negatives, windows and the order of users from
//! seed, step and epoch; the steps that the schedule counts on from settings and data.

use data::Sequences;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tensor::Parameters;
use xxhash_rust::xxh3::Xxh3;

use crate::config::SequenceConfig;
use crate::fit::EpochFacts;
use crate::items::ItemsCopy;

/// Facts of a checkpoint.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Standing {
    pub(crate) config: SequenceConfig,
    pub(crate) seed: u64,
    /// Of the training data; going on with other data is another run.
    pub(crate) data: String,
    pub(crate) step: u64,
    /// Finished epochs.
    pub(crate) epoch: u32,
    /// Batches of the epoch after them that are done.
    pub(crate) batch: u64,
    /// Sums over that epoch so far: of the tokens' losses, of tokens, of operations.
    pub(crate) loss_sum: f64,
    pub(crate) tokens: u64,
    #[serde(default)]
    pub(crate) flops: u64,
    /// What finished epochs said of themselves.
    pub(crate) epochs: Vec<EpochFacts>,
    pub(crate) best_epoch: Option<u32>,
    /// Validations since the best one.
    pub(crate) worse: u32,
    /// Steps of each optimiser, by parameter.
    pub(crate) optimizer_steps: Vec<u64>,
    /// Steps of a keyed table of items, which keeps its optimiser's memory itself.
    #[serde(default)]
    pub(crate) table_steps: Option<u32>,
    /// Whether that table is on disk.
    #[serde(default)]
    pub(crate) on_disk: bool,
}

/// Weights and items of the best epoch so far.
#[derive(Debug, Clone)]
pub(crate) struct Kept {
    pub(crate) parameters: Parameters,
    pub(crate) items: ItemsCopy,
}

impl Standing {
    /// Before the first step.
    pub(crate) fn at_start(
        config: &SequenceConfig,
        seed: u64,
        data: String,
        on_disk: bool,
    ) -> Standing {
        Standing {
            config: config.clone(),
            seed,
            data,
            step: 0,
            epoch: 0,
            batch: 0,
            loss_sum: 0.0,
            tokens: 0,
            flops: 0,
            epochs: Vec::new(),
            best_epoch: None,
            worse: 0,
            optimizer_steps: Vec::new(),
            table_steps: None,
            on_disk,
        }
    }

    /// How the run that is asked for differs from this one, in words; none: it is this one.
    pub(crate) fn differs(&self, asked: &Standing) -> Option<String> {
        if self.data != asked.data {
            return Some("with other training data".into());
        }
        if self.seed != asked.seed {
            return Some(format!("with seed {}, not {}", self.seed, asked.seed));
        }
        if self.on_disk != asked.on_disk {
            return Some(match self.on_disk {
                true => "with items on disk, within a --table-memory of any size".into(),
                false => "with all items in memory, without --table-memory".into(),
            });
        }
        if self.config == asked.config {
            return None;
        }
        let json = |config: &SequenceConfig| serde_json::to_value(config).unwrap_or_default();
        let (own, others) = (json(&self.config), json(&asked.config));
        let setting = first_difference("", &own, &others);
        Some(setting.unwrap_or_else(|| "with other settings".into()))
    }

    /// Whether training is over: all epochs run, or none better for long.
    pub(crate) fn finished(&self) -> bool {
        let patience = self.config.patience;
        self.epoch >= self.config.epochs || patience > 0 && self.worse >= patience
    }

    /// NDCG of the best epoch.
    pub(crate) fn best_ndcg(&self) -> Option<f64> {
        let best = self.best_epoch?;
        self.epochs.iter().find(|facts| facts.epoch == best)?.ndcg
    }
}

/// `with loss.temperature 0.1, not 1.0`, for the first setting that is not the same.
fn first_difference(name: &str, own: &Value, other: &Value) -> Option<String> {
    let (Value::Object(fields), Value::Object(others)) = (own, other) else {
        return (own != other).then(|| format!("with {name} {own}, not {other}"));
    };
    let names = fields.keys().chain(others.keys());
    names.into_iter().find_map(|field| {
        let full = if name.is_empty() { field.clone() } else { format!("{name}.{field}") };
        let of = |fields: &serde_json::Map<String, Value>| {
            fields.get(field).cloned().unwrap_or(Value::Null)
        };
        first_difference(&full, &of(fields), &of(others))
    })
}

/// What a run learns from, in a few digits; with `times` where they are part of it.
pub(crate) fn fingerprint(train: &Sequences, held: Option<&Sequences>, times: bool) -> String {
    let mut hash = Xxh3::new();
    for part in [Some(train), held].into_iter().flatten() {
        hash.update(&part.item_count().to_le_bytes());
        hash.update(&(part.users() as u64).to_le_bytes());
        for offset in part.offsets() {
            hash.update(&(*offset as u64).to_le_bytes());
        }
        for item in part.items() {
            hash.update(&item.to_le_bytes());
        }
    }
    if times {
        for time_ms in train.times_ms() {
            hash.update(&time_ms.to_le_bytes());
        }
    }
    format!("{:016x}", hash.digest())
}
