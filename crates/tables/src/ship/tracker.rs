//! Which ids of a table were touched since somebody last asked (as TorchRec's delta tracker, but that
//! the row is read when it is shipped: what a consumer gets is always the newest).
//!
//! An id is remembered once, with the step that touched it last: memory follows ids, not steps. Every
//! consumer has a cursor of its own, and takes nothing away from others. A consumer that never comes
//! would make the tracker remember for ever: where more than a bound are remembered, those who are
//! furthest behind are let go, and told so when they come ([`Error::Behind`]).

use std::collections::{BTreeMap, HashMap};

use super::{Error, Result};

/// Touched ids of one table.
#[derive(Debug, Clone)]
pub struct Tracker {
    ids_max: usize,
    now: u64,
    /// By id: the step that touched it last.
    touched: HashMap<u64, u64>,
    consumers: BTreeMap<String, Cursor>,
}

#[derive(Debug, Clone, Copy)]
enum Cursor {
    /// Has everything up to this step.
    At(u64),
    /// Ids that it lacks were let go.
    Behind,
}

/// What a consumer lacked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Taken {
    /// Ids, each once; they rise. Those that have no row any more are tombstones.
    pub ids: Vec<u64>,
    /// Steps since it came last.
    pub steps: u64,
}

impl Tracker {
    /// Remembers at most so many ids.
    pub fn new(ids_max: usize) -> Tracker {
        let (touched, consumers) = (HashMap::new(), BTreeMap::new());
        Tracker { ids_max: ids_max.max(1), now: 0, touched, consumers }
    }

    /// Somebody who will come for ids, and has everything until now.
    pub fn consumer(&mut self, name: &str) {
        self.consumers.insert(name.to_owned(), Cursor::At(self.now));
        self.let_go();
    }

    /// Somebody who comes no more.
    pub fn leave(&mut self, name: &str) {
        self.consumers.remove(name);
        self.let_go();
    }

    /// Ids that a step updated, admitted or evicted.
    pub fn touch(&mut self, ids: &[u64]) {
        self.now += 1;
        if self.consumers.values().all(|cursor| matches!(cursor, Cursor::Behind)) {
            return;
        }
        for id in ids {
            self.touched.insert(*id, self.now);
        }
        while self.touched.len() > self.ids_max {
            let ats = self.consumers.values().filter_map(|cursor| match cursor {
                Cursor::At(at) => Some(*at),
                Cursor::Behind => None,
            });
            let Some(last) = ats.min() else { break };
            for cursor in self.consumers.values_mut() {
                if matches!(cursor, Cursor::At(at) if *at == last) {
                    *cursor = Cursor::Behind;
                }
            }
            self.let_go();
        }
    }

    /// Ids that were touched since this consumer last came.
    ///
    /// # Errors
    /// Where it is unknown, or was away for too long.
    pub fn take(&mut self, name: &str) -> Result<Taken> {
        let at = match self.consumers.get(name) {
            Some(Cursor::At(at)) => *at,
            Some(Cursor::Behind) => {
                let (consumer, ids_max) = (name.to_owned(), self.ids_max);
                return Err(Error::Behind { consumer, ids_max });
            }
            None => {
                let what = "nobody of that name comes for ids; name it first";
                return Err(Error::contents(format!("consumer {name}"), what));
            }
        };
        #[allow(clippy::iter_over_hash_type, reason = "sorted below")]
        let mut ids: Vec<u64> = self
            .touched
            .iter()
            .filter(|(_, touched)| **touched > at)
            .map(|(id, _)| *id)
            .collect();
        ids.sort_unstable();
        self.consumers.insert(name.to_owned(), Cursor::At(self.now));
        self.let_go();
        Ok(Taken { ids, steps: self.now - at })
    }

    /// Ids that are remembered.
    pub fn len(&self) -> usize {
        self.touched.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.touched.is_empty()
    }

    /// Forgets what everybody has.
    fn let_go(&mut self) {
        let ats = self.consumers.values().filter_map(|cursor| match cursor {
            Cursor::At(at) => Some(*at),
            Cursor::Behind => None,
        });
        match ats.min() {
            Some(last) => self.touched.retain(|_, touched| *touched > last),
            None => self.touched.clear(),
        }
    }
}
