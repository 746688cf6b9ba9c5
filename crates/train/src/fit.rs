//! The loop: epochs of prefetched batches, validation by what came later, early stop,
//! checkpoints.

use data::{Clock, Progress, Sequences};
use models::SasRec;
use serde::{Deserialize, Serialize};
use tensor::{Device, Tensor};
use xxhash_rust::xxh3::Xxh3;

use crate::checkpoint::{Checkpoints, Kept, Standing};
use crate::config::SequenceConfig;
use crate::example::epoch;
use crate::trainer::Trainer;
use crate::validate::Validation;
use crate::{Error, Prefetch, Result};

/// Batches made ahead.
const AHEAD: usize = 2;

/// What a run is given.
pub struct Run<'a> {
    /// Settings.
    pub config: &'a SequenceConfig,
    /// Histories to learn from.
    pub train: &'a Sequences,
    /// What these users did next, for validation; none: every epoch is run and the last kept.
    pub held: Option<&'a Sequences>,
    /// Seed of weights, order, negatives and dropout.
    pub seed: u64,
    /// Where to keep checkpoints; none: nowhere.
    pub checkpoints: Option<Checkpoints>,
    /// Whether to go on from the newest checkpoint.
    pub resume: bool,
    /// For the rates and the end that lines tell.
    pub clock: &'a dyn Clock,
    /// Where it is; and whether to stop.
    pub progress: &'a Progress<'a>,
    /// Hears a line at the end of an epoch, and of anything unusual.
    pub tell: &'a mut dyn FnMut(&str),
}

/// What an epoch says of itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EpochFacts {
    /// From 1.
    pub epoch: u32,
    /// Mean loss over its tokens.
    pub loss: f64,
    /// NDCG@10 of validation, where it was done.
    pub ndcg: Option<f64>,
    /// Seconds of its steps, in this process.
    pub seconds: f64,
    /// Tokens.
    pub tokens: u64,
}

/// A trained model.
#[derive(Debug, Clone)]
pub struct Trained {
    /// The model of the best epoch; of the last where nothing was held out.
    pub model: SasRec,
    /// Its items, `[items, dim]`.
    pub items: Tensor,
    /// Every epoch.
    pub epochs: Vec<EpochFacts>,
    /// The epoch that was kept, from 1.
    pub best_epoch: u32,
}

/// Trains.
///
/// On request to stop ([`Progress`]) a checkpoint is written first. With the same arguments and
/// `resume`, a run that was cut off ends with the same weights, bit for bit, as one that was not.
///
/// # Errors
/// Where a setting is out of range, nobody has two events, a checkpoint is of another run, a
/// number is not finite (the last checkpoint stays), or on request.
pub fn fit(run: Run<'_>) -> Result<Trained> {
    Loop::begin(run)?.run()
}

struct Loop<'a> {
    run: Run<'a>,
    validation: Option<Validation<'a>>,
    trainer: Trainer,
    standing: Standing,
    best: Option<Kept>,
    tokens_an_epoch: u64,
}

impl<'a> Loop<'a> {
    fn begin(run: Run<'a>) -> Result<Loop<'a>> {
        run.config.check()?;
        let (mut batches_an_epoch, mut tokens_an_epoch) = (0, 0);
        let (config, train) = (run.config, run.train);
        for batch in epoch(train, config.batch_tokens, config.model.length_max, run.seed, 0)? {
            batches_an_epoch += 1;
            tokens_an_epoch += batch?.tokens() as u64;
        }
        if batches_an_epoch == 0 {
            return Err(Error::Refused(
                "no user has two events, so nothing can be learned of what comes next".into(),
            ));
        }
        let total = batches_an_epoch * u64::from(config.epochs);
        let mut trainer = Trainer::new(config, train, run.seed, Device::Cpu, total)?;
        let validation = run.held.and_then(|held| {
            Validation::new(train, held, config.validation_users_max, run.seed)
        });
        let mut standing = Standing {
            config: config.clone(),
            seed: run.seed,
            data: fingerprint(train, run.held),
            step: 0,
            epoch: 0,
            batch: 0,
            loss_sum: 0.0,
            tokens: 0,
            epochs: Vec::new(),
            best_epoch: None,
            worse: 0,
            optimizer_steps: Vec::new(),
        };
        let mut best = None;
        if let Some(checkpoints) = &run.checkpoints {
            if run.resume {
                (standing, best) = checkpoints.load(&mut trainer, &standing, run.tell)?;
                (run.tell)(&format!(
                    "going on after step {} (epoch {})",
                    standing.step,
                    standing.epoch + 1
                ));
            } else {
                checkpoints.clear()?;
            }
        }
        Ok(Loop { run, validation, trainer, standing, best, tokens_an_epoch })
    }

    fn run(mut self) -> Result<Trained> {
        while self.standing.epoch < self.run.config.epochs && !self.finished() {
            if let Err(error) = self.epoch() {
                if matches!(error, Error::Data(data::Error::Stopped)) {
                    self.save()?;
                    if self.run.checkpoints.is_some() {
                        (self.run.tell)("stopped; --resume goes on from here");
                    }
                }
                return Err(error);
            }
            self.end_epoch()?;
        }
        let last = self.standing.epoch;
        let mut model = self.trainer.model;
        let mut items = self.trainer.items;
        if let Some(best) = self.best {
            (model.parameters, items) = (best.parameters, best.items);
        }
        let best_epoch = self.standing.best_epoch.unwrap_or(last);
        Ok(Trained { model, items, epochs: self.standing.epochs, best_epoch })
    }

    fn finished(&self) -> bool {
        let patience = self.run.config.patience;
        patience > 0 && self.standing.worse >= patience
    }

    fn save(&mut self) -> Result<()> {
        if let Some(checkpoints) = &self.run.checkpoints {
            checkpoints.save(&mut self.standing, &self.trainer, self.best.as_ref())?;
        }
        Ok(())
    }

    fn epoch(&mut self) -> Result<()> {
        let config = self.run.config;
        let (train, seed, number) = (self.run.train, self.run.seed, self.standing.epoch);
        let source = epoch(train, config.batch_tokens, config.model.length_max, seed, number)?
            .skip(usize::try_from(self.standing.batch).unwrap_or(usize::MAX));
        let began_ms = self.run.clock.now_ms();
        let began_tokens = self.standing.tokens;
        let what = format!("epoch {}", number + 1);
        let done = std::thread::scope(|scope| -> Result<()> {
            for examples in Prefetch::scoped(scope, AHEAD, source) {
                let total = Some(self.tokens_an_epoch);
                self.run.progress.step(&what, self.standing.tokens, total)?;
                let facts = self.trainer.step(&examples?)?;
                self.standing.step += 1;
                self.standing.batch += 1;
                self.standing.tokens += facts.tokens as u64;
                self.standing.loss_sum += f64::from(facts.loss) * facts.tokens as f64;
                let every = u64::from(config.checkpoint_every);
                if every > 0 && self.standing.step.is_multiple_of(every) {
                    self.save()?;
                }
            }
            Ok(())
        });
        done?;
        let seconds = (self.run.clock.now_ms() - began_ms) as f64 / 1e3;
        let counted = self.trainer.workspace.meter.take();
        let facts = EpochFacts {
            epoch: number + 1,
            loss: self.standing.loss_sum / self.standing.tokens.max(1) as f64,
            ndcg: None,
            seconds,
            tokens: self.standing.tokens,
        };
        self.standing.epochs.push(facts);
        let rate = |amount: f64| amount / seconds.max(1e-3);
        let tokens = rate((self.standing.tokens - began_tokens) as f64);
        let flops = rate(counted.flops as f64) / 1e9;
        self.standing.epoch += 1;
        (self.standing.batch, self.standing.loss_sum, self.standing.tokens) = (0, 0.0, 0);
        let metric = self.validate()?;
        let left = f64::from(config.epochs - self.standing.epoch)
            * (self.run.clock.now_ms() - began_ms) as f64
            / 1e3;
        let facts = self.standing.epochs.last().expect("it was just pushed");
        (self.run.tell)(&format!(
            "epoch {} of {}  loss {:.4}{metric}  {:.0} k tokens/s  {flops:.0} GFLOP/s  at most {} left",
            facts.epoch,
            config.epochs,
            facts.loss,
            tokens / 1e3,
            in_words(left),
        ));
        Ok(())
    }

    /// Measures, keeps the best; gives what the epoch's line says of it.
    fn validate(&mut self) -> Result<String> {
        let Some(validation) = &self.validation else { return Ok(String::new()) };
        let config = self.run.config;
        let last = self.standing.epoch == config.epochs;
        if !last && !self.standing.epoch.is_multiple_of(config.validate_every) {
            return Ok(String::new());
        }
        let Trainer { model, items, workspace, .. } = &mut self.trainer;
        let ndcg = validation.ndcg(model, workspace, items.values(), self.run.seed)?;
        workspace.meter.take();
        let before = self.standing.best_epoch.and_then(|best| {
            self.standing.epochs.iter().find(|facts| facts.epoch == best)?.ndcg
        });
        if let Some(facts) = self.standing.epochs.last_mut() {
            facts.ndcg = Some(ndcg);
        }
        let better = before.is_none_or(|before| ndcg > before);
        if better {
            self.standing.best_epoch = Some(self.standing.epoch);
            self.standing.worse = 0;
            let (parameters, items) =
                (self.trainer.model.parameters.clone(), self.trainer.items.clone());
            self.best = Some(Kept { parameters, items });
        } else {
            self.standing.worse += 1;
        }
        Ok(format!("  NDCG@10 {ndcg:.4}{}", if better { " (best)" } else { "" }))
    }

    fn end_epoch(&mut self) -> Result<()> {
        if self.run.config.checkpoint_every == 0 { self.save() } else { Ok(()) }
    }
}

/// What a run learns from, in a few digits.
fn fingerprint(train: &Sequences, held: Option<&Sequences>) -> String {
    let mut hash = Xxh3::new();
    for part in [Some(train), held].into_iter().flatten() {
        hash.update(&part.item_count().to_le_bytes());
        for offset in part.offsets() {
            hash.update(&(*offset as u64).to_le_bytes());
        }
        for item in part.items() {
            hash.update(&item.to_le_bytes());
        }
    }
    format!("{:016x}", hash.digest())
}

fn in_words(seconds: f64) -> String {
    let seconds = seconds.round() as u64;
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
    }
}
