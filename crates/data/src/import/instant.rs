//! Times of sources: numbers in a unit, RFC 3339, dates, and places in an order-only source.

use super::column_map::TimeUnit;
use super::fields::shown;
use crate::{ClockKind, parse_ms};

/// A whole number as an instant, or as a place where the clock is order-only.
#[inline]
pub(super) fn from_whole(
    name: &str,
    number: i64,
    unit: TimeUnit,
    clock: ClockKind,
) -> Result<i64, String> {
    if clock == ClockKind::OrderOnly {
        return Ok(number);
    }
    let time_ms = match (unit, number.unsigned_abs()) {
        (TimeUnit::S, _) | (TimeUnit::Auto, ..100_000_000_000) => number.checked_mul(1000),
        (TimeUnit::Ms, _) | (TimeUnit::Auto, ..100_000_000_000_000) => Some(number),
        (TimeUnit::Us, _) | (TimeUnit::Auto, ..100_000_000_000_000_000) => {
            Some(number.div_euclid(1000))
        }
        (TimeUnit::Ns | TimeUnit::Auto, _) => Some(number.div_euclid(1_000_000)),
        // 20240131 is a date that somebody wrote as a number.
        (TimeUnit::Date, _) => return from_date(name, &number.to_string()),
        (TimeUnit::Rfc3339, _) => return Err(format!("{name} {number} is not RFC 3339")),
    };
    time_ms.ok_or_else(|| format!("{name} {number} is absurd"))
}

/// A number with a fraction as an instant, to the nearest millisecond.
pub(super) fn from_fraction(
    name: &str,
    number: f64,
    unit: TimeUnit,
    clock: ClockKind,
) -> Result<i64, String> {
    let refuse = |what: &str| Err(format!("{name} {number} {what}"));
    if !number.is_finite() {
        return refuse("is not a time");
    }
    if clock == ClockKind::OrderOnly && number.fract() != 0.0 {
        return refuse("is not a whole place");
    }
    let per_ms = match (unit, clock) {
        (_, ClockKind::OrderOnly) | (TimeUnit::Ms, _) => 1.0,
        (TimeUnit::S, _) => 1e-3,
        (TimeUnit::Us, _) => 1e3,
        (TimeUnit::Ns, _) => 1e6,
        (TimeUnit::Auto, _) => match number.abs() {
            ..1e11 => 1e-3,
            ..1e14 => 1.0,
            ..1e17 => 1e3,
            _ => 1e6,
        },
        (TimeUnit::Rfc3339 | TimeUnit::Date, _) => return refuse("is a number"),
    };
    let time_ms = (number / per_ms).round();
    if time_ms.abs() < 1e18 { Ok(time_ms as i64) } else { refuse("is absurd") }
}

/// Text as an instant.
#[inline]
pub(super) fn from_text(
    name: &str,
    text: &str,
    unit: TimeUnit,
    clock: ClockKind,
) -> Result<i64, String> {
    match digits(text) {
        Some(number) => from_whole(name, number, unit, clock),
        None => from_words(name, text.trim(), unit, clock),
    }
}

/// Digits only, and not so many that they pass 64 bits: the usual case, and the quick one.
#[inline]
fn digits(text: &str) -> Option<i64> {
    if text.is_empty() || text.len() > 18 {
        return None;
    }
    let mut value = 0i64;
    for byte in text.bytes() {
        if !byte.is_ascii_digit() {
            return None;
        }
        value = value * 10 + i64::from(byte - b'0');
    }
    Some(value)
}

fn from_words(name: &str, text: &str, unit: TimeUnit, clock: ClockKind) -> Result<i64, String> {
    if let Ok(number) = text.parse::<i64>() {
        return from_whole(name, number, unit, clock);
    }
    if let Ok(number) = text.parse::<f64>() {
        return from_fraction(name, number, unit, clock);
    }
    let refuse = |what: &str| Err(format!("{name} {:?} is not {what}", shown(text)));
    match unit {
        _ if clock == ClockKind::OrderOnly => refuse("a place"),
        TimeUnit::Date => from_date(name, text),
        TimeUnit::Rfc3339 => match text.parse::<jiff::Timestamp>() {
            Ok(instant) => Ok(instant.as_millisecond()),
            Err(_) => refuse("RFC 3339"),
        },
        // `2019-10-01 00:00:00 UTC` is how some data bases write it.
        _ => match parse_ms(text.strip_suffix(" UTC").unwrap_or(text)) {
            Some(time_ms) => Ok(time_ms),
            None => refuse("a time"),
        },
    }
}

/// The beginning of a day, UTC.
fn from_date(name: &str, text: &str) -> Result<i64, String> {
    let midnight = text
        .parse::<jiff::civil::Date>()
        .ok()
        .and_then(|date| jiff::tz::TimeZone::UTC.to_timestamp(date.at(0, 0, 0, 0)).ok());
    match midnight {
        Some(midnight) => Ok(midnight.as_millisecond()),
        None => Err(format!("{name} {:?} is not a date", shown(text))),
    }
}
