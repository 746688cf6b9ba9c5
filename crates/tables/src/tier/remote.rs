//! A remote place in memory, as slow and as unreliable as it is asked to be. Records that were written stay
//! written, whether a flush came after them or not.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::Tier;
use crate::{Error, Result};

/// What goes wrong.
#[derive(Debug, Clone, Copy, Default)]
pub struct Faults {
    /// How long each request takes.
    pub latency: Duration,
    /// And for each of its rows.
    pub latency_a_row: Duration,
    /// Requests, from 0, that fail from here on; none where there is no number.
    pub fail_from: Option<u64>,
    /// And end to fail here; never where there is no number.
    pub fail_until: Option<u64>,
}

/// Records in a map. Clones are the same place.
#[derive(Debug, Clone)]
pub struct RemoteTier {
    record: usize,
    inner: Arc<Mutex<Inner>>,
}

#[derive(Debug, Default)]
struct Inner {
    records: BTreeMap<u64, Vec<u8>>,
    note: Option<String>,
    faults: Faults,
    requests: u64,
}

impl RemoteTier {
    /// Without a record; records have so many bytes.
    pub fn new(record: usize) -> RemoteTier {
        RemoteTier { record, inner: Arc::default() }
    }

    /// What goes wrong from now on.
    pub fn set_faults(&self, faults: Faults) {
        self.inner().faults = faults;
    }

    /// Requests so far.
    pub fn requests(&self) -> u64 {
        self.inner().requests
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One request, of some rows.
    fn ask(&self, what: &str, rows: usize) -> Result<MutexGuard<'_, Inner>> {
        let (faults, number) = {
            let mut inner = self.inner();
            inner.requests += 1;
            (inner.faults, inner.requests - 1)
        };
        let takes = faults.latency + faults.latency_a_row * rows as u32;
        if !takes.is_zero() {
            std::thread::sleep(takes);
        }
        let until = faults.fail_until.unwrap_or(u64::MAX);
        if faults.fail_from.is_some_and(|from| (from..until).contains(&number)) {
            let what = format!("request {number} ({what} of {rows} rows): planted fault");
            return Err(Error::Tier { place: "remote".into(), what });
        }
        Ok(self.inner())
    }
}

impl Tier for RemoteTier {
    fn read(&mut self, rows: &[u64], out: &mut [u8], known: &mut [bool]) -> Result<()> {
        assert_eq!((out.len(), known.len()), (rows.len() * self.record, rows.len()), "rows");
        let inner = self.ask("a read", rows.len())?;
        for ((row, out), known) in
            rows.iter().zip(out.chunks_mut(self.record)).zip(known.iter_mut())
        {
            let record = inner.records.get(row);
            *known = record.is_some();
            if let Some(record) = record {
                out.copy_from_slice(record);
            }
        }
        Ok(())
    }

    fn write(&mut self, rows: &[u64], records: &[u8]) -> Result<()> {
        assert_eq!(records.len(), rows.len() * self.record, "rows");
        let mut inner = self.ask("a write", rows.len())?;
        for (row, record) in rows.iter().zip(records.chunks(self.record)) {
            inner.records.insert(*row, record.to_vec());
        }
        Ok(())
    }

    fn flush(&mut self, note: &str) -> Result<()> {
        self.ask("a flush", 0)?.note = Some(note.into());
        Ok(())
    }

    fn note(&mut self) -> Result<Option<String>> {
        Ok(self.ask("a note", 0)?.note.clone())
    }

    fn bytes(&self, _rows: usize) -> usize {
        // Its memory is another machine's.
        0
    }
}
