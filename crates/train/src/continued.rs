//! A model that is in use and goes on learning: from every event once, when it has happened.
//!
//! What the log has beyond what was learned from is new; a target is new, what comes before it in
//! its window is only read. Items are rows of a keyed table, so that one that was never met gets
//! its row here, and so that what a round has touched is known: a delta is made of that.

use std::collections::BTreeSet;

use data::batch::{Batches, Part, Which};
use data::{Progress, Sequences};
use models::SequenceModel;
use tables::Table;
use tables::ship::{TableDelta, Taken, Tracker};
use tensor::{Device, Tensor};

use crate::config::{ItemUpdates, SequenceConfig};
use crate::drawn::Drawer;
use crate::example::Examples;
use crate::items::all_rows;
use crate::trainer::Trainer;
use crate::{Decay, Error, Result, Schedule};

/// Touched ids that are remembered for whoever they are shipped to.
const TRACKED_MAX: usize = 1 << 28;

/// Rows of new events, and how many of each row's last targets are new.
type Rows = Vec<(Part, usize)>;

/// A trained model, and how much of each history it has learned from.
pub struct Continued {
    config: SequenceConfig,
    seed: u64,
    trainer: Trainer,
    /// Events by user.
    learned: Vec<usize>,
}

/// What a round has learned from.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Learned {
    /// Events that were targets.
    pub events: usize,
    /// Steps.
    pub steps: u64,
    /// Mean loss over the targets, before each step.
    pub loss: f64,
    /// Items whose rows have changed or are new, ascending.
    pub items: Vec<u64>,
}

impl Continued {
    /// Goes on with `model` and its items `[n, dim]`, which have learned from all of `known`.
    /// The optimiser begins anew, at the peak of the schedule.
    ///
    /// # Errors
    /// Where a setting is out of range, needs the whole matrix of items (hard negatives, the full
    /// softmax), or the items do not fit.
    pub fn new(
        config: &SequenceConfig,
        model: SequenceModel,
        items: &Tensor,
        known: &Sequences,
        seed: u64,
    ) -> Result<Continued> {
        let schedule = Schedule { warm_up: 0, decay: Decay::Constant, ..config.schedule };
        let item_updates = ItemUpdates::Keyed;
        let config = SequenceConfig { item_updates, schedule, ..config.clone() };
        if model.config() != config.model {
            let what = "the settings are of another network than the model's; go on with those \
                        that it was trained with";
            return Err(Error::Refused(what.into()));
        }
        if items.rows() > known.item_count() as usize || items.width() != model.dim() {
            return Err(Error::Refused(format!(
                "items of {} x {} for a catalogue of {} and a network of {}",
                items.rows(),
                items.width(),
                known.item_count(),
                model.dim()
            )));
        }
        let mut trainer = Trainer::new(&config, known, seed, Device::Cpu, 1)?;
        trainer.model = model;
        let ids: Vec<u64> = (0..items.rows() as u64).collect();
        if let Some(table) = trainer.items.table_mut() {
            table.admit(&ids)?;
            for (id, row) in ids.iter().zip(items.values().chunks_exact(items.width())) {
                table.set(*id, row)?;
            }
        }
        trainer.items.track(TRACKED_MAX);
        let learned = (0..known.users() as u32).map(|user| known.user(user).len()).collect();
        Ok(Continued { config, seed, trainer, learned })
    }

    /// The model as it is now.
    pub fn model(&self) -> &SequenceModel {
        &self.trainer.model
    }

    /// Its items as they are now.
    ///
    /// # Panics
    /// Never: they are in a table from the beginning.
    pub fn items(&self) -> &Table {
        self.trainer.items.table().expect("a continued model keeps its items in a table")
    }

    /// All items of the catalogue, `[items, dim]`.
    pub fn matrix(&self) -> Tensor {
        all_rows(self.items(), self.trainer.items.count())
    }

    /// Somebody whom changed rows are shipped to: all of them, or those first that changed the most. It
    /// has all rows as they are now.
    pub fn consumer(&mut self, name: &str, prioritised: bool) {
        let (_, tracker) = self.tracked();
        match prioritised {
            true => tracker.begin_prioritised(name),
            false => tracker.begin(name),
        }
    }

    /// Rows that changed since the consumer's last [`Continued::shipped`]; of a prioritised one, those that
    /// changed the most, within so many bytes.
    ///
    /// # Errors
    /// Where there is no such consumer, or it does not take rows in this way.
    pub fn changed(&mut self, consumer: &str, bytes_max: Option<usize>) -> Result<Taken> {
        let (table, tracker) = self.tracked();
        Ok(match bytes_max {
            None => tracker.look(consumer, &[table])?,
            Some(bytes_max) => tracker.look_within(consumer, &[table], bytes_max)?,
        })
    }

    /// Takes over rows that an earlier run learned and no consumer has got; they are shipped from here on.
    ///
    /// # Errors
    /// Where they are of other items.
    pub fn restore(&mut self, rows: &[TableDelta]) -> Result<()> {
        rows.iter().try_for_each(|rows| self.trainer.items.restore(rows))
    }

    /// The consumer has them.
    pub fn shipped(&mut self, consumer: &str, taken: &Taken) {
        let (_, tracker) = self.tracked();
        tracker.done(consumer, taken);
    }

    fn tracked(&mut self) -> (&Table, &mut Tracker) {
        self.trainer
            .items
            .tracked()
            .expect("a continued model tracks a table from the beginning")
    }

    /// How many events `all` has that were not learned from.
    pub fn waiting(&self, all: &Sequences) -> usize {
        let known = |user: u32| self.learned.get(user as usize).copied().unwrap_or(0);
        (0..all.users() as u32)
            .map(|user| all.user(user).len().saturating_sub(known(user)))
            .sum()
    }

    /// Learns once from what `all` has and was not learned from: the last events of each history.
    /// Where it fails or is stopped, the steps that were taken hold, and what they did not reach is
    /// still waiting.
    ///
    /// # Errors
    /// Where a number is not finite, or on request to stop.
    pub fn learn(&mut self, all: &Sequences, progress: &Progress<'_>) -> Result<Learned> {
        self.learned.resize(self.learned.len().max(all.users()), 0);
        let rows = self.rows(all);
        let mut done = Learned::default();
        if rows.is_empty() {
            // Histories may have got their first event.
            self.note_all(all);
            return Ok(done);
        }
        self.trainer.know(&self.config, all, self.seed)?;
        let (parts, fresh): (Vec<Part>, Vec<usize>) = rows.into_iter().unzip();
        let total: usize = fresh.iter().sum();
        let mut fresh = fresh.into_iter();
        let mut touched = BTreeSet::new();
        let tokens = self.config.batch_tokens as usize;
        for batch in Batches::new(all, tokens, parts.into_iter()) {
            progress.step("events", done.events as u64, Some(total as u64))?;
            let batch = batch?;
            let last: Vec<usize> = fresh.by_ref().take(batch.users.len()).collect();
            let examples =
                Examples::of(batch, self.config.model.positions())?.only_last(&last)?;
            let facts = self.trainer.step(&examples)?;
            touched.extend(self.trainer.touched().iter().map(|row| u64::from(*row)));
            for (user, last) in examples.users.iter().zip(&last) {
                let learned = &mut self.learned[*user as usize];
                // A first event is no target, but it is known from now on.
                *learned = (*learned).max(1) + last;
            }
            done.events += examples.targets.len();
            done.steps += 1;
            done.loss += f64::from(facts.loss) * examples.targets.len() as f64;
        }
        self.trainer.check_finite()?;
        done.loss /= done.events.max(1) as f64;
        done.items = touched.into_iter().collect();
        self.note_all(all);
        Ok(done)
    }

    fn note_all(&mut self, all: &Sequences) {
        for (user, learned) in (0u32..).zip(&mut self.learned) {
            *learned = (*learned).max(all.user(user).len());
        }
    }

    /// Windows that end with new events, each event the target of one of them, oldest first.
    fn rows(&self, all: &Sequences) -> Rows {
        let most = self.config.model.length_max() as usize;
        let mut rows = Vec::new();
        for user in 0..all.users() as u32 {
            let length = all.user(user).len();
            // The first event of a history is nobody's target.
            let mut next = self.learned[user as usize].max(1);
            while next < length {
                let end = length.min(next + most);
                // As much before the first new one as a request would see.
                let start = end.saturating_sub(most + 1);
                let part = Part { user, events: Which::Range(start..end) };
                rows.push((part, end - next));
                next = end;
            }
        }
        rows
    }
}

impl Trainer {
    /// Draws from `all` from now on, whose catalogue may have grown.
    pub(crate) fn know(
        &mut self,
        config: &SequenceConfig,
        all: &Sequences,
        seed: u64,
    ) -> Result<()> {
        self.items.grow(all.item_count());
        self.drawer = Drawer::new(config, all, seed)?;
        Ok(())
    }

    /// Items of the last step.
    pub(crate) fn touched(&self) -> &[u32] {
        &self.touched.rows
    }
}
