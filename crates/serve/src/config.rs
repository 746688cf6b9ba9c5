//! `[serve]` of the config.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// How to serve.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ServeConfig {
    /// Address and port; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Whether an address that other machines can reach is taken.
    pub allow_remote: bool,
    /// Most seconds between two flushes of slates and events into the log.
    pub flush_seconds: u32,
    /// Records (slates, events, items, users) that bring the next flush forward.
    pub flush_records: u32,
    /// Slates kept at most while they cannot be written (further ones are counted and dropped),
    /// and events, items and users kept at most (further ones are refused with 429).
    pub buffer_records: u32,
    /// Milliseconds between two looks at the pointer to the current model version.
    pub poll_ms: u32,
    /// Whether deltas that `train --delta-every` writes are taken over as they come.
    pub follow: bool,
    /// Recommendations computed at once; 0: as many as there are CPUs.
    pub concurrent: u32,
    /// Requests that may wait for a place; further ones get popular items at once.
    pub waiting: u32,
    /// Longest wait for a place, milliseconds; then popular items.
    pub wait_ms: u32,
    /// Most memory for encoded histories of users who ask again, MiB; 0: none is kept. They go
    /// with the model version that made them.
    pub history_memory_mib: u32,
}

impl Default for ServeConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8088),
            allow_remote: false,
            flush_seconds: 30,
            flush_records: 20_000,
            buffer_records: 200_000,
            poll_ms: 1000,
            follow: false,
            concurrent: 0,
            waiting: 64,
            wait_ms: 100,
            history_memory_mib: 64,
        }
    }
}

impl ServeConfig {
    /// # Errors
    /// Names the first setting that no server can run with.
    pub fn check(&self) -> Result<()> {
        check_address(self.listen, self.allow_remote)?;
        let bad = |field, what: String| Err(Error::Setting { field, what });
        if !(1..=3600).contains(&self.flush_seconds) {
            let what = format!("{} does not do; give 1 to 3600 seconds", self.flush_seconds);
            return bad("flush_seconds", what);
        }
        for (field, value) in
            [("flush_records", self.flush_records), ("buffer_records", self.buffer_records)]
        {
            if !(1..=10_000_000).contains(&value) {
                return bad(field, format!("{value} does not do; give 1 to 10 million"));
            }
        }
        if self.flush_records > self.buffer_records {
            return bad(
                "flush_records",
                format!(
                    "{} is more than serve.buffer_records, {}: the buffer would be full before it \
                     is flushed",
                    self.flush_records, self.buffer_records
                ),
            );
        }
        if self.history_memory_mib > 1 << 20 {
            let what =
                format!("{} does not do; give at most a tebibyte", self.history_memory_mib);
            return bad("history_memory_mib", what);
        }
        if !(10..=3_600_000).contains(&self.poll_ms) {
            let what = format!("{} does not do; give 10 to 3,600,000", self.poll_ms);
            return bad("poll_ms", what);
        }
        if self.concurrent > 1024 {
            return bad(
                "concurrent",
                format!("{} does not do; give 0 to 1024", self.concurrent),
            );
        }
        if self.waiting > 100_000 {
            return bad("waiting", format!("{} does not do; give 0 to 100,000", self.waiting));
        }
        if self.wait_ms > 10_000 {
            return bad("wait_ms", format!("{} does not do; give 0 to 10,000", self.wait_ms));
        }
        Ok(())
    }

    /// Recommendations computed at once.
    pub(crate) fn places(&self) -> usize {
        match self.concurrent {
            0 => std::thread::available_parallelism().map_or(2, usize::from),
            places => places as usize,
        }
    }
}

/// Refuses an address that other machines can reach, unless that was asked for.
pub(crate) fn check_address(address: SocketAddr, allow_remote: bool) -> Result<()> {
    if address.ip().is_loopback() || allow_remote {
        return Ok(());
    }
    Err(Error::Remote { address })
}
