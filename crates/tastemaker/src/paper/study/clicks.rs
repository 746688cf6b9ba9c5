//! A click model above a view: what an embedding scheme is worth at a budget.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use models::DcnConfig;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tables::{Combine, Dtype, Feature, FeatureTables, Optimiser, Salts, ViewConfig, ViewKind};
use tensor::Device;
use train::{ClickConfig, ClickTrainer, Clicks};

use super::world::WorldSettings;
use super::{Measured, criteo};

/// `settings` of a cell.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ClicksSettings {
    source: Source,
    view: View,
    /// Share of the numbers that a row an id would take.
    budget: f64,
    /// Columns of a feature.
    width: usize,
    /// Chunks that they come in: rows of a table have `width / probes` numbers.
    #[serde(default = "one")]
    probes: usize,
    /// Whether all features hash with one salt.
    #[serde(default)]
    one_salt: bool,
    /// First rows are uniform between −bound and bound.
    #[serde(default = "bound")]
    bound: f32,
    /// Rate of the tables' Adagrad.
    table_rate: f32,
    #[serde(default)]
    crosses: u32,
    #[serde(default)]
    hidden: Vec<u32>,
    train: ClickConfig,
}

fn one() -> usize {
    1
}

fn bound() -> f32 {
    0.1
}

/// Where examples come from.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, tag = "kind", rename_all = "kebab-case")]
enum Source {
    /// A world whose probabilities are known.
    World(WorldSettings),
    /// The file `criteo-80k/criteo.parquet` of the data folder.
    Criteo,
}

/// [`ViewKind`], as recipes name it.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(deny_unknown_fields, tag = "kind", rename_all = "kebab-case")]
enum View {
    PerFeature,
    Hashed,
    Unified { tables: usize },
    MultiHash { hashes: usize },
    HashEmbedding { hashes: usize, importance: f64 },
    QuotientRemainder { combine: Combined },
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Combined {
    Multiply,
    Add,
    Concat,
}

/// Examples of a cell.
pub(super) struct Examples {
    pub(super) train: Clicks,
    pub(super) test: Clicks,
    /// Ids of each feature.
    pub(super) cardinalities: Vec<u64>,
    /// LogLoss of the true probabilities of the test, where they are known.
    pub(super) bayes: Option<f64>,
}

/// Reads and checks settings.
pub(super) fn parse(settings: &Value) -> Result<ClicksSettings> {
    let own: ClicksSettings = serde_json::from_value(settings.clone())?;
    ensure!(
        own.budget.is_finite() && own.budget > 0.0,
        "budget: {} is not above 0",
        own.budget
    );
    ensure!(
        own.probes > 0 && own.width.is_multiple_of(own.probes),
        "probes: {} do not share {} columns",
        own.probes,
        own.width
    );
    if let Source::World(world) = &own.source {
        world.check()?;
    }
    Ok(own)
}

impl ClicksSettings {
    pub(super) fn must_have(&self, data: &Path) -> Result<()> {
        match self.source {
            Source::Criteo => criteo::must_exist(data),
            Source::World(_) => Ok(()),
        }
    }

    fn view(&self, names: &[String], cardinalities: &[u64], seed: u64) -> Result<ViewConfig> {
        let kind = match self.view {
            View::PerFeature => ViewKind::PerFeature,
            View::Hashed => ViewKind::Hashed,
            View::Unified { tables } => ViewKind::Unified { tables },
            View::MultiHash { hashes } => ViewKind::MultiHash { hashes },
            View::HashEmbedding { hashes, importance } => {
                ViewKind::HashEmbedding { hashes, importance }
            }
            View::QuotientRemainder { combine } => ViewKind::QuotientRemainder {
                combine: match combine {
                    Combined::Multiply => Combine::Multiply,
                    Combined::Add => Combine::Add,
                    Combined::Concat => Combine::Concat,
                },
            },
        };
        let features = names.iter().zip(cardinalities).map(|(name, all)| Feature {
            name: name.clone(),
            probes: self.probes,
            cardinality: Some(*all),
        });
        let mut config = ViewConfig {
            kind,
            features: features.collect(),
            width: self.width / self.probes,
            numbers: 0,
            seed,
            salts: if self.one_salt { Salts::Shared } else { Salts::Own },
            dtype: Dtype::F32,
            bound: self.bound,
            optimiser: Optimiser::Adagrad { rate: self.table_rate, epsilon: 1e-8 },
        };
        let all = config.collisionless().context("cardinalities are known")?;
        config.numbers = (all as f64 * self.budget) as usize;
        Ok(config)
    }
}

/// Runs a cell: trains on the one part, scores on the other.
pub(super) fn run(
    settings: &ClicksSettings,
    data: &Path,
    seed: u64,
    quick: bool,
) -> Result<Measured> {
    let examples = match &settings.source {
        Source::World(world) => world.examples(seed, quick)?,
        Source::Criteo => criteo::examples(data, seed, quick)?,
    };
    let names = &examples.train.names;
    let tables = FeatureTables::new(settings.view(names, &examples.cardinalities, seed)?)?;
    let numbers = tables.numbers() as f64;
    let network = DcnConfig {
        dense: examples.train.dense_width as u32,
        embeddings: tables.width() as u32,
        crosses: settings.crosses,
        hidden: settings.hidden.clone(),
        ..DcnConfig::default()
    };
    let mut trainer = ClickTrainer::new(&network, tables, &settings.train, seed, Device::Cpu)?;
    let losses = trainer.fit(&examples.train)?;
    let scores = trainer.scores(&examples.test)?;
    let mut metrics = BTreeMap::from([
        ("log_loss".to_owned(), scores.log_loss),
        ("auc".to_owned(), scores.auc),
        ("numbers".to_owned(), numbers),
    ]);
    if let Some(bayes) = examples.bayes {
        metrics.insert("bayes".into(), bayes);
        metrics.insert("excess".into(), scores.log_loss - bayes);
    }
    Ok(Measured { metrics, curves: BTreeMap::from([("train_log_loss".into(), losses)]) })
}
