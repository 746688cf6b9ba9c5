//! Whichever model of histories was chosen: one door for training and retrieval.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use tensor::{Parameters, Tape, Tensor, Var};

use crate::{Hstu, HstuConfig, Positions, Result, Rows, SasRec, SasRecConfig};

/// What a model of histories is made of.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum SequenceModelConfig {
    /// SASRec and its relatives.
    #[serde(rename = "sasrec")]
    SasRec(SasRecConfig),
    /// HSTU.
    Hstu(HstuConfig),
}

impl Default for SequenceModelConfig {
    fn default() -> Self {
        SequenceModelConfig::SasRec(SasRecConfig::default())
    }
}

impl From<SasRecConfig> for SequenceModelConfig {
    fn from(config: SasRecConfig) -> Self {
        SequenceModelConfig::SasRec(config)
    }
}

impl From<HstuConfig> for SequenceModelConfig {
    fn from(config: HstuConfig) -> Self {
        SequenceModelConfig::Hstu(config)
    }
}

impl SequenceModelConfig {
    /// Refuses what no model can be made from.
    ///
    /// # Errors
    /// Names the setting.
    pub fn check(&self) -> Result<()> {
        match self {
            SequenceModelConfig::SasRec(config) => config.check(),
            SequenceModelConfig::Hstu(config) => config.check(),
        }
    }

    /// What people call it: `sasrec` or `hstu`.
    pub fn name(&self) -> &'static str {
        match self {
            SequenceModelConfig::SasRec(_) => "sasrec",
            SequenceModelConfig::Hstu(_) => "hstu",
        }
    }

    /// Columns of embeddings and hidden states.
    pub fn dim(&self) -> u32 {
        match self {
            SequenceModelConfig::SasRec(config) => config.dim,
            SequenceModelConfig::Hstu(config) => config.dim,
        }
    }

    /// Events of a history that the model sees: the latest.
    pub fn length_max(&self) -> u32 {
        match self {
            SequenceModelConfig::SasRec(config) => config.length_max,
            SequenceModelConfig::Hstu(config) => config.length_max,
        }
    }

    /// Where positions are counted from.
    pub fn positions(&self) -> Positions {
        match self {
            SequenceModelConfig::SasRec(config) => config.positions,
            SequenceModelConfig::Hstu(config) => config.positions,
        }
    }

    /// Whether scores of items are cosines.
    pub fn cosine(&self) -> bool {
        match self {
            SequenceModelConfig::SasRec(config) => config.cosine,
            SequenceModelConfig::Hstu(config) => config.cosine,
        }
    }

    /// Numbers that a model of these settings has at the very least: known before anything is
    /// allocated for it, and within a small factor of what will be. The settings are checked.
    pub fn numbers_least(&self) -> u64 {
        match self {
            SequenceModelConfig::SasRec(config) => {
                let [dim, blocks, hidden, length] =
                    [config.dim, config.blocks, config.hidden, config.length_max]
                        .map(u64::from);
                // Checked settings: the products stay far below 2^64.
                length * dim + blocks * (4 * dim * dim + 2 * dim * hidden)
            }
            SequenceModelConfig::Hstu(config) => {
                let [dim, blocks, heads, query, value, length] = [
                    config.dim,
                    config.blocks,
                    config.heads,
                    config.query_width,
                    config.value_width,
                    config.length_max,
                ]
                .map(u64::from);
                length * dim + blocks * dim * heads * (3 * value + 2 * query)
            }
        }
    }
}

/// A model of histories: parameters and a forward pass.
#[derive(Debug, Clone)]
pub enum SequenceModel {
    /// SASRec and its relatives.
    SasRec(SasRec),
    /// HSTU.
    Hstu(Hstu),
}

impl SequenceModel {
    /// First values from `seed`.
    ///
    /// # Errors
    /// Where the config makes no model.
    pub fn init(config: &SequenceModelConfig, seed: u64) -> Result<SequenceModel> {
        Ok(match config {
            SequenceModelConfig::SasRec(config) => {
                SequenceModel::SasRec(SasRec::init(config, seed)?)
            }
            SequenceModelConfig::Hstu(config) => SequenceModel::Hstu(Hstu::init(config, seed)?),
        })
    }

    /// First embeddings of `count` items, `[count, dim]`.
    pub fn init_items(config: &SequenceModelConfig, count: u32, seed: u64) -> Tensor {
        match config {
            SequenceModelConfig::SasRec(config) => SasRec::init_items(config, count, seed),
            SequenceModelConfig::Hstu(config) => Hstu::init_items(config, count, seed),
        }
    }

    /// What it is made of.
    pub fn config(&self) -> SequenceModelConfig {
        match self {
            SequenceModel::SasRec(model) => SequenceModelConfig::SasRec(model.config().clone()),
            SequenceModel::Hstu(model) => SequenceModelConfig::Hstu(model.config().clone()),
        }
    }

    /// What people call it: `sasrec` or `hstu`.
    pub fn name(&self) -> &'static str {
        match self {
            SequenceModel::SasRec(_) => "sasrec",
            SequenceModel::Hstu(_) => "hstu",
        }
    }

    /// All parameters, under stable names.
    pub fn parameters(&self) -> &Parameters {
        match self {
            SequenceModel::SasRec(model) => &model.parameters,
            SequenceModel::Hstu(model) => &model.parameters,
        }
    }

    /// As [`SequenceModel::parameters`], to be written.
    pub fn parameters_mut(&mut self) -> &mut Parameters {
        match self {
            SequenceModel::SasRec(model) => &mut model.parameters,
            SequenceModel::Hstu(model) => &mut model.parameters,
        }
    }

    /// Hidden states: `items [n, dim]` and the rows that the tokens take → `[Σ n, dim]`.
    ///
    /// # Errors
    /// Where an index is out of range or sizes do not fit.
    pub fn forward<'a>(
        &'a self,
        tape: &mut Tape<'a>,
        items: Var,
        rows: Rows<'a>,
    ) -> Result<Var> {
        match self {
            SequenceModel::SasRec(model) => model.forward(tape, items, rows),
            SequenceModel::Hstu(model) => model.forward(tape, items, rows),
        }
    }

    /// Columns of embeddings and hidden states.
    pub fn dim(&self) -> usize {
        match self {
            SequenceModel::SasRec(model) => model.config().dim as usize,
            SequenceModel::Hstu(model) => model.config().dim as usize,
        }
    }

    /// Whether scores of items are cosines.
    pub fn cosine(&self) -> bool {
        match self {
            SequenceModel::SasRec(model) => model.config().cosine,
            SequenceModel::Hstu(model) => model.config().cosine,
        }
    }

    /// The vectors whose products with hidden states are scores, from embeddings: themselves, or
    /// of length 1 where scores are cosines. `items [n, dim]` → `[n, dim]`.
    ///
    /// # Errors
    /// Where the items are not a value of this tape.
    pub fn scored(&self, tape: &mut Tape<'_>, items: Var) -> Result<Var> {
        match self.cosine() {
            true => Ok(tape.normalise(items, COSINE_EPS)?),
            false => Ok(items),
        }
    }

    /// As [`SequenceModel::scored`], outside a tape.
    pub fn score_vectors<'i>(&self, items: &'i [f32]) -> Cow<'i, [f32]> {
        if !self.cosine() {
            return items.into();
        }
        let mut items = items.to_vec();
        for row in items.chunks_exact_mut(self.dim()) {
            let length = row.iter().map(|value| value * value).sum::<f32>().sqrt();
            let each = 1.0 / length.max(COSINE_EPS);
            row.iter_mut().for_each(|value| *value *= each);
        }
        items.into()
    }
}

/// Vectors shorter than this are not made longer to be of length 1.
pub(crate) const COSINE_EPS: f32 = 1e-6;
