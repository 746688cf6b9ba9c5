//! Time as an argument, and how far the times of a log can be trusted.
//!
//! Instants are milliseconds since 1970-01-01T00:00:00Z in an `i64`, in fields named `*_ms`.

use serde::{Deserialize, Serialize};

/// Where the present comes from. Nothing below the binary and the server's edge reads the
/// system's clock; they pass one of these.
pub trait Clock: Send + Sync {
    /// Milliseconds since the epoch.
    fn now_ms(&self) -> i64;
}

/// The system's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[allow(clippy::disallowed_methods, reason = "the one place that reads the wall clock")]
    fn now_ms(&self) -> i64 {
        match std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH) {
            Ok(since) => i64::try_from(since.as_millis()).unwrap_or(i64::MAX),
            Err(before) => -i64::try_from(before.duration().as_millis()).unwrap_or(i64::MAX),
        }
    }
}

/// Seconds as people say them: `42 s`, `3 min 20 s`, `1 h 5 min`.
pub fn seconds_in_words(seconds: f64) -> String {
    // What is negative or no number becomes 0.
    let seconds = seconds.round() as u64;
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
    }
}

/// A clock that stands still, for tests and replays.
#[derive(Debug, Clone, Copy)]
pub struct FixedClock(
    /// The instant it always shows, in milliseconds since the epoch.
    pub i64,
);

impl Clock for FixedClock {
    fn now_ms(&self) -> i64 {
        self.0
    }
}

/// How far the times of a log can be trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClockKind {
    /// Recorded when it happened.
    Real,
    /// Order is right, instants are partly made up (interpolated, rounded to days).
    Approximate,
    /// Only the order within a user means anything: a time split is refused.
    OrderOnly,
}

impl std::fmt::Display for ClockKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            ClockKind::Real => "real",
            ClockKind::Approximate => "approximate",
            ClockKind::OrderOnly => "order-only",
        })
    }
}

/// Earliest time an event may have: 1970-01-02. Earlier ones are zeros and defaults, not times.
pub const TIME_MS_MIN: i64 = 86_400_000;
/// First time an event may no longer have: the year 2200. Later ones are wrong units.
pub const TIME_MS_MAX: i64 = 7_258_118_400_000;

/// `2018-09-24T14:27:30Z`, or the number itself where it is no date.
pub fn format_ms(time_ms: i64) -> String {
    match jiff::Timestamp::from_millisecond(time_ms) {
        Ok(instant) => instant.to_string(),
        Err(_) => time_ms.to_string(),
    }
}

/// Reads an instant: RFC 3339 (`2018-09-24T14:27:30Z`), a civil date-time or date (taken as
/// UTC), or whole seconds or milliseconds since the epoch (told apart by size: 10^11 seconds
/// is the year 5138, 10^11 milliseconds is 1973).
pub fn parse_ms(text: &str) -> Option<i64> {
    let text = text.trim();
    if let Ok(number) = text.parse::<i64>() {
        return if number.unsigned_abs() < 100_000_000_000 {
            number.checked_mul(1000)
        } else {
            Some(number)
        };
    }
    if let Ok(instant) = text.parse::<jiff::Timestamp>() {
        return Some(instant.as_millisecond());
    }
    let civil = text.parse::<jiff::civil::DateTime>().ok()?;
    Some(jiff::tz::TimeZone::UTC.to_timestamp(civil).ok()?.as_millisecond())
}
