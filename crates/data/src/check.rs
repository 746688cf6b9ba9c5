//! What the edge of the house lets in: one rule for importers and for HTTP.

use crate::{TIME_MS_MAX, TIME_MS_MIN};

/// Longest id, in bytes.
pub const ID_BYTES_MAX: usize = 256;
/// Longest search query, in bytes.
pub const QUERY_BYTES_MAX: usize = 4096;

/// Checks an id: 1 to 256 bytes of UTF-8 without control characters. It is taken as it is,
/// never trimmed or normalised, because two ids that look alike may be two items.
#[inline]
pub fn id(field: &str, id: &str) -> Result<(), String> {
    if id.is_empty() {
        return Err(format!("{field} is empty"));
    }
    if id.len() > ID_BYTES_MAX {
        return Err(format!("{field} has {} bytes, more than {ID_BYTES_MAX}", id.len()));
    }
    // ASCII first: nearly every id is, and the byte loop vectorises.
    let control = if id.is_ascii() {
        id.bytes().any(|byte| byte < 0x20 || byte == 0x7f)
    } else {
        id.chars().any(char::is_control)
    };
    if control {
        return Err(format!("{field} holds a control character"));
    }
    Ok(())
}

/// Checks an instant: after 1970-01-01 and before the year 2200.
#[inline]
pub fn time_ms(field: &str, time_ms: i64) -> Result<(), String> {
    if (TIME_MS_MIN..TIME_MS_MAX).contains(&time_ms) {
        return Ok(());
    }
    Err(format!(
        "{field} {} is absurd: not between 1970-01-02 and the year 2200 (are the units right?)",
        crate::format_ms(time_ms)
    ))
}

/// Checks that a number is one and fits `f32`: `1e39` would become infinite.
#[inline]
pub fn value(field: &str, value: f64) -> Result<f32, String> {
    let narrow = value as f32;
    if narrow.is_finite() {
        return Ok(narrow);
    }
    Err(if value.is_finite() {
        format!("{field} {value:e} does not fit 32 bits")
    } else {
        format!("{field} is not a finite number")
    })
}

/// Checks a search query: at most 4096 bytes, no control characters but white space.
pub fn query(field: &str, query: &str) -> Result<(), String> {
    if query.len() > QUERY_BYTES_MAX {
        return Err(format!("{field} has {} bytes, more than {QUERY_BYTES_MAX}", query.len()));
    }
    if query.chars().any(|c| c.is_control() && !c.is_whitespace()) {
        return Err(format!("{field} holds a control character"));
    }
    Ok(())
}
