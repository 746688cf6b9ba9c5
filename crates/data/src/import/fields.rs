//! Fields of text sources, read as text and numbers.

use std::str;

/// A field as text.
#[inline]
pub(super) fn text<'a>(name: &str, field: &'a [u8]) -> Result<&'a str, String> {
    str::from_utf8(field).map_err(|_| format!("{name} is not UTF-8"))
}

/// A field as a number, where there is one. `inf` and `nan` are read, and refused further on
/// with everything else that is no finite number.
#[inline]
pub(super) fn number(name: &str, field: &[u8]) -> Result<Option<f64>, String> {
    let text = text(name, field)?.trim();
    if text.is_empty() {
        return Ok(None);
    }
    // Ratings and counts are short: this is most fields of most logs.
    if let [digit @ b'0'..=b'9'] = text.as_bytes() {
        return Ok(Some(f64::from(digit - b'0')));
    }
    text.parse().map(Some).map_err(|_| format!("{name} {:?} is not a number", shown(text)))
}

/// A field as whole seconds since the epoch, in milliseconds.
#[inline]
pub(super) fn seconds(name: &str, field: &[u8]) -> Result<i64, String> {
    let mut value = 0i64;
    if !field.is_empty() && field.len() <= 12 && field.iter().all(u8::is_ascii_digit) {
        for digit in field {
            value = value * 10 + i64::from(digit - b'0');
        }
        return Ok(value * 1000);
    }
    let text = text(name, field)?;
    match text.trim().parse::<i64>().ok().and_then(|seconds| seconds.checked_mul(1000)) {
        Some(time_ms) => Ok(time_ms),
        None => Err(format!("{name} {:?} is not a count of seconds", shown(text))),
    }
}

/// The beginning of a text that somebody sent, short enough for a message.
pub(super) fn shown(text: &str) -> String {
    let mut short: String = text.chars().take(40).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}
