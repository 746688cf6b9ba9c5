//! Event ids, and what the log has already.
//!
//! A row without an id of its own gets one from its content and its occurrence number among
//! equal rows: two plays of one song in one second stay two events, and the same file read
//! again gives the same ids. (An id that the source gave counts as the same event at the same
//! instant only.) Equal rows have equal times, so one instant is looked at at a
//! time; memory grows with the distinct rows of one instant (16 bytes each), not with the log.

use std::collections::HashMap;
use std::collections::HashSet;
use std::iter::Peekable;

use xxhash_rust::xxh3::xxh3_64;

use super::Events;
use super::tail::OWN_ID;
use crate::Result;
use crate::sort::Record;

/// Walks the new events and the log side by side, in order of time.
pub(super) struct Dedupe {
    existing: Peekable<Events>,
    time_ms: Option<i64>,
    /// Ids that the log has at this instant.
    known: HashSet<u64>,
    /// Equal rows seen at this instant, by hash. The first few are kept in a list: most
    /// instants have one row.
    few: Vec<(u64, u32)>,
    many: HashMap<u64, u32>,
}

const FEW: usize = 16;

impl Dedupe {
    pub(super) fn new(existing: Events) -> Dedupe {
        Dedupe {
            existing: existing.peekable(),
            time_ms: None,
            known: HashSet::new(),
            few: Vec::new(),
            many: HashMap::new(),
        }
    }

    /// The id of the next record in the order (time, seq); `None` where the log has it.
    pub(super) fn id(&mut self, record: &Record) -> Result<Option<u64>> {
        if self.time_ms != Some(record.time_ms) {
            self.enter(record.time_ms)?;
        }
        let occurrence = self.occurrence(record.hash);
        let id = match occurrence {
            0 => record.hash,
            // An id of the source's own says itself that this is the same event.
            _ if record.kind & OWN_ID != 0 => return Ok(None),
            again => {
                let mut bytes = [0u8; 12];
                bytes[..8].copy_from_slice(&record.hash.to_le_bytes());
                bytes[8..].copy_from_slice(&again.to_le_bytes());
                xxh3_64(&bytes)
            }
        };
        Ok((!self.known.contains(&id)).then_some(id))
    }

    fn enter(&mut self, time_ms: i64) -> Result<()> {
        self.time_ms = Some(time_ms);
        self.few.clear();
        self.many.clear();
        self.known.clear();
        while let Some(next) = self.existing.next_if(|event| match event {
            Ok(event) => event.time_ms <= time_ms,
            Err(_) => true,
        }) {
            let event = next?;
            if event.time_ms == time_ms {
                self.known.insert(event.id);
            }
        }
        Ok(())
    }

    fn occurrence(&mut self, hash: u64) -> u32 {
        if self.many.is_empty() {
            if let Some(entry) = self.few.iter_mut().find(|entry| entry.0 == hash) {
                entry.1 += 1;
                return entry.1;
            }
            if self.few.len() < FEW {
                self.few.push((hash, 0));
                return 0;
            }
            self.many.extend(self.few.drain(..));
        }
        *self.many.entry(hash).and_modify(|count| *count += 1).or_insert(0)
    }
}
