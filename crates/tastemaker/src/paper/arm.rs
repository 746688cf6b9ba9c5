//! An arm at work: a model fitted on a grid's data, and its rankings of all cases.

use anyhow::{Context, Result};
use data::Sequences;
use models::Past;
use retrieve::{Model, ModelsConfig};
use tensor::{Device, Workspace};
use train::{EpochFacts, SequenceConfig, Trained};

use super::cell::Identity;
use super::ground::Ground;
use super::metric::PLACES;
use super::store::Store;
use crate::experiment::{self, ModelSettings, Warm, answers};
use crate::terminal::{Stopwatch, note, with_progress};

/// Training while validation chooses the epoch.
const CHOOSE: &str = "choose";
/// Training again on all that was known before the test.
const AGAIN: &str = "again";

/// What came out.
pub(crate) struct Answered {
    /// A ranking a warm case, at most [`PLACES`] items, best first.
    pub(crate) lists: Vec<Vec<u32>>,
    pub(crate) epochs: Vec<EpochFacts>,
    /// 0 for what has no epochs.
    pub(crate) best_epoch: u32,
    pub(crate) fit_seconds: f64,
    pub(crate) rank_seconds: f64,
}

/// Fits and ranks.
pub(crate) fn answer(
    store: &Store,
    identity: &Identity,
    settings: &ModelSettings,
    ground: &Ground,
) -> Result<Answered> {
    match settings {
        ModelSettings::Sequence(config) => sequence(store, identity, config, ground),
        ModelSettings::Retrieve(config) => retrieve(identity, config, ground),
    }
}

/// Removes what training kept for going on.
pub(crate) fn clear(store: &Store, identity: &Identity) -> Result<()> {
    store.clear(identity, CHOOSE)?;
    store.clear(identity, AGAIN)
}

fn sequence(
    store: &Store,
    identity: &Identity,
    config: &SequenceConfig,
    ground: &Ground,
) -> Result<Answered> {
    let held = Some(&ground.split.validation).filter(|held| held.events() > 0);
    let mut trained = fit(store, identity, CHOOSE, config, (&ground.split.train, held))?;
    let mut fit_seconds: f64 = trained.epochs.iter().map(|epoch| epoch.seconds).sum();
    let (epochs, best_epoch) = (std::mem::take(&mut trained.epochs), trained.best_epoch);
    // Papers with leave-last-out test the model that validation chose. In time, what lies
    // between training and test must not be lost: others learn from it too.
    if !ground.split.facts.leaky && held.is_some() {
        let config = SequenceConfig { epochs: best_epoch, ..config.clone() };
        note(&format!("  again, {best_epoch} epochs on everything before the test"));
        trained = fit(store, identity, AGAIN, &config, (&ground.before, None))?;
        fit_seconds += trained.epochs.iter().map(|epoch| epoch.seconds).sum::<f64>();
    }
    let watch = Stopwatch::start();
    let cases = &ground.cases;
    let warm = ground.warm.iter();
    let histories: Vec<Past<'_>> = warm
        .map(|at| {
            let history = ground.before.user(cases.user(*at));
            Past {
                items: history.items,
                times_ms: history.times_ms,
                now_ms: cases.asked_ms(*at),
            }
        })
        .collect();
    let seen: Vec<&[u32]> = ground.warm.iter().map(|at| cases.seen_items(*at)).collect();
    let mut workspace = Workspace::new(Device::Cpu);
    let items = trained.items.values();
    let lists = train::rank(
        &trained.model,
        &mut workspace,
        items,
        &histories,
        &seen,
        PLACES,
        identity.seed,
    )?;
    let lists = without_seen(lists, &seen);
    Ok(Answered { lists, epochs, best_epoch, fit_seconds, rank_seconds: watch.seconds() })
}

/// Seen items have the least score: where fewer than [`PLACES`] others exist they would come
/// last.
fn without_seen(mut lists: Vec<Vec<u32>>, seen: &[&[u32]]) -> Vec<Vec<u32>> {
    for (list, seen) in lists.iter_mut().zip(seen) {
        list.retain(|item| seen.binary_search(item).is_err());
    }
    lists
}

fn fit(
    store: &Store,
    identity: &Identity,
    phase: &str,
    config: &SequenceConfig,
    parts: (&Sequences, Option<&Sequences>),
) -> Result<Trained> {
    let title = format!("{} {}", identity.arm, identity.seed);
    let checkpoints = store.checkpoints(identity, phase);
    let fitted = experiment::fit(&title, checkpoints, config, parts, identity.seed);
    fitted.map_err(experiment::stopped)
}

fn retrieve(identity: &Identity, config: &ModelsConfig, ground: &Ground) -> Result<Answered> {
    let Identity { model: name, seed, .. } = identity;
    let before = &ground.before;
    let now_ms = before.last_ms().unwrap_or(0);
    let watch = Stopwatch::start();
    let model = with_progress(name, |progress| {
        Model::fit(name, config, before, now_ms, *seed, progress)
    })
    .with_context(|| format!("training {name}"))?;
    let fit_seconds = watch.seconds();
    let watch = Stopwatch::start();
    let warm = Warm { cases: &ground.cases, at: &ground.warm, before };
    let lists = answers(&model, warm, PLACES, *seed);
    let rank_seconds = watch.seconds();
    Ok(Answered { lists, epochs: Vec::new(), best_epoch: 0, fit_seconds, rank_seconds })
}
