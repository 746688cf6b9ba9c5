//! What a record carries through the sort besides its fixed columns.

/// Bit of a record's kind: the source gave the event an id. Above the most kinds of a log.
pub(super) const OWN_ID: u16 = 1 << 15;

/// Query and request id of an event, each present or not: a byte of flags, the length of the
/// query, both texts.
pub(super) fn write(tail: &mut Vec<u8>, query: Option<&str>, request: Option<&str>) {
    tail.push(u8::from(query.is_some()) | u8::from(request.is_some()) << 1);
    let text = query.unwrap_or_default();
    tail.extend_from_slice(&(text.len() as u16).to_le_bytes());
    tail.extend_from_slice(text.as_bytes());
    tail.extend_from_slice(request.unwrap_or_default().as_bytes());
}

/// What [`write()`] wrote.
pub(super) fn read(tail: &[u8]) -> (Option<String>, Option<String>) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let split = 3 + usize::from(u16::from_le_bytes([tail[1], tail[2]]));
    let query = (tail[0] & 1 != 0).then(|| text(&tail[3..split]));
    (query, (tail[0] & 2 != 0).then(|| text(&tail[split..])))
}
