//! Tables of a server: read by anybody, changed by deltas while they are read.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use bytes::Bytes;

use super::store::{Before, Store};
use super::{Delta, Error, Result, Snapshot};

/// Bytes of rows that are kept for [`Served::roll_back`], where nothing else is said.
const KEPT_BYTES: usize = 64 << 20;

/// Tables of one snapshot, at one of its deltas.
///
/// A look-up sees each row whole, as it was or as it is. Rows of one delta arrive one after another, the
/// dense part after them: what is read meanwhile mixes both, as everywhere where rows are shipped.
pub struct Served {
    model: String,
    base: String,
    tables: Vec<ServedTable>,
    dense: ArcSwap<Bytes>,
    sequence: AtomicU64,
    past: Mutex<Past>,
}

/// One of them.
pub struct ServedTable {
    name: String,
    store: Store,
}

/// What became of a delta.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Applied {
    /// Its rows are there.
    Now,
    /// They were there already, and maybe newer ones.
    Before,
}

struct Past {
    /// Checksum of the last delta, of the snapshot where there was none.
    last: String,
    steps: VecDeque<Step>,
    kept_bytes: usize,
    kept_bytes_max: usize,
}

/// What takes a delta back.
struct Step {
    previous: String,
    tables: Vec<Option<Before>>,
    dense: Option<Arc<Bytes>>,
}

impl Step {
    /// With what a delta without a row takes.
    fn bytes(&self) -> usize {
        256 + self.tables.iter().flatten().map(Before::bytes).sum::<usize>()
            + self.dense.as_ref().map_or(0, |dense| dense.len())
    }
}

impl Served {
    /// The rows of a snapshot.
    ///
    /// # Errors
    /// Where one of its files is damaged or missing.
    pub fn of(snapshot: &Snapshot) -> Result<Served> {
        let mut tables = Vec::new();
        for known in snapshot.tables() {
            let rows = snapshot.room(known)?;
            let store = Store::new(known.format, known.width, rows);
            snapshot.rows(known, |some| {
                store.apply(some.ids, some.rows, &[], None);
                Ok(())
            })?;
            tables.push(ServedTable { name: known.table.clone(), store });
        }
        let base = snapshot.checksum().to_owned();
        Ok(Served {
            model: snapshot.model().to_owned(),
            tables,
            dense: ArcSwap::from_pointee(snapshot.dense()?),
            sequence: AtomicU64::new(0),
            past: Mutex::new(Past {
                last: base.clone(),
                steps: VecDeque::new(),
                kept_bytes: 0,
                kept_bytes_max: KEPT_BYTES,
            }),
            base,
        })
    }

    /// Keeps at most so many bytes of replaced rows for [`Served::roll_back`]; 0: none.
    pub fn keeping(self, bytes: usize) -> Served {
        let mut past = self.past();
        past.kept_bytes_max = bytes;
        past.drop_oldest();
        drop(past);
        self
    }

    /// Name of the model.
    pub fn model(&self) -> &str {
        &self.model
    }

    /// Checksum of the snapshot.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// Deltas since the snapshot.
    pub fn sequence(&self) -> u64 {
        self.sequence.load(Ordering::Acquire)
    }

    /// The table of that name.
    pub fn table(&self, name: &str) -> Option<&ServedTable> {
        self.tables.iter().find(|table| table.name == name)
    }

    /// All tables.
    pub fn tables(&self) -> &[ServedTable] {
        &self.tables
    }

    /// The dense part.
    pub fn dense(&self) -> Bytes {
        Bytes::clone(&self.dense.load())
    }

    fn past(&self) -> std::sync::MutexGuard<'_, Past> {
        self.past.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes over a delta; all of it is checked before the first row is written. Look-ups that begin
    /// after this returns give its rows, or newer ones. A delta that was applied before changes nothing.
    ///
    /// # Errors
    /// Where it is of another model or snapshot, others are missing before it, or it does not fit the
    /// tables; nothing has changed then.
    pub fn apply(&self, delta: &Delta) -> Result<Applied> {
        let mut past = self.past();
        if delta.model != self.model || delta.base != self.base {
            return Err(Error::Another {
                sequence: delta.sequence,
                theirs: format!("{:?} on snapshot {}", delta.model, delta.base),
                ours: format!("{:?} on snapshot {}", self.model, self.base),
            });
        }
        let expected = self.sequence() + 1;
        if delta.sequence < expected {
            return Ok(Applied::Before);
        }
        if delta.sequence > expected {
            return Err(Error::Gap { expected, found: delta.sequence });
        }
        if delta.previous != past.last {
            return Err(Error::Fork {
                sequence: delta.sequence,
                theirs: delta.previous.clone(),
                ours: past.last.clone(),
            });
        }
        let changes = self.check(delta)?;
        let remembers = past.kept_bytes_max > 0;
        let mut step = Step {
            previous: past.last.clone(),
            tables: self.tables.iter().map(|_| None).collect(),
            dense: None,
        };
        for (at, change) in &changes {
            let mut before = remembers.then(Before::default);
            self.tables[*at].store.change(change, before.as_mut());
            step.tables[*at] = before;
        }
        if let Some(dense) = &delta.dense {
            step.dense = Some(self.dense.swap(Arc::new(dense.clone())));
        }
        past.last.clone_from(&delta.checksum);
        past.keep(step);
        self.sequence.store(delta.sequence, Ordering::Release);
        Ok(Applied::Now)
    }

    /// The tables of a delta by their numbers here.
    fn check<'a>(&self, delta: &'a Delta) -> Result<Vec<(usize, &'a super::TableDelta)>> {
        let mut changes: Vec<(usize, &super::TableDelta)> = Vec::new();
        for change in &delta.tables {
            let wrong = |what: String| {
                let place = format!("delta {}, table {}", delta.sequence, change.table);
                Err(Error::contents(place, what))
            };
            let named = |table: &ServedTable| table.name == change.table;
            let Some(at) = self.tables.iter().position(named) else {
                return wrong("the snapshot has no such table; load a new snapshot".into());
            };
            if changes.iter().any(|(other, _)| *other == at) {
                return wrong("it comes twice".into());
            }
            let store = &self.tables[at].store;
            if (store.width(), store.format()) != (change.width, change.format) {
                return wrong(format!(
                    "{} numbers a row as {:?}, served are {} as {:?}",
                    change.width,
                    change.format,
                    store.width(),
                    store.format()
                ));
            }
            change.check()?;
            if change.ids.len() > store.room() {
                return wrong(format!("{} rows are too many for it", change.ids.len()));
            }
            changes.push((at, change));
        }
        Ok(changes)
    }

    /// Goes back to an earlier delta, or to the snapshot (0).
    ///
    /// # Errors
    /// Where it is not earlier, or more rows were replaced since than are kept: open the folder again
    /// then ([`super::Follower::serve_at`]). Nothing has changed.
    pub fn roll_back(&self, to: u64) -> Result<()> {
        let mut past = self.past();
        let now = self.sequence();
        let back = now.checked_sub(to).and_then(|back| usize::try_from(back).ok());
        let Some(back) = back.filter(|back| *back <= past.steps.len()) else {
            let what = format!(
                "at {now}, with {} deltas kept to go back; read the folder again",
                past.steps.len()
            );
            return Err(Error::contents(format!("roll back to delta {to}"), what));
        };
        for _ in 0..back {
            let Some(step) = past.steps.pop_back() else { break };
            past.kept_bytes -= step.bytes();
            let tables = self.tables.iter().zip(&step.tables);
            tables.filter_map(|(t, before)| Some((t, before.as_ref()?))).for_each(
                |(t, before)| {
                    t.store.undo(before);
                },
            );
            past.last = step.previous;
            if let Some(dense) = step.dense {
                self.dense.store(dense);
            }
        }
        self.sequence.store(to, Ordering::Release);
        Ok(())
    }
}

impl Past {
    fn keep(&mut self, step: Step) {
        if self.kept_bytes_max == 0 {
            return;
        }
        self.kept_bytes += step.bytes();
        self.steps.push_back(step);
        self.drop_oldest();
    }

    fn drop_oldest(&mut self) {
        while self.kept_bytes > self.kept_bytes_max {
            let Some(oldest) = self.steps.pop_front() else { break };
            self.kept_bytes -= oldest.bytes();
        }
    }
}

impl ServedTable {
    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Numbers of a row.
    pub fn width(&self) -> usize {
        self.store.width()
    }

    /// Rows.
    pub fn len(&self) -> usize {
        self.store.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes of rows and of the ways to them.
    pub fn bytes(&self) -> usize {
        self.store.bytes()
    }

    /// Every id that has a row, the lowest first.
    pub fn ids(&self) -> Vec<u64> {
        self.store.ids()
    }

    /// Copies out the row of an id; false where it has none, and `out` is 0 then.
    ///
    /// # Panics
    /// Where `out` has another width.
    pub fn row(&self, id: u64, out: &mut [f32]) -> bool {
        self.rows(&[id], out) == 1
    }

    /// Rows of ids in order, `[ids, width]`, 0 for an id without one; says how many had one.
    ///
    /// # Panics
    /// Where `out` has another size.
    pub fn rows(&self, ids: &[u64], out: &mut [f32]) -> usize {
        assert_eq!(out.len(), ids.len() * self.width(), "ids times width of {}", self.name);
        let mut found = 0;
        self.store.rows(ids, out, |_, known| found += usize::from(known));
        found
    }
}
