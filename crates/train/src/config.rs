//! Settings of a training run.

use models::{HstuConfig, SequenceModelConfig};
use serde::{Deserialize, Serialize};

use crate::optim::{AdagradConfig, AdamConfig};
use crate::sample::{Layout, Negatives};
use crate::{Decay, EpochSpec, Error, Keep, LogQ, Result, Schedule, StochasticLength, Window};

/// What is minimised.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Loss {
    /// Softmax over the positive and its negatives.
    SampledSoftmax {
        /// Correction for how negatives were drawn.
        #[serde(default)]
        log_q: LogQ,
        /// Scores are divided by this.
        #[serde(default = "one")]
        temperature: f32,
    },
    /// Softmax over the whole catalogue; negatives are not drawn.
    FullSoftmax {
        /// Scores are divided by this.
        #[serde(default = "one")]
        temperature: f32,
    },
    /// Generalised binary cross-entropy of gSASRec; `t` = 0 is plain BCE.
    Gbce {
        /// How far over-confidence is undone, 0 to 1.
        t: f64,
    },
}

fn one() -> f32 {
    1.0
}

/// How weights follow gradients.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Optimizer {
    /// Adam; with decoupled decay, AdamW.
    Adam(AdamConfig),
    /// Adagrad.
    Adagrad(AdagradConfig),
}

/// How item embeddings are updated.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ItemUpdates {
    /// The whole table by every step, as PyTorch does with a dense gradient. For up to about a
    /// hundred thousand items.
    #[default]
    Dense,
    /// The rows that a step touched (lazy Adam, Adagrad): cost follows the batch, not the table.
    Rows,
    /// As `rows`, in a keyed table: an item has a row from when it is first met, so that the
    /// catalogue may grow while a model is in use.
    Keyed,
}

/// A training run of a sequence model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SequenceConfig {
    /// The model.
    pub model: SequenceModelConfig,
    /// What is minimised.
    pub loss: Loss,
    /// What positives are told from.
    pub negatives: Negatives,
    /// How weights follow gradients.
    pub optimizer: Optimizer,
    /// Learning rate over steps.
    pub schedule: Schedule,
    /// How item embeddings are updated.
    pub item_updates: ItemUpdates,
    /// Share of the items' embeddings that is dropped in a step, as inputs and as candidates
    /// alike: one mask over the whole table. RecTools, and with it eSASRec, trains so.
    pub item_dropout: f32,
    /// Largest norm of all gradients together; 0 = off.
    pub clip_norm: f64,
    /// Which part of a history an epoch trains on.
    pub window: Window,
    /// Whether long windows are thinned out.
    pub stochastic_length: StochasticLength,
    /// Events of one batch, at most.
    pub batch_tokens: u32,
    /// Passes over all users, at most.
    pub epochs: u32,
    /// Epochs between two validations.
    pub validate_every: u32,
    /// Users that validation looks at, at most.
    pub validation_users_max: u32,
    /// Validations without a better NDCG@10 after which training ends; 0 = never.
    pub patience: u32,
    /// Steps between two checkpoints, beside the one at the end of each epoch; 0 = only those.
    pub checkpoint_every: u32,
}

impl Default for SequenceConfig {
    fn default() -> Self {
        SequenceConfig {
            model: SequenceModelConfig::default(),
            loss: Loss::SampledSoftmax { log_q: LogQ::None, temperature: 1.0 },
            negatives: Negatives::Uniform { count: 256, layout: Layout::PerRow, unseen: false },
            optimizer: Optimizer::Adam(AdamConfig { beta_2: 0.98, ..AdamConfig::default() }),
            schedule: Schedule { peak: 1e-3, warm_up: 0, decay: Decay::Constant, floor: 0.0 },
            item_updates: ItemUpdates::Dense,
            item_dropout: 0.1,
            clip_norm: 0.0,
            window: Window::Latest {},
            stochastic_length: StochasticLength::default(),
            batch_tokens: 20_000,
            epochs: 50,
            validate_every: 1,
            validation_users_max: 10_000,
            patience: 10,
            checkpoint_every: 0,
        }
    }
}

impl SequenceConfig {
    /// The defaults for HSTU: cosines over 0.05 and 128 uniform negatives a position, as its
    /// authors train it (arXiv 2402.17152).
    pub fn hstu() -> SequenceConfig {
        SequenceConfig {
            model: HstuConfig::default().into(),
            loss: Loss::SampledSoftmax { log_q: LogQ::None, temperature: 0.05 },
            negatives: Negatives::Uniform {
                count: 128,
                layout: Layout::PerToken,
                unseen: false,
            },
            item_dropout: 0.0,
            ..SequenceConfig::default()
        }
    }

    /// What epoch `number` (the first is 0) of a run with `seed` is cut by.
    pub fn epoch(&self, seed: u64, number: u32) -> EpochSpec {
        EpochSpec {
            batch_tokens: self.batch_tokens,
            length_max: self.model.length_max(),
            positions: self.model.positions(),
            window: self.window,
            stochastic_length: self.stochastic_length,
            seed,
            number,
            epochs: self.epochs,
        }
    }

    /// Whether the times of events, not only their order, change what is learned.
    pub(crate) fn reads_times(&self) -> bool {
        let StochasticLength { keep, .. } = self.stochastic_length;
        !self.stochastic_length.is_off() && keep == Keep::AgeWeighted
    }

    /// Refuses what cannot be trained.
    ///
    /// # Errors
    /// Names the setting.
    pub fn check(&self) -> Result<()> {
        self.model.check().map_err(|error| match error {
            models::Error::Setting { field, what } => {
                Error::setting(format!("model.{field}"), what)
            }
            other => other.into(),
        })?;
        self.negatives.check()?;
        self.schedule.check()?;
        let optimizer = match &self.optimizer {
            Optimizer::Adam(adam) => adam.check(),
            Optimizer::Adagrad(adagrad) => adagrad.check(),
        };
        // Its own fields start with its own name; in the file they stand under `optimizer`.
        optimizer.map_err(|error| match error {
            Error::Setting { field, what } => {
                let field = field.rsplit('.').next().unwrap_or_default();
                Error::setting(format!("optimizer.{field}"), what)
            }
            other => other,
        })?;
        let temperature = match self.loss {
            Loss::SampledSoftmax { temperature, .. } | Loss::FullSoftmax { temperature } => {
                temperature
            }
            Loss::Gbce { t } => {
                if !(0.0..=1.0).contains(&t) {
                    return Err(Error::setting("loss.t", format!("{t} is not in 0 to 1")));
                }
                1.0
            }
        };
        if !(temperature > 0.0 && temperature.is_finite()) {
            let what = format!("{temperature} is no temperature; it is above 0");
            return Err(Error::setting("loss.temperature", what));
        }
        if !(0.0..1.0).contains(&self.item_dropout) {
            let what = format!("{} is not in [0, 1)", self.item_dropout);
            return Err(Error::setting("item_dropout", what));
        }
        if !(self.clip_norm >= 0.0 && self.clip_norm.is_finite()) {
            let what = format!("{} is negative or not finite; 0 is off", self.clip_norm);
            return Err(Error::setting("clip_norm", what));
        }
        if self.batch_tokens <= self.model.length_max() {
            let what = format!(
                "{} events do not hold one history of {} and its next event",
                self.batch_tokens,
                self.model.length_max()
            );
            return Err(Error::setting("batch_tokens", what));
        }
        self.window.check(self.model.length_max())?;
        self.stochastic_length.check()?;
        for (field, value) in [
            ("epochs", self.epochs),
            ("validate_every", self.validate_every),
            ("validation_users_max", self.validation_users_max),
        ] {
            if value == 0 {
                return Err(Error::setting(field, "0; at least 1"));
            }
        }
        let table = self.item_updates == ItemUpdates::Dense;
        if !table && matches!(self.negatives, Negatives::Hard { .. }) {
            let what =
                "hard negatives are mined from the whole table; use item_updates = \"dense\"";
            return Err(Error::setting("item_updates", what));
        }
        if !table && matches!(self.loss, Loss::FullSoftmax { .. }) {
            let what = "the full softmax touches every item; use item_updates = \"dense\"";
            return Err(Error::setting("item_updates", what));
        }
        Ok(())
    }
}
