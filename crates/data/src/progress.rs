//! How long work reports where it is, and learns that it should stop.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::{Error, Result};

/// One report of a piece of work.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Step<'a> {
    /// What is being done, in two or three words: `reading rows`, `als iteration`.
    pub what: &'a str,
    /// Units done.
    pub done: u64,
    /// Units in all, where known.
    pub total: Option<u64>,
}

/// Passed down to everything that may take longer than a second. Cheap to call.
#[derive(Clone, Copy)]
pub struct Progress<'a> {
    report: &'a (dyn Fn(Step<'_>) + Sync),
    stop: &'a AtomicBool,
}

impl<'a> Progress<'a> {
    /// Reports to `report`, and stops once `stop` is true.
    pub fn new(report: &'a (dyn Fn(Step<'_>) + Sync), stop: &'a AtomicBool) -> Self {
        Self { report, stop }
    }

    /// Reports to nobody and never stops.
    pub fn silent() -> Progress<'static> {
        static NEVER: AtomicBool = AtomicBool::new(false);
        Progress { report: &|_| {}, stop: &NEVER }
    }

    /// Reports, and fails with [`Error::Stopped`] where the user asked to stop. Call it every
    /// few milliseconds to every few hundred.
    pub fn step(&self, what: &str, done: u64, total: Option<u64>) -> Result<()> {
        (self.report)(Step { what, done, total });
        self.check()
    }

    /// Fails with [`Error::Stopped`] where the user asked to stop.
    pub fn check(&self) -> Result<()> {
        if self.stopped() { Err(Error::Stopped) } else { Ok(()) }
    }

    /// Whether the user asked to stop.
    pub fn stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}

impl std::fmt::Debug for Progress<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Progress").field("stopped", &self.stopped()).finish_non_exhaustive()
    }
}
