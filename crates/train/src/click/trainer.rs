//! A click model in training: tables below, a network above, epochs in a seeded order.

use evaluate::score;
use models::DcnConfig;
use serde::{Deserialize, Serialize};
use tables::{FeatureTables, Pooling};
use tensor::Device;

use super::batch::{ClickBatch, Clicks};
use super::dense_step::DenseStep;
use crate::config::Optimizer;
use crate::optim::AdamConfig;
use crate::{Error, Result};

/// How it is trained.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ClickConfig {
    /// The network's optimiser; tables bring their own.
    pub optimizer: Optimizer,
    /// Rate of the network.
    pub rate: f32,
    /// Examples of a step.
    pub batch: u32,
    /// Passes over the examples. Click models overfit in the second (Zhang et al. 2022).
    pub epochs: u32,
}

impl Default for ClickConfig {
    fn default() -> Self {
        ClickConfig {
            optimizer: Optimizer::Adam(AdamConfig::default()),
            rate: 1e-3,
            batch: 256,
            epochs: 1,
        }
    }
}

/// How good answers are.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ClickScores {
    /// Mean LogLoss, natural logarithm.
    pub log_loss: f64,
    /// Area under the ROC curve.
    pub auc: f64,
}

/// The model.
pub struct ClickTrainer {
    /// The network.
    pub network: DenseStep,
    /// The embeddings.
    pub tables: FeatureTables,
    config: ClickConfig,
    seed: u64,
    epoch: u64,
    rows: Vec<f32>,
}

impl ClickTrainer {
    /// A network for these tables.
    ///
    /// # Errors
    /// Where a setting is out of range, or the network reads another width than the tables give.
    pub fn new(
        network: &DcnConfig,
        tables: FeatureTables,
        config: &ClickConfig,
        seed: u64,
        device: Device,
    ) -> Result<ClickTrainer> {
        if network.embeddings as usize != tables.width() {
            let what = format!("{}, but tables give {}", network.embeddings, tables.width());
            return Err(Error::setting("embeddings", what));
        }
        if config.batch == 0 {
            return Err(Error::setting("batch", "0 is no batch; 1 or more is"));
        }
        let network = DenseStep::new(network, &config.optimizer, config.rate, seed, device)?;
        let config = config.clone();
        Ok(ClickTrainer { network, tables, config, seed, epoch: 0, rows: Vec::new() })
    }

    /// One step; the LogLoss of the batch before it. A failed step of the network leaves
    /// all weights as they were (new keys may have got a row); where the tables refuse its gradient after that, the
    /// network alone has moved.
    ///
    /// # Errors
    /// Where the batch does not fit, or a number is not finite.
    pub fn step(&mut self, batch: &ClickBatch) -> Result<f32> {
        self.tables.admit(&batch.features)?;
        self.look_up(batch)?;
        let stepped = self.network.step(&batch.dense, &self.rows, &batch.labels)?;
        self.tables.update(&batch.features, Pooling::Sum, &stepped.embeddings)?;
        Ok(stepped.loss)
    }

    fn look_up(&mut self, batch: &ClickBatch) -> Result<()> {
        self.rows.resize(batch.labels.len() * self.tables.width(), 0.0);
        Ok(self.tables.forward(&batch.features, Pooling::Sum, &mut self.rows)?)
    }

    /// All epochs over `clicks`; the mean LogLoss of each, as it was met.
    ///
    /// # Errors
    /// As [`ClickTrainer::step`].
    pub fn fit(&mut self, clicks: &Clicks) -> Result<Vec<f64>> {
        clicks.check()?;
        let mut losses = Vec::new();
        for _ in 0..self.config.epochs {
            let mut order: Vec<u32> = (0..clicks.len() as u32).collect();
            let seed = self.seed ^ (self.epoch + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            order.sort_by_key(|at| (data::order::tie(*at, seed), *at));
            let mut sum = 0.0;
            for part in order.chunks(self.config.batch as usize) {
                let loss = self.step(&clicks.batch(part)?)?;
                sum += f64::from(loss) * part.len() as f64;
            }
            losses.push(sum / clicks.len().max(1) as f64);
            self.epoch += 1;
        }
        Ok(losses)
    }

    /// Probabilities of a click.
    ///
    /// # Errors
    /// Where the examples do not fit.
    pub fn predict(&mut self, clicks: &Clicks) -> Result<Vec<f32>> {
        clicks.check()?;
        let all: Vec<u32> = (0..clicks.len() as u32).collect();
        let mut probabilities = Vec::with_capacity(all.len());
        for part in all.chunks(1024) {
            let batch = clicks.batch(part)?;
            self.look_up(&batch)?;
            let logits = self.network.logits(&batch.dense, &self.rows)?;
            probabilities.extend(logits.iter().map(|logit| 1.0 / (1.0 + (-logit).exp())));
        }
        Ok(probabilities)
    }

    /// How good its probabilities are.
    ///
    /// # Errors
    /// Where there is no example of one class.
    pub fn scores(&mut self, clicks: &Clicks) -> Result<ClickScores> {
        let probabilities = self.predict(clicks)?;
        let wrong = |why: evaluate::Error| Error::Refused(why.to_string());
        let one_class = || Error::Refused("all labels are of one class".into());
        let log_loss = score::log_loss(&probabilities, &clicks.labels)
            .map_err(wrong)?
            .ok_or_else(one_class)?;
        let auc = score::auc(&probabilities, &clicks.labels).map_err(wrong)?;
        Ok(ClickScores { log_loss, auc: auc.ok_or_else(one_class)? })
    }
}
