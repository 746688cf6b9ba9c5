//! The loop: epochs of prefetched batches, validation by what came later, early stop,
//! checkpoints.

use data::{Clock, Progress, Sequences};
use models::SequenceModel;
use serde::{Deserialize, Serialize};
use tensor::{Device, Tensor};

use crate::checkpoint::Checkpoints;
use crate::config::SequenceConfig;
use crate::epoch::epoch;
use crate::epoch_line::EpochLine;
use crate::on_disk::{TableFacts, TableTier};
use crate::report::{Begin, Report, Steps};
use crate::standing::{Kept, Standing, fingerprint};
use crate::trainer::{StepFacts, Trainer};
use crate::validate::Validation;
use crate::{Error, Prefetch, Result};

/// Batches made ahead.
const AHEAD: usize = 2;
/// Milliseconds between two reports of steps, at least.
const STEPS_MS: i64 = 250;

/// What a run is given.
pub struct Run<'a> {
    /// Settings.
    pub config: &'a SequenceConfig,
    /// Histories to learn from.
    pub train: &'a Sequences,
    /// What the same users did next, of the same catalogue: each validation ranks the whole
    /// catalogue for users who have a history in `train`, without what is in it, and looks for
    /// the items here that are not in it. Never trained on. None, or nobody who qualifies: every
    /// epoch is run and the last is kept.
    pub held: Option<&'a Sequences>,
    /// Seed of weights, order, negatives and dropout.
    pub seed: u64,
    /// Where to keep checkpoints; none: nowhere.
    pub checkpoints: Option<Checkpoints>,
    /// Whether to go on from the newest checkpoint. If not, those that are there are removed.
    pub resume: bool,
    /// Where items have their rows on disk, and how much memory those in use may take; none: all are in
    /// memory. The result is the same to the bit as with `item_updates` = keyed, which it needs.
    pub table: Option<TableTier>,
    /// For the rates and the end that lines tell.
    pub clock: &'a dyn Clock,
    /// Where it is; and whether to stop.
    pub progress: &'a Progress<'a>,
    /// Hears of the beginning, of steps, of the end of each epoch, and of anything unusual.
    pub tell: &'a mut dyn FnMut(&Report),
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
    /// Seconds of its steps and checkpoints, in the process that ended it; without validation.
    pub seconds: f64,
    /// Tokens.
    pub tokens: u64,
    /// Multiplications and additions of its steps, validation aside; 0 where an earlier version
    /// ended it.
    #[serde(default)]
    pub flops: u64,
}

/// A trained model.
#[derive(Debug, Clone)]
pub struct Trained {
    /// The model of the best epoch; of the last where nothing was held out.
    pub model: SequenceModel,
    /// Its items, `[items, dim]`.
    pub items: Tensor,
    /// Every epoch.
    pub epochs: Vec<EpochFacts>,
    /// The epoch that was kept, from 1.
    pub best_epoch: u32,
    /// Of items that had their rows on disk.
    pub table: Option<TableFacts>,
}

/// Trains.
///
/// On request to stop ([`Progress`]) a checkpoint is written first. With the same arguments and
/// `resume`, a run that was cut off ends with the same weights, bit for bit, as one that was not,
/// whatever the number of threads. A run that had ended is loaded and given again.
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
    /// When this process began to train, and what it has trained since.
    began_ms: i64,
    tokens_here: u64,
    /// Steps that were not told yet.
    untold: Untold,
    /// Step and epoch of the newest checkpoint of this run.
    saved: Option<(u64, u32)>,
}

/// Steps since the last report of some.
#[derive(Debug, Default)]
struct Untold {
    began_ms: i64,
    loss_sum: f64,
    tokens: u64,
    flops: u64,
}

impl<'a> Loop<'a> {
    fn begin(run: Run<'a>) -> Result<Loop<'a>> {
        run.config.check()?;
        let (config, train) = (run.config, run.train);
        if let Some(held) = run.held
            && (held.users(), held.item_count()) != (train.users(), train.item_count())
        {
            return Err(Error::Refused(format!(
                "validation of {} users and {} items, training of {} and {}: both are parts of \
                 one log",
                held.users(),
                held.item_count(),
                train.users(),
                train.item_count()
            )));
        }
        let (mut batches_an_epoch, mut tokens_an_epoch) = (0, 0);
        for batch in epoch(train, config.epoch(run.seed, 0))? {
            batches_an_epoch += 1;
            tokens_an_epoch += batch?.tokens() as u64;
        }
        if batches_an_epoch == 0 {
            return Err(Error::Refused(
                "no user has two events, so nothing can be learned of what comes next".into(),
            ));
        }
        // Another order, or other windows of other lengths, may make a batch more or less: near
        // the end the schedule is off by as much, in every run of these settings alike.
        let total = batches_an_epoch * u64::from(config.epochs);
        let (seed, tier) = (run.seed, run.table.as_ref());
        let mut trainer = Trainer::over(config, train, seed, Device::Cpu, total, tier)?;
        let validation = run.held.and_then(|held| {
            Validation::new(train, held, config.validation_users_max, run.seed)
        });
        if run.held.is_some() && validation.is_none() {
            message(
                run.tell,
                "nobody with a history meets a new item in the validation part: every epoch is \
                 run and the last is kept",
            );
        }
        let fingerprint = fingerprint(train, run.held, config.reads_times());
        let on_disk = trainer.items.is_on_disk();
        let mut standing = Standing::at_start(config, run.seed, fingerprint, on_disk);
        let (mut best, mut saved) = (None, None);
        match &run.checkpoints {
            Some(checkpoints) if run.resume => {
                let mut note = |line: &str| message(run.tell, line);
                (standing, best) = checkpoints.load(&mut trainer, &standing, &mut note)?;
                saved = Some((standing.step, standing.epoch));
                note(&if standing.finished() {
                    format!("the run had ended after epoch {}", standing.epoch)
                } else {
                    let (step, epoch) = (standing.step, standing.epoch + 1);
                    format!("going on after step {step}, in epoch {epoch} of {}", config.epochs)
                });
            }
            Some(checkpoints) => checkpoints.clear()?,
            None if run.resume => {
                let what = "a run without checkpoints has none to go on from";
                return Err(Error::Refused(what.into()));
            }
            None => {}
        }
        (run.tell)(&Report::Begin(Begin {
            epochs: config.epochs,
            steps: total,
            tokens_an_epoch,
            validates: validation.is_some(),
            done: standing.epochs.clone(),
        }));
        let (began_ms, tokens_here) = (run.clock.now_ms(), 0);
        Ok(Loop {
            run,
            validation,
            trainer,
            standing,
            best,
            tokens_an_epoch,
            began_ms,
            tokens_here,
            untold: Untold::default(),
            saved,
        })
    }

    fn run(mut self) -> Result<Trained> {
        while !self.standing.finished() {
            if let Err(error) = self.epoch() {
                self.explain(&error)?;
                return Err(error);
            }
            self.save()?;
        }
        let last = self.standing.epoch;
        let Trainer { mut model, mut items, .. } = self.trainer;
        let table = items.table_facts()?;
        let best = self.best.map(|best| {
            *model.parameters_mut() = best.parameters;
            best.items
        });
        let items = items.into_matrix(best)?;
        let best_epoch = self.standing.best_epoch.unwrap_or(last);
        Ok(Trained { model, items, epochs: self.standing.epochs, best_epoch, table })
    }

    /// Why an epoch broke off, and what to do; keeps what was done where it is good.
    fn explain(&mut self, error: &Error) -> Result<()> {
        match error {
            Error::Data(data::Error::Stopped) if self.run.checkpoints.is_some() => {
                self.save()?;
                message(self.run.tell, "stopped; --resume goes on from here");
            }
            Error::Tensor(tensor::Error::NotFinite { .. }) => {
                let words = format!(
                    "training broke off after step {}: set a lower schedule.peak or a clip_norm, \
                     and begin anew",
                    self.standing.step
                );
                message(self.run.tell, &words);
            }
            Error::Tables(tables::Error::Tier { .. }) if self.saved.is_some() => {
                message(
                    self.run.tell,
                    "the items' rows failed; --resume goes on from the last checkpoint",
                );
            }
            _ => {}
        }
        Ok(())
    }

    fn save(&mut self) -> Result<()> {
        let at = (self.standing.step, self.standing.epoch);
        if let Some(checkpoints) = &self.run.checkpoints
            && self.saved != Some(at)
        {
            self.trainer.check_finite()?;
            checkpoints.save(&mut self.standing, &mut self.trainer, self.best.as_ref())?;
            self.saved = Some(at);
        }
        Ok(())
    }

    fn epoch(&mut self) -> Result<()> {
        let config = self.run.config;
        let (train, seed, number) = (self.run.train, self.run.seed, self.standing.epoch);
        let source = epoch(train, config.epoch(seed, number))?
            .skip(usize::try_from(self.standing.batch).unwrap_or(usize::MAX));
        let (began_tokens, began_flops) = (self.standing.tokens, self.standing.flops);
        let began_ms = self.run.clock.now_ms();
        self.untold = Untold { began_ms, ..Untold::default() };
        let what = format!("epoch {}", number + 1);
        let done = std::thread::scope(|scope| -> Result<()> {
            for examples in Prefetch::scoped(scope, AHEAD, source) {
                let total = Some(self.tokens_an_epoch);
                self.run.progress.step(&what, self.standing.tokens, total)?;
                let facts = self.trainer.step(&examples?)?;
                self.standing.step = self.trainer.step;
                self.standing.batch += 1;
                self.standing.tokens += facts.tokens as u64;
                self.standing.loss_sum += f64::from(facts.loss) * facts.tokens as f64;
                let flops = self.trainer.workspace.meter.take().flops;
                self.standing.flops += flops;
                self.tell_steps(&facts, flops);
                let every = u64::from(config.checkpoint_every);
                if every > 0 && self.standing.step.is_multiple_of(every) {
                    self.save()?;
                }
            }
            Ok(())
        });
        done?;
        // The last step may have been the one that broke the weights.
        self.trainer.check_finite()?;
        let seconds = (self.run.clock.now_ms() - began_ms) as f64 / 1e3;
        let (tokens, flops) = (self.standing.tokens, self.standing.flops);
        let loss = self.standing.loss_sum / tokens.max(1) as f64;
        let facts = EpochFacts { epoch: number + 1, loss, ndcg: None, seconds, tokens, flops };
        self.standing.epochs.push(facts);
        self.standing.epoch += 1;
        (self.standing.batch, self.standing.loss_sum) = (0, 0.0);
        (self.standing.tokens, self.standing.flops) = (0, 0);
        let validated = self.validate()?;
        let line = EpochLine {
            epoch: number + 1,
            epochs: config.epochs,
            loss,
            validated,
            seconds,
            tokens: tokens - began_tokens,
            flops: flops - began_flops,
            seconds_left: self.seconds_left(),
        };
        (self.run.tell)(&Report::Epoch(line));
        Ok(())
    }

    /// Adds a step to those that are to be told, and tells them where the last time is long ago.
    fn tell_steps(&mut self, facts: &StepFacts, flops: u64) {
        self.tokens_here += facts.tokens as u64;
        self.untold.tokens += facts.tokens as u64;
        self.untold.flops += flops;
        self.untold.loss_sum += f64::from(facts.loss) * facts.tokens as f64;
        let now_ms = self.run.clock.now_ms();
        let passed_ms = now_ms - self.untold.began_ms;
        if passed_ms < STEPS_MS {
            return;
        }
        let Untold { loss_sum, tokens, flops, .. } = self.untold;
        let steps = Steps {
            epoch: self.standing.epoch + 1,
            step: self.standing.step,
            tokens_of_epoch: self.standing.tokens,
            loss: loss_sum / tokens.max(1) as f64,
            seconds: passed_ms as f64 / 1e3,
            tokens,
            flops,
            seconds_left: self.seconds_left(),
        };
        self.untold = Untold { began_ms: now_ms, ..Untold::default() };
        (self.run.tell)(&Report::Steps(steps));
    }

    /// At the pace of this process so far, validations and checkpoints included.
    fn seconds_left(&self) -> f64 {
        let passed = (self.run.clock.now_ms() - self.began_ms) as f64 / 1e3;
        let epochs = self.run.config.epochs - self.standing.epoch;
        let left =
            self.tokens_an_epoch as f64 * f64::from(epochs) - self.standing.tokens as f64;
        passed * left.max(0.0) / self.tokens_here.max(1) as f64
    }

    /// Measures and keeps the best; gives NDCG@10 and whether it is the best so far. It is not
    /// stopped on request: an epoch and its validation are one step of the standing.
    fn validate(&mut self) -> Result<Option<(f64, bool)>> {
        let Some(validation) = &self.validation else { return Ok(None) };
        let config = self.run.config;
        let last = self.standing.epoch == config.epochs;
        if !last && !self.standing.epoch.is_multiple_of(config.validate_every) {
            return Ok(None);
        }
        (self.run.tell)(&Report::Validating(self.standing.epoch));
        let Trainer { model, items, workspace, .. } = &mut self.trainer;
        let ndcg = validation.ndcg(model, workspace, items, self.run.seed)?;
        workspace.meter.take();
        let better = self.standing.best_ndcg().is_none_or(|before| ndcg > before);
        if let Some(facts) = self.standing.epochs.last_mut() {
            facts.ndcg = Some(ndcg);
        }
        if better {
            self.standing.best_epoch = Some(self.standing.epoch);
            self.standing.worse = 0;
            let (parameters, items) = (model.parameters().clone(), items.copy()?);
            self.best = Some(Kept { parameters, items });
        } else {
            self.standing.worse += 1;
        }
        Ok(Some((ndcg, better)))
    }
}

fn message(tell: &mut dyn FnMut(&Report), words: &str) {
    tell(&Report::Message(words.to_owned()));
}
