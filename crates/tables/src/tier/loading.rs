//! Rows of a batch into the fast tier, and rows that must leave it out of it. The same on the thread
//! that looks ahead and on the caller's.

use std::ops::Range;
use std::sync::{PoisonError, RwLock};

use super::Tier;
use super::cache::{Cache, Plan};
use super::record;
use crate::{Init, Result, Table};

/// Rows of one request to the slow tier.
pub(super) const CHUNK: usize = 2048;

/// A batch that is in the fast tier, or will be.
pub(super) struct Batch {
    /// Ids of all features, then the places of their rows.
    pub(super) places: Vec<u64>,
    /// Slots that it has locked.
    pub(super) used: Vec<u32>,
    /// Rows in its pad, in order.
    pub(super) conflicts: Vec<u64>,
    /// Where its pad begins.
    pub(super) pad: usize,
    /// Of its ids.
    pub(super) print: u128,
}

impl Batch {
    pub(super) fn new(ids: usize, pad_rows: usize, pad: usize) -> Batch {
        Batch {
            places: Vec::with_capacity(ids),
            used: Vec::with_capacity(ids),
            conflicts: Vec::with_capacity(pad_rows),
            pad,
            print: 0,
        }
    }

    pub(super) fn bytes(&self) -> usize {
        (self.places.capacity() + self.conflicts.capacity()) * 8 + self.used.capacity() * 4
    }

    pub(super) fn bytes_for(ids: usize, pad_rows: usize) -> usize {
        12 * ids + 8 * pad_rows
    }
}

/// How rows of a feature begin, and the number of its first one.
#[derive(Clone, Copy)]
pub(super) struct Beginning {
    pub(super) first: u64,
    pub(super) init: Init,
}

/// Everything but the rows themselves: with the caller, or lent to the thread that looks ahead.
pub(super) struct Engine {
    pub(super) cache: Cache,
    pub(super) tier: Box<dyn Tier>,
    pub(super) plan: Plan,
    /// Rows of a pad that were changed and not yet written: row and place.
    pub(super) owed: Vec<(u64, u32)>,
    pub(super) beginnings: Vec<Beginning>,
    rows: Vec<u64>,
    records: Vec<u8>,
    known: Vec<bool>,
    fresh: Vec<f32>,
    record: usize,
}

impl Engine {
    pub(super) fn new(
        cache: Cache,
        tier: Box<dyn Tier>,
        beginnings: Vec<Beginning>,
        [ids, pad_rows, width, record]: [usize; 4],
    ) -> Engine {
        Engine {
            cache,
            tier,
            plan: Plan::for_ids(ids),
            owed: Vec::with_capacity(2 * pad_rows),
            beginnings,
            rows: Vec::with_capacity(CHUNK),
            records: vec![0; CHUNK * record],
            known: vec![false; CHUNK],
            fresh: vec![0.0; width],
            record,
        }
    }

    pub(super) fn bytes(&self) -> usize {
        self.cache.bytes()
            + self.tier.bytes(CHUNK)
            + self.plan.bytes()
            + self.owed.capacity() * size_of::<(u64, u32)>()
            + self.rows.capacity() * 8
            + self.records.capacity()
            + self.known.capacity()
            + self.fresh.capacity() * 4
    }

    /// Without the cache and the tier.
    pub(super) fn bytes_for(ids: usize, pad_rows: usize, width: usize, record: usize) -> usize {
        Plan::bytes_for(ids)
            + 2 * pad_rows * size_of::<(u64, u32)>()
            + CHUNK * (8 + record + 1)
            + width * 4
    }

    /// Brings the rows of a batch, whose places are ids still. Where that fails nothing is lost, and the
    /// cache is as it was; `pad_rows` says how many conflicts there may be: the number there were is
    /// the result.
    pub(super) fn load(
        &mut self,
        batch: &mut Batch,
        fast: &RwLock<Table>,
        pad_rows: usize,
    ) -> Result<usize> {
        self.settle(fast)?;
        let Batch { places, used, conflicts, pad, .. } = batch;
        let count = self.cache.plan(places, *pad as u64, &mut self.plan, used, conflicts);
        let result = match count > pad_rows {
            true => Ok(()),
            false => self.write_victims(fast),
        };
        if result.is_err() || count > pad_rows {
            self.cache.undo(&self.plan, used, false);
            used.clear();
            conflicts.clear();
            return result.map(|()| count);
        }
        let coming = self.plan.coming.len();
        for from in (0..coming + count).step_by(CHUNK) {
            let to = (from + CHUNK).min(coming + count);
            let place = |at: usize| match at.checked_sub(coming) {
                None => (self.plan.coming[at].row, self.plan.coming[at].slot as usize),
                Some(at) => (conflicts[at], *pad + at),
            };
            self.rows.clear();
            self.rows.extend((from..to).map(|at| place(at).0));
            let records = &mut self.records[..(to - from) * self.record];
            let known = &mut self.known[..to - from];
            if let Err(error) = self.tier.read(&self.rows, records, known) {
                self.cache.undo(&self.plan, used, true);
                used.clear();
                conflicts.clear();
                return Err(error);
            }
            let mut fast = fast.write().unwrap_or_else(PoisonError::into_inner);
            for (at, bytes) in (from..to).zip(records.chunks(self.record)) {
                let (row, place) = place(at);
                match self.known[at - from] {
                    true => record::put(&mut fast, place, bytes),
                    false => {
                        begin(&self.beginnings, row, &mut self.fresh);
                        record::begin(&mut fast, place, &self.fresh);
                    }
                }
            }
        }
        Ok(count)
    }

    /// Writes rows of pads that were changed.
    pub(super) fn settle(&mut self, fast: &RwLock<Table>) -> Result<()> {
        let owed = std::mem::take(&mut self.owed);
        let result = owed.chunks(CHUNK).try_for_each(|some| {
            self.write(some.iter().map(|(row, place)| (*row, *place as usize)), fast)
        });
        self.owed = owed;
        result?;
        self.owed.clear();
        Ok(())
    }

    fn write_victims(&mut self, fast: &RwLock<Table>) -> Result<()> {
        let plan = std::mem::replace(&mut self.plan, Plan::for_ids(0));
        let mut written = 0;
        let result = plan.coming.chunks(CHUNK).try_for_each(|some| {
            let dirty = some.iter().filter_map(|it| Some((it.victim()?, it.slot as usize)));
            written += dirty.clone().count();
            self.write(dirty, fast)
        });
        self.plan = plan;
        result?;
        self.cache.counters.written_back += written as u64;
        Ok(())
    }

    /// Writes every row that has changed, and makes it durable.
    pub(super) fn flush(&mut self, fast: &RwLock<Table>, note: &str) -> Result<()> {
        self.write_back(fast)?;
        self.tier.flush(note)
    }

    /// Writes every row that has changed.
    pub(super) fn write_back(&mut self, fast: &RwLock<Table>) -> Result<()> {
        self.settle(fast)?;
        for from in (0..self.cache.slots()).step_by(CHUNK) {
            let slots = from..(from + CHUNK).min(self.cache.slots());
            let cache = &self.cache;
            let dirty: Vec<(u64, usize)> =
                slots.filter_map(|slot| Some((cache.dirty(slot)?, slot))).collect();
            self.write(dirty.iter().copied(), fast)?;
            dirty.iter().for_each(|(_, slot)| self.cache.clean(*slot));
        }
        Ok(())
    }

    /// Records of `rows`, at most a chunk, as the tier has them, and which of them it has.
    pub(super) fn stored(&mut self, rows: Range<u64>) -> Result<(&[u8], &[bool])> {
        self.rows.clear();
        self.rows.extend(rows);
        let count = self.rows.len();
        let (records, known) =
            (&mut self.records[..count * self.record], &mut self.known[..count]);
        self.tier.read(&self.rows, records, known)?;
        Ok((&self.records[..count * self.record], &self.known[..count]))
    }

    /// At most a chunk of rows, from their places.
    fn write(
        &mut self,
        rows: impl Iterator<Item = (u64, usize)>,
        fast: &RwLock<Table>,
    ) -> Result<()> {
        self.rows.clear();
        {
            let fast = fast.read().unwrap_or_else(PoisonError::into_inner);
            let records = self.records.chunks_mut(self.record);
            for ((row, place), bytes) in rows.zip(records) {
                self.rows.push(row);
                record::take(&fast, place, bytes);
            }
        }
        match self.rows.len() {
            0 => Ok(()),
            count => self.tier.write(&self.rows, &self.records[..count * self.record]),
        }
    }

    /// Copies out a row that is in no fast place.
    pub(super) fn read_one(&mut self, row: u64, out: &mut [f32]) -> Result<()> {
        let (bytes, known) = (&mut self.records[..self.record], &mut self.known[..1]);
        self.tier.read(&[row], bytes, known)?;
        match self.known[0] {
            true => record::numbers(&self.records[..self.record], out),
            false => begin(&self.beginnings, row, out),
        }
        Ok(())
    }
}

/// A row that nobody has changed: a function of its key.
fn begin(beginnings: &[Beginning], row: u64, out: &mut [f32]) {
    let at = beginnings.partition_point(|it| it.first <= row) - 1;
    beginnings[at].init.fill(row - beginnings[at].first, out);
}
