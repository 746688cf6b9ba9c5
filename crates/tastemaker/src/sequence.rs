//! Models of histories, SASRec and HSTU: how long to train is learned from what came later, then everything is
//! trained on for as long.
//!
//! 1. The last events are held out, by time; the rest is trained on until NDCG@10 on what was
//!    held out stops rising.
//! 2. With `refit`, a new model is trained on all events for as many epochs as were best.
//!    Without, the best of the first is kept, and the newest events, and the items that came
//!    with them, are unknown to it.
//!
//! Both keep checkpoints of their own, so that a run that was cut off in either goes on there.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Result;
use data::split::{Cut, SplitSpec, split};
use data::{Change, ClockKind, Files, Lock, Log, Progress, Sequences, SystemClock};
use retrieve::{Model, TrainingEpoch, TrainingFacts};
use serde::{Deserialize, Serialize};
use tables::MemoryBudget;
use train::{
    Checkpoints, ItemUpdates, Report, Run, SequenceConfig, TableFacts, TableTier, Trained,
};

use crate::dashboard::Screen;
use crate::hint;
use crate::terminal::{note, unseen, with_notes};

/// The models that are trained in epochs.
pub(crate) const NAMES: [&str; 2] = ["sasrec", "hstu"];

/// Whether `name` is one of them.
pub(crate) fn is_sequence(name: &str) -> bool {
    NAMES.contains(&name)
}

/// `[sasrec]`, `[hstu]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SequenceSettings {
    /// Share of the events, the last by time, that training is stopped by; 0 = none.
    pub(crate) held_out: f64,
    /// Whether all events are then trained on for as many epochs as were best.
    pub(crate) refit: bool,
    /// The training.
    pub(crate) training: SequenceConfig,
}

impl SequenceSettings {
    /// Has items' rows in a keyed table, where they can be on disk. Whether they were elsewhere.
    pub(crate) fn keep_items_in_a_table(&mut self) -> bool {
        let before = std::mem::replace(&mut self.training.item_updates, ItemUpdates::Keyed);
        before != ItemUpdates::Keyed
    }
}

/// How a training is seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Show {
    /// A line an epoch.
    Lines,
    /// A picture, where stderr is a terminal; else lines.
    Screen,
}

/// Where trainings keep their checkpoints, a folder a model.
pub(crate) struct Place {
    files: Arc<dyn Files>,
    dir: PathBuf,
    resume: bool,
    /// What items' rows may take of it while they learn, the others on disk; none: all are in it.
    memory: Option<MemoryBudget>,
    /// Nobody else writes there meanwhile.
    _lock: Lock,
}

impl Place {
    /// Below the log, for this process alone.
    ///
    /// # Errors
    /// Where another trains there, or none of `names` has anything that `resume` could go on from.
    pub(crate) fn below(
        log: &Log,
        names: &[String],
        resume: bool,
        memory: Option<MemoryBudget>,
    ) -> Result<Place> {
        let (files, dir) = (log.files().clone(), log.dir().join("checkpoints"));
        files.change(Change::MakeDir(&dir)).map_err(data::Error::io(&dir))?;
        let path = dir.join(".lock");
        let lock = files.lock(&path).map_err(data::Error::io(&path))?;
        let lock = lock.ok_or_else(|| {
            hint::error(
                format!("{}: another process is training", path.display()),
                "wait for it to end, or stop it and go on with --resume",
            )
        })?;
        let place = Place { files, dir, resume, memory, _lock: lock };
        if resume && !place.begun(names)? {
            return Err(hint::error(
                format!("{}: no checkpoint to go on from", place.dir.display()),
                "leave --resume out to begin anew",
            ));
        }
        Ok(place)
    }

    fn checkpoints(&self, name: &str, phase: &str) -> Checkpoints {
        Checkpoints::new(self.files.clone(), &self.dir.join(name).join(phase))
    }

    /// Where items have their rows on disk.
    fn table(&self, name: &str) -> Option<TableTier> {
        let folder = self.dir.join(name).join(TABLE);
        Some(TableTier::new(self.files.clone(), &folder, self.memory?))
    }

    /// Removes the checkpoints of runs that are done, and rows that a killed one left.
    pub(crate) fn clear(&self, names: &[String]) -> Result<()> {
        for name in names.iter().filter(|name| is_sequence(name)) {
            self.checkpoints(name, SEARCH).clear()?;
            self.checkpoints(name, REFIT).clear()?;
            let (dir, table) = (self.dir.join(name), self.dir.join(name).join(TABLE));
            if self.files.list(&dir).map_err(data::Error::io(&dir))?.contains(&table) {
                self.files.change(Change::Remove(&table)).map_err(data::Error::io(&table))?;
            }
        }
        Ok(())
    }

    /// Whether any of the models can go on. Those that had not begun then begin.
    fn begun(&self, names: &[String]) -> Result<bool> {
        for name in names.iter().filter(|name| is_sequence(name)) {
            if self.checkpoints(name, SEARCH).any()? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// Folder of the checkpoints of the run that finds the number of epochs.
const SEARCH: &str = "search";
/// Folder of the checkpoints of the run on everything.
const REFIT: &str = "refit";
/// Folder of items' rows, while a run is on.
const TABLE: &str = "table";

/// Whether anybody has a next event to learn from.
pub(crate) fn can_learn(train: &Sequences) -> bool {
    train.offsets().windows(2).any(|ends| ends[1] - ends[0] >= 2)
}

/// Whether anything can be learned from `train` and somebody in it has a new item in `held`.
fn can_tell(train: &Sequences, held: &Sequences) -> bool {
    let told = |user: u32| {
        let (history, next) = (train.user(user).items, held.user(user).items);
        !history.is_empty() && next.iter().any(|item| !history.contains(item))
    };
    can_learn(train) && (0..held.users() as u32).any(told)
}

/// What a training made.
pub(crate) struct Learned {
    pub(crate) model: Model,
    pub(crate) facts: TrainingFacts,
    /// Of items that had their rows on disk.
    pub(crate) table: Option<TableFacts>,
}

/// Trains the model called `name` on `all`. Checkpoints are kept in `place` until
/// [`Place::clear`].
pub(crate) fn fit(
    name: &str,
    settings: &SequenceSettings,
    all: &Sequences,
    clock: ClockKind,
    seed: u64,
    place: Option<&Place>,
    show: Show,
) -> Result<Learned> {
    let config = &settings.training;
    if config.model.name() != name {
        return Err(hint::error(
            format!("{name}.training.model.kind: {:?}", config.model.name()),
            format!("a section trains the model that it is called by: {name:?}"),
        ));
    }
    let parts = held_out(name, settings.held_out, all, clock)?;
    let (train, held) = match &parts {
        Some((train, held)) => (train, Some(held)),
        None => (all, None),
    };
    let checkpoints = place.map(|place| place.checkpoints(name, SEARCH));
    let resume = match (&checkpoints, place) {
        (Some(checkpoints), Some(place)) => place.resume && checkpoints.any()?,
        _ => false,
    };
    let screen = if show == Show::Screen { Screen::open() } else { None };
    let screen = screen.as_ref();
    let table = || place.and_then(|place| place.table(name));
    let kept = (checkpoints, resume, table());
    let first = one(config, (name, screen), (train, held), seed, kept)?;
    let refitted = held.is_some() && settings.refit;
    let epochs = first.epochs.iter().map(|facts| TrainingEpoch {
        epoch: facts.epoch,
        loss: facts.loss,
        ndcg: facts.ndcg,
        seconds: facts.seconds,
    });
    let facts = TrainingFacts {
        config: serde_json::to_value(settings)?,
        best_epoch: first.best_epoch,
        refitted,
        epochs: epochs.collect(),
    };
    let trained = if refitted {
        let config = SequenceConfig { epochs: first.best_epoch, ..config.clone() };
        // Its items are in memory.
        drop(first);
        let checkpoints = place.map(|place| place.checkpoints(name, REFIT));
        let going_on = match &checkpoints {
            Some(checkpoints) if resume => checkpoints.any()?,
            _ => false,
        };
        let title = format!("{name} on all events");
        let kept = (checkpoints, going_on, table());
        one(&config, (&title, screen), (all, None), seed, kept)?
    } else {
        first
    };
    let Trained { model, items, table, .. } = trained;
    Ok(Learned { model: Model::sequence(model, &items)?, facts, table })
}

/// One run of the loop.
fn one(
    config: &SequenceConfig,
    (title, screen): (&str, Option<&Screen>),
    (train, held): (&Sequences, Option<&Sequences>),
    seed: u64,
    (checkpoints, resume, table): (Option<Checkpoints>, bool, Option<TableTier>),
) -> Result<Trained> {
    let kept = checkpoints.is_some();
    let run = |progress: &Progress<'_>, tell: &mut dyn FnMut(&Report)| {
        let clock = &SystemClock;
        train::fit(Run {
            config,
            train,
            held,
            seed,
            checkpoints,
            resume,
            table,
            clock,
            progress,
            tell,
        })
    };
    let done = match screen {
        Some(screen) => {
            screen.begin(title);
            unseen(|progress| run(progress, &mut |report| screen.hear(report)))
        }
        None => with_notes(title, |progress, tell| {
            run(progress, &mut |report| {
                if let Some(line) = report.line() {
                    tell(&format!("{title}: {line}"));
                }
            })
        }),
    };
    match done {
        Err(train::Error::Data(data::Error::Stopped)) if kept => Err(hint::error(
            "stopped; what was learned is kept",
            "the same command with --resume goes on from here",
        )),
        Err(train::Error::Tables(error @ tables::Error::Tier { .. })) => Err(hint::error(
            error,
            "items' rows lie there while they learn: mend that or make room; --resume goes on from \
             the last checkpoint, where there is one",
        )),
        Err(train::Error::Setting { field, what }) if field == "table_memory" => {
            Err(hint::error(
                format!("--table-memory: {what}"),
                "give it as much, or leave it out: all items are in memory then",
            ))
        }
        other => Ok(other?),
    }
}

/// Cuts off the last events, by time, or each user's last where there is no time; `None` where
/// nothing is to be held out, or one of the parts would be empty.
fn held_out(
    name: &str,
    share: f64,
    all: &Sequences,
    clock: ClockKind,
) -> Result<Option<(Sequences, Sequences)>> {
    if !(0.0..=0.5).contains(&share) {
        return Err(hint::error(
            format!("{name}.held_out: {share} is not in 0 to 0.5"),
            "0.05 holds out the last twentieth of the events",
        ));
    }
    if share == 0.0 {
        return Ok(None);
    }
    let spec = match clock {
        ClockKind::OrderOnly => SplitSpec::LeaveLastOut,
        ClockKind::Real | ClockKind::Approximate => {
            SplitSpec::Time { validation_from: None, test_from: Cut::Share(1.0 - share) }
        }
    };
    match split(all, clock, &spec) {
        Ok(parts) if can_tell(&parts.train, &parts.test) => Ok(Some((parts.train, parts.test))),
        Ok(_) | Err(data::Error::Refused(_)) => {
            note(&format!(
                "{name}: nobody has new items at the end to stop by; every epoch is run"
            ));
            Ok(None)
        }
        Err(other) => Err(other.into()),
    }
}
