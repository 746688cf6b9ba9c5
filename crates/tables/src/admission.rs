//! Whether a key has been seen often enough to get a row: most ids of a log come once, and a row each for
//! them would be memory that never learns.
//!
//! A count-min sketch (Cormode and Muthukrishnan 2005) with conservative update (Estan and Varghese
//! 2002): a count is never below the true one since counts were halved, so no key is late for want of
//! counters; where keys share counters one may be early. Halving keeps the sketch from filling up. Not for an
//! exact count: that takes memory for each key, which is what this is to spare.

use crate::mix::{below, mix};
use crate::table::UNKNOWN;
use crate::{Error, Result, Table};

/// Counters of a key.
const DEPTH: usize = 4;

/// After how many sightings a key gets its row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Admission {
    /// The sighting that brings the row, 1 for the first one, which needs no sketch.
    pub sightings: u8,
    /// Counters of a byte each, 4 a key. Of a Zipf stream's rows after 3 sightings 5 in 100 are early with
    /// four counters for each distinct key between two halvings, 5 in 1,000 with eight.
    pub counters: u32,
    /// All counts are halved after so many sightings of keys without a row.
    pub halve_after: u64,
    /// Another seed, other keys share counters.
    pub seed: u64,
}

/// How often keys were seen, at least.
#[derive(Debug, Clone)]
pub(crate) struct Sketch {
    admission: Admission,
    counters: Vec<u8>,
    /// Sightings since counts were halved.
    seen: u64,
}

impl Sketch {
    fn new(admission: Admission) -> Sketch {
        let each = admission.counters as usize / DEPTH;
        Sketch { admission, counters: vec![0; each * DEPTH], seen: 0 }
    }

    pub(crate) fn bytes(&self) -> usize {
        self.counters.len()
    }

    /// Counts a key; whether it has been seen often enough.
    fn see(&mut self, key: u64) -> bool {
        let each = self.counters.len() / DEPTH;
        let places: [usize; DEPTH] = std::array::from_fn(|row| {
            let hash = mix(key, mix(self.admission.seed, row as u64 + 1));
            row * each + below(hash, each as u32)
        });
        let least = places.iter().map(|at| self.counters[*at]).min().expect("more than none");
        // Nobody asks for more than this.
        let count = least.saturating_add(1).min(self.admission.sightings);
        for at in places {
            self.counters[at] = self.counters[at].max(count);
        }
        self.seen += 1;
        if self.seen >= self.admission.halve_after {
            self.seen = 0;
            self.counters.iter_mut().for_each(|count| *count /= 2);
        }
        count >= self.admission.sightings
    }
}

impl Table {
    /// From now on [`Table::sight`] gives a row at a key's sighting of this number; what was counted before is
    /// forgotten.
    ///
    /// # Errors
    /// Of a dense table, and where a number is 0 or there are fewer than 4 counters.
    pub fn admit_after(&mut self, admission: Admission) -> Result<()> {
        let Admission { sightings, counters, halve_after, .. } = admission;
        let wrong = |field, what| Err(Error::Setting { field, what });
        if sightings == 0 {
            return wrong("sightings", "a row comes with the first one, 1, or later".into());
        }
        if sightings > 1 && counters < DEPTH as u32 {
            return wrong("counters", format!("{counters} are fewer than a key has, {DEPTH}"));
        }
        if sightings > 1 && halve_after == 0 {
            return wrong("halve_after", "0 would forget every sighting".into());
        }
        let Some(keys) = &mut self.keys else {
            return Err(self.wrong("its rows are numbered; it admits no key".into()));
        };
        keys.sketch = (sightings > 1).then(|| Sketch::new(admission));
        Ok(())
    }

    /// Counts a sighting of each of these keys, as often as it is there; those that have been seen as often as
    /// [`Table::admit_after`] says get their row. Says how many did. The others read as 0 and learn
    /// nothing. Without [`Table::admit_after`] it is [`Table::admit`]. A key that was evicted may come
    /// back before as many sightings: the sketch knows it until it has been halved.
    ///
    /// # Errors
    /// As [`Table::admit`].
    pub fn sight(&mut self, ids: &[u64]) -> Result<usize> {
        let sketch = self.keys.as_mut().and_then(|keys| keys.sketch.take());
        let Some(mut sketch) = sketch else { return self.admit(ids) };
        let mut scratch = vec![0.0; self.config.width];
        let mut new = 0;
        let mut given = Ok(());
        for id in ids {
            // Who has a row takes no counters from others.
            if self.find(*id) == UNKNOWN && sketch.see(*id) {
                given = self.give_row(*id, &mut scratch);
                if given.is_err() {
                    break;
                }
                new += 1;
            }
        }
        if let Some(keys) = &mut self.keys {
            keys.sketch = Some(sketch);
        }
        given.map(|()| new)
    }
}
