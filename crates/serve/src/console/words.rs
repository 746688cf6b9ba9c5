//! Numbers, dates and links as people read them.

use std::fmt::Write;

use data::{format_ms, grouped};

/// `1,234,567`.
pub(super) fn number(number: impl Into<u64>) -> String {
    grouped(number.into())
}

/// The day of an instant, `2018-09-24`.
pub(super) fn day(time_ms: i64) -> String {
    format_ms(time_ms).chars().take(10).collect()
}

/// `2018-09-24 14:27`.
pub(super) fn minute(time_ms: i64) -> String {
    format_ms(time_ms).chars().take(16).collect::<String>().replace('T', " ")
}

/// A length of time: `3 minutes`.
pub(super) fn ago(ms: i64) -> String {
    let seconds = ms.max(0) / 1000;
    let (count, unit) = match seconds {
        0..60 => (seconds, "second"),
        60..3600 => (seconds / 60, "minute"),
        3600..86_400 => (seconds / 3600, "hour"),
        _ => (seconds / 86_400, "day"),
    };
    format!("{count} {unit}{}", if count == 1 { "" } else { "s" })
}

/// A rating or an amount: `4`, `4.5`.
pub(super) fn amount(value: f32) -> String {
    let text = format!("{value:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// An id in a path or a query.
pub(super) fn encoded(id: &str) -> String {
    let mut text = String::with_capacity(id.len());
    for byte in id.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                text.push(char::from(byte));
            }
            _ => write!(text, "%{byte:02X}").expect("writing to a string does not fail"),
        }
    }
    // A path segment of dots alone would be taken for a step up.
    if text.bytes().all(|byte| byte == b'.') { text.replace('.', "%2E") } else { text }
}

/// The page of an item.
pub(super) fn item_href(id: &str) -> String {
    format!("/console/items/{}", encoded(id))
}

/// The page of a user.
pub(super) fn user_href(id: &str) -> String {
    format!("/console/users/{}", encoded(id))
}
