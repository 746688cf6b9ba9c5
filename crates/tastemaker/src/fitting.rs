//! Models from histories, and rankings from models: what `train`, `evaluate` and `demo` share.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};
use data::{Catalogue, ClockKind, Files, Jagged, Log, RealFiles, Sequences};
use evaluate::{Cases, Ranked};
use rayon::prelude::*;
use retrieve::{Merge, Model, ModelFacts, Query, Retriever, TrainingFacts, Unseen};
use train::TableFacts;

use crate::hint;
use crate::sequence::{self, Place, Show};
use crate::settings::Settings;
use crate::terminal::{Stopwatch, note, with_progress};

/// A log, open, with everything that training and judging read from it.
pub(crate) struct Opened {
    pub(crate) log: Log,
    pub(crate) catalogue: Catalogue,
    pub(crate) sequences: Sequences,
}

/// Opens the log in `dir` and reads its positive events.
pub(crate) fn open(dir: &Path, settings: &Settings) -> Result<Opened> {
    let files: Arc<dyn Files> = Arc::new(RealFiles);
    let log = Log::open(files, dir)?;
    let catalogue = log.catalogue()?;
    let sequences =
        with_progress("read", |progress| log.sequences(&settings.feedback, progress))?;
    if sequences.events() == 0 {
        let kinds = if catalogue.kinds.is_empty() {
            "none".to_owned()
        } else {
            catalogue.kinds.join(", ")
        };
        return Err(hint::error(
            format!("{}: no positive event to learn from (kinds: {kinds})", dir.display()),
            "`[feedback]` in the settings says which kinds and values are positive",
        ));
    }
    Ok(Opened { log, catalogue, sequences })
}

/// One model, and how long it took.
pub(crate) struct Fitted {
    pub(crate) model: Arc<Model>,
    pub(crate) seconds: f64,
    /// For a model that is trained in epochs.
    pub(crate) training: Option<TrainingFacts>,
    /// Of a model whose items had their rows on disk.
    pub(crate) table: Option<TableFacts>,
}

impl Fitted {
    /// What a version records of it.
    pub(crate) fn facts(&self) -> ModelFacts {
        let training = self.training.clone();
        ModelFacts { training, ..ModelFacts::of(&self.model, self.seconds) }
    }
}

/// Fits the models `names`, one after the other; each uses all cores. Those that are trained in
/// epochs keep checkpoints in `place`, where there is one, and are shown as `show` says.
pub(crate) fn fit(
    names: &[String],
    settings: &Settings,
    train: &Sequences,
    clock: ClockKind,
    place: Option<&Place>,
    show: Show,
) -> Result<Vec<Fitted>> {
    let now_ms = train.last_ms().unwrap_or(0);
    let mut fitted = Vec::with_capacity(names.len());
    for name in names {
        let watch = Stopwatch::start();
        let context = || format!("training {name}");
        let (model, training, table) = if let Some(config) = settings.sequence(name) {
            if !sequence::can_learn(train) && names.len() > 1 {
                note(&format!(
                    "{name} is left out: no user has two events, so nothing comes next"
                ));
                continue;
            }
            let seed = settings.seed;
            let trained = sequence::fit(name, config, train, clock, seed, place, show);
            let sequence::Learned { model, facts, table } = trained.with_context(context)?;
            (model, Some(facts), table)
        } else {
            let model = with_progress(name, |progress| {
                Model::fit(name, &settings.models, train, now_ms, settings.seed, progress)
            });
            (model.with_context(context)?, None, None)
        };
        let seconds = watch.seconds();
        fitted.push(Fitted { model: Arc::new(model), seconds, training, table });
    }
    Ok(fitted)
}

/// Names of the models to work with: those of the command line, or those of the settings.
pub(crate) fn names(asked: &[String], settings: &Settings) -> Vec<String> {
    let names = if asked.is_empty() { &settings.models.train } else { asked };
    let mut once: Vec<String> = Vec::new();
    for name in names {
        if !once.contains(name) {
            once.push(name.clone());
        }
    }
    once
}

/// Ranks the whole catalogue for every case by what was known at the split, asked when its user
/// came back: each model alone, then, where there are several, their merge.
pub(crate) fn rank(
    cases: &Cases,
    fitted: &[Fitted],
    settings: &Settings,
    train: &Sequences,
) -> Result<Vec<Ranked>> {
    let k = settings.evaluate.k_max() as usize;
    let asked = |at: usize, answer: &(dyn Fn(&Query<'_>) -> Vec<u32> + Sync)| {
        let user = cases.user(at);
        let history = train.user(user);
        let unseen = Unseen::new(cases.seen_items(at).iter().copied());
        answer(&Query {
            user: Some(user),
            history,
            now_ms: cases.asked_ms(at),
            filter: &unseen,
            k,
            seed: settings.seed,
        })
    };
    let mut ranked = Vec::new();
    for Fitted { model, .. } in fitted {
        ranked.push(rank_by(model.name(), cases, &|at| {
            asked(at, &|query| model.retrieve(query).iter().map(|found| found.item).collect())
        })?);
    }
    if fitted.len() > 1 {
        let models: Vec<Arc<Model>> =
            fitted.iter().map(|fitted| fitted.model.clone()).collect();
        let merge = Merge::new(&settings.merge, &models)?;
        ranked.push(rank_by("merge", cases, &|at| {
            asked(at, &|query| {
                merge.recommend(&models, query).items.iter().map(|found| found.item).collect()
            })
        })?);
    }
    Ok(ranked)
}

fn rank_by(
    name: &str,
    cases: &Cases,
    answer: &(dyn Fn(usize) -> Vec<u32> + Sync),
) -> Result<Ranked> {
    let watch = Stopwatch::start();
    let rows = with_progress(&format!("rank {name}"), |progress| {
        let done = std::sync::atomic::AtomicU64::new(0);
        let total = Some(cases.len() as u64);
        (0..cases.len())
            .into_par_iter()
            .map(|at| {
                let row = answer(at);
                let done = done.fetch_add(1, std::sync::atomic::Ordering::Relaxed) + 1;
                progress.step("users", done, total)?;
                Ok(row)
            })
            .collect::<data::Result<Vec<Vec<u32>>>>()
    })?;
    let mut items = Jagged::default();
    for row in rows {
        items.push(row)?;
    }
    Ok(Ranked { name: name.to_owned(), items, seconds: watch.seconds() })
}
