//! Ids of requests, unique across restarts and across servers of one machine: the instant of
//! the start, the process, the server within it, a counter.

use std::sync::atomic::{AtomicU64, Ordering};

/// Servers that this process has opened.
static OPENED: AtomicU64 = AtomicU64::new(0);

/// Gives every request its id.
#[derive(Debug)]
pub(crate) struct RequestIds {
    prefix: String,
    next: AtomicU64,
}

impl RequestIds {
    pub(crate) fn new(started_ms: i64) -> RequestIds {
        let server = OPENED.fetch_add(1, Ordering::Relaxed);
        let process = std::process::id();
        let prefix = format!("{started_ms:x}-{process:x}.{server:x}");
        RequestIds { prefix, next: AtomicU64::new(0) }
    }

    /// The next number and its id.
    pub(crate) fn next(&self) -> (u64, String) {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        (number, format!("{}-{number:x}", self.prefix))
    }
}
