//! Trials one after another: finished ones are passed over, the one that was cut off goes on.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, Result};
use data::{Clock, Files, RealFiles, SystemClock};
use evaluate::ranking::{hits, ndcg};
use retrieve::{Model, ModelsConfig};
use train::{EpochFacts, SequenceConfig};

use super::ground::{ground, must_have_data};
use super::plan::{Combination, Sweep, in_words};
use super::trial::{Identity, Trial};
use crate::experiment::{self, Ground, Machine, ModelSettings, Store, Warm, answers};
use crate::terminal::{Stopwatch, note, with_progress};

/// Where to run a sweep, and how much of it.
#[derive(Debug, Clone)]
pub(crate) struct Choice {
    /// Seeds of every combination, in place of the file's.
    pub(crate) seeds: Option<u32>,
    /// Folder of the data.
    pub(crate) data: PathBuf,
    /// A log, in place of the file's data.
    pub(crate) log: Option<PathBuf>,
    /// Folder of all sweeps.
    pub(crate) store: PathBuf,
}

impl Choice {
    /// Where trials of `sweep` are kept.
    pub(crate) fn trials(&self, sweep: &Sweep) -> Store {
        let files: Arc<dyn Files> = Arc::new(RealFiles);
        Store::new(files, self.store.join(&sweep.name))
    }

    /// Seeds of every combination.
    pub(crate) fn seeds(&self, sweep: &Sweep) -> std::ops::RangeInclusive<u64> {
        1..=u64::from(self.seeds.unwrap_or(sweep.seeds))
    }
}

/// What a trial came to.
struct Tried {
    ndcg: Option<f64>,
    failure: Option<String>,
    epochs: Vec<EpochFacts>,
    best_epoch: u32,
}

/// Runs what is not finished yet.
pub(crate) fn run(sweep: &Sweep, choice: &Choice) -> Result<()> {
    let plan = sweep.plan()?;
    must_have_data(sweep, choice)?;
    let store = choice.trials(sweep);
    let _lock = store.lock("sweep")?;
    let ground = ground(sweep, choice, &store)?;
    let (mut left, mut seconds, mut finished) = (Vec::new(), 0.0, 0);
    // Every first seed before any second one: a sweep that is looked at early has all of it.
    for seed in choice.seeds(sweep) {
        for combination in &plan.combinations {
            let identity = Identity::of(sweep, combination, seed, &ground.fingerprint);
            match Trial::kept(&store, &identity)? {
                Some(trial) if trial.identity == identity => {
                    finished += 1;
                    seconds += trial.seconds;
                }
                Some(_) => {
                    note(&format!(
                        "{}: kept with other data, run again",
                        name(combination, seed)
                    ));
                    left.push((combination, identity));
                }
                None => left.push((combination, identity)),
            }
        }
    }
    let all = finished + left.len();
    if finished > 0 {
        note(&format!("{finished} of {all} trials are finished already"));
    }
    for (combination, identity) in left {
        let eta = match finished {
            0 => String::new(),
            _ => {
                let each = seconds / finished as f64;
                let words = data::seconds_in_words(each * (all - finished) as f64);
                format!(", about {words} left")
            }
        };
        let name = name(combination, identity.seed);
        note(&format!("trial {} of {all}: {name}{eta}", finished + 1));
        let trial = tried(&store, combination, identity, &ground).with_context(|| name)?;
        store.put(&trial.identity.place(), &trial)?;
        store.clear(&trial.identity.checkpoints())?;
        note(&format!("  {}", headline(&trial)));
        finished += 1;
        seconds += trial.seconds;
    }
    Ok(())
}

fn name(combination: &Combination, seed: u64) -> String {
    format!("{}, seed {seed}", in_words(&combination.values))
}

fn headline(trial: &Trial) -> String {
    let seconds = data::seconds_in_words(trial.seconds);
    let Some(ndcg) = trial.ndcg else {
        let why = trial.failure.as_deref().unwrap_or("no number");
        return format!("diverged: {why}, {seconds}");
    };
    let epoch = match trial.best_epoch {
        0 => String::new(),
        epoch => format!(", epoch {epoch} of {}", trial.epochs.len()),
    };
    format!("validation: NDCG@10 {ndcg:.4}{epoch}, {seconds}")
}

fn tried(
    store: &Store,
    combination: &Combination,
    identity: Identity,
    ground: &Ground,
) -> Result<Trial> {
    let watch = Stopwatch::start();
    let tried = match &combination.settings {
        ModelSettings::Sequence(config) => sequence(store, config, &identity, ground)?,
        ModelSettings::Retrieve(config) => retrieve(config, &identity, ground)?,
    };
    // What ran before it was cut off counts as well.
    let of_epochs: f64 = tried.epochs.iter().map(|epoch| epoch.seconds).sum();
    Ok(Trial {
        identity,
        values: combination.values.clone(),
        ndcg: tried.ndcg,
        failure: tried.failure,
        epochs: tried.epochs,
        best_epoch: tried.best_epoch,
        cases: ground.warm.len() as u64,
        seconds: watch.seconds().max(of_epochs),
        machine: Machine::here(),
        finished_ms: SystemClock.now_ms(),
    })
}

/// Trained until validation stops rising; its best epoch counts.
fn sequence(
    store: &Store,
    config: &SequenceConfig,
    identity: &Identity,
    ground: &Ground,
) -> Result<Tried> {
    let checkpoints = store.checkpoints(&identity.checkpoints());
    let parts = (&ground.train, Some(&ground.validation));
    let title = format!("{} {}", identity.model, identity.seed);
    match experiment::fit(&title, checkpoints, config, parts, identity.seed) {
        Ok(trained) => {
            let best = trained.epochs.iter().find(|facts| facts.epoch == trained.best_epoch);
            let ndcg = best.and_then(|facts| facts.ndcg);
            let (epochs, best_epoch) = (trained.epochs, trained.best_epoch);
            Ok(Tried { ndcg, failure: None, epochs, best_epoch })
        }
        // A rate that is too high is an answer, too.
        Err(train::Error::Tensor(why @ tensor::Error::NotFinite { .. })) => Ok(Tried {
            ndcg: None,
            failure: Some(why.to_string()),
            epochs: Vec::new(),
            best_epoch: 0,
        }),
        Err(why) => Err(experiment::stopped(why)),
    }
}

fn retrieve(config: &ModelsConfig, identity: &Identity, ground: &Ground) -> Result<Tried> {
    const K: usize = 10;
    let Identity { model: name, seed, .. } = identity;
    let now_ms = ground.train.last_ms().unwrap_or(0);
    let model = with_progress(name, |progress| {
        Model::fit(name, config, &ground.train, now_ms, *seed, progress)
    })?;
    let warm = Warm { cases: &ground.cases, at: &ground.warm, before: &ground.train };
    let lists = answers(&model, warm, K, *seed);
    let each = lists.iter().zip(&ground.warm).map(|(list, at)| {
        let relevant = ground.cases.relevant(*at);
        ndcg(&hits(list, relevant), relevant.len(), K).unwrap_or(0.0)
    });
    let ndcg = Some(each.sum::<f64>() / lists.len() as f64);
    Ok(Tried { ndcg, failure: None, epochs: Vec::new(), best_epoch: 0 })
}
