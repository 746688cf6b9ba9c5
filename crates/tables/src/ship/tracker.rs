//! Which rows changed since each consumer came last (as TorchRec's ModelDeltaTracker: named consumers, a
//! cursor each).
//!
//! An id keeps the number of the last step that touched it. Against a log of all ids of all steps this takes
//! a look-up an id when it is written, but duplicates take no memory, what is remembered is at most the
//! distinct ids since the slowest consumer, and no compaction is ever due before reading.

use std::collections::BTreeMap;

use super::pending::Pending;
use super::{Error, Result};
use crate::{Index, Table};

/// Ids of all tables that each consumer has yet to see.
#[derive(Debug)]
pub struct Tracker {
    tables: Vec<Stamps>,
    consumers: BTreeMap<String, Consumer>,
    /// Rises with every look of a consumer.
    now: u64,
    ids_max: usize,
}

/// When ids of a table were touched last.
#[derive(Debug)]
struct Stamps {
    index: Index,
    stamped: Vec<(u64, u64)>,
}

#[derive(Debug)]
struct Consumer {
    /// Touches up to here are shipped.
    cursor: u64,
    behind: bool,
    /// What a consumer that takes the most changed rows first has not got.
    pending: Option<Vec<Pending>>,
}

/// Ids of a table that were touched, lowest first. Whether one has a row still, its table knows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Touches {
    /// With a row.
    pub ids: Vec<u64>,
    /// Without one: evicted or forgotten.
    pub tombstones: Vec<u64>,
}

/// What a consumer was shown; [`Tracker::done`] takes it from the tracker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    /// A table each.
    pub tables: Vec<Touches>,
    upto: u64,
}

impl Taken {
    /// What another one leaves out.
    #[must_use]
    pub fn without(mut self, other: &Taken) -> Taken {
        for (own, other) in self.tables.iter_mut().zip(&other.tables) {
            own.ids.retain(|id| other.ids.binary_search(id).is_err());
            own.tombstones.retain(|id| other.tombstones.binary_search(id).is_err());
        }
        self
    }

    /// Whether there is nothing.
    pub fn is_empty(&self) -> bool {
        self.tables.iter().all(|it| it.ids.is_empty() && it.tombstones.is_empty())
    }
}

impl Tracker {
    /// Of so many tables, for at most `ids_max` distinct ids a table between two looks of a consumer.
    pub fn new(tables: usize, ids_max: usize) -> Tracker {
        let tables = (0..tables)
            .map(|_| Stamps { index: Index::for_about(0), stamped: Vec::new() })
            .collect();
        Tracker { tables, consumers: BTreeMap::new(), now: 1, ids_max }
    }

    /// Begins a consumer, or begins it anew: what was touched before it is in its snapshot.
    pub fn begin(&mut self, consumer: &str) {
        self.enter(consumer, None);
    }

    /// The same for a consumer that takes the most changed rows first ([`Tracker::look_within`]); rows that
    /// are touched are kept as they were shipped last.
    pub fn begin_prioritised(&mut self, consumer: &str) {
        let pending = self.tables.iter().map(|_| Pending::default()).collect();
        self.enter(consumer, Some(pending));
    }

    fn enter(&mut self, consumer: &str, pending: Option<Vec<Pending>>) {
        let entry = Consumer { cursor: self.now, behind: false, pending };
        self.now += 1;
        self.consumers.insert(consumer.to_owned(), entry);
        self.let_go();
    }

    /// Says that rows are about to be touched: before an update, an admission or an eviction of these
    /// ids of table number `at`, so that `table` still has them as they were shipped.
    ///
    /// # Panics
    /// Where there is no such table.
    pub fn touch(&mut self, at: usize, table: &Table, ids: &[u64]) -> Result<()> {
        for consumer in self.consumers.values_mut().filter(|it| !it.behind) {
            if let Some(pending) = &mut consumer.pending {
                for id in ids {
                    pending[at].touch(table, *id, self.now)?;
                }
                if pending[at].len() > self.ids_max {
                    consumer.behind = true;
                    pending.iter_mut().for_each(|it| *it = Pending::default());
                }
            }
        }
        let stamps = &mut self.tables[at];
        for id in ids {
            match stamps.index.get(*id) {
                Some(place) => stamps.stamped[place as usize].1 = self.now,
                None => {
                    stamps.index.insert(*id, stamps.stamped.len() as u32)?;
                    stamps.stamped.push((*id, self.now));
                }
            }
        }
        if stamps.stamped.len() > self.ids_max {
            self.let_go();
            while self.tables[at].stamped.len() > self.ids_max {
                let slowest = self.consumers.values_mut().filter(|it| it.takes_all());
                let Some(slowest) = slowest.min_by_key(|it| it.cursor) else { break };
                slowest.behind = true;
                self.let_go();
            }
        }
        Ok(())
    }

    /// Forgets what every consumer has.
    fn let_go(&mut self) {
        let all = self.consumers.values().filter(|it| it.takes_all());
        let least = all.map(|it| it.cursor).min().unwrap_or(u64::MAX);
        for stamps in &mut self.tables {
            if stamps.stamped.iter().any(|(_, step)| *step <= least) {
                let kept: Vec<(u64, u64)> =
                    stamps.stamped.iter().copied().filter(|(_, step)| *step > least).collect();
                let mut index = Index::for_about(kept.len());
                for (place, (id, _)) in (0u32..).zip(&kept) {
                    index.insert(*id, place).expect("fewer than there were");
                }
                *stamps = Stamps { index, stamped: kept };
            }
        }
    }

    fn consumer(&self, name: &str) -> Result<&Consumer> {
        let unknown = || Error::contents(format!("consumer {name}"), "it never began");
        let consumer = self.consumers.get(name).ok_or_else(unknown)?;
        match consumer.behind {
            true => {
                let consumer = name.to_owned();
                Err(Error::Behind { consumer, ids_max: self.ids_max })
            }
            false => Ok(consumer),
        }
    }

    /// What was touched since the consumer's last [`Tracker::done`]; nothing is taken from it yet.
    ///
    /// # Errors
    /// Where it never began or is too far behind.
    ///
    /// # Panics
    /// Where there are not as many tables.
    pub fn look(&mut self, consumer: &str, tables: &[&Table]) -> Result<Taken> {
        assert_eq!(tables.len(), self.tables.len(), "tables of the tracker");
        let cursor = self.consumer(consumer)?.cursor;
        let touched = self.tables.iter().zip(tables).map(|(stamps, table)| {
            let new = stamps.stamped.iter().filter(|(_, step)| *step > cursor);
            sorted(new.map(|(id, _)| *id).collect(), table)
        });
        let taken = Taken { tables: touched.collect(), upto: self.now };
        self.now += 1;
        Ok(taken)
    }

    /// The rows that changed most, as many as go into `bytes` with ten for an id, and all tombstones; the
    /// others stay pending. Rows r are ordered by `‖w_r − w_r shipped‖₂ · √(1 + hits_r)` (after QuickUpdate,
    /// Matam et al. 2024), then by table and id.
    ///
    /// # Errors
    /// Where the consumer never began as a prioritised one, or is too far behind.
    pub fn look_within(
        &mut self,
        consumer: &str,
        tables: &[&Table],
        bytes: usize,
    ) -> Result<Taken> {
        assert_eq!(tables.len(), self.tables.len(), "tables of the tracker");
        let Some(pending) = &self.consumer(consumer)?.pending else {
            let what = "it takes all rows; begin it as a prioritised one";
            return Err(Error::contents(format!("consumer {consumer}"), what));
        };
        let tables = super::pending::most_changed(pending, tables, bytes)?;
        let taken = Taken { tables, upto: self.now };
        self.now += 1;
        Ok(taken)
    }

    /// Takes from the consumer what it was shown: it is shipped. What was touched in between stays.
    pub fn done(&mut self, consumer: &str, taken: &Taken) {
        let Some(consumer) = self.consumers.get_mut(consumer) else { return };
        match &mut consumer.pending {
            None => consumer.cursor = consumer.cursor.max(taken.upto),
            Some(pending) => pending.iter_mut().zip(&taken.tables).for_each(|(it, touches)| {
                let shown = touches.ids.iter().chain(&touches.tombstones);
                shown.for_each(|id| it.remove(*id, taken.upto));
            }),
        }
        self.let_go();
    }

    /// [`Tracker::look`] and [`Tracker::done`] in one, where nothing can fail in between.
    ///
    /// # Errors
    /// As [`Tracker::look`].
    pub fn take(&mut self, consumer: &str, tables: &[&Table]) -> Result<Taken> {
        let taken = self.look(consumer, tables)?;
        self.done(consumer, &taken);
        Ok(taken)
    }

    /// Ids that are remembered for consumers that take all.
    pub fn len(&self) -> usize {
        self.tables.iter().map(|stamps| stamps.stamped.len()).sum()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Consumer {
    fn takes_all(&self) -> bool {
        self.pending.is_none() && !self.behind
    }
}

/// Ids by whether they have a row.
pub(super) fn sorted(mut ids: Vec<u64>, table: &Table) -> Touches {
    ids.sort_unstable();
    let (ids, tombstones) =
        ids.into_iter().partition(|id| table.find(*id) != crate::table::UNKNOWN);
    Touches { ids, tombstones }
}
