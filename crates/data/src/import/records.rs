//! Records of delimited text (RFC 4180): a line without a quote is cut where it lies; a quoted
//! record, which may span lines, is unpacked into a buffer.
//!
//! A quote opens a field only at its beginning; elsewhere it is a character like any other
//! (`5" disk`). After a closing quote only a delimiter or the end of the line may follow: what
//! comes otherwise is a reject, because guessing where such a field ends moves columns.
//! A line end inside quotes is read as a single line feed.

use std::path::Path;

use super::RowSink;
use super::fields::text;
use super::source::{LINE_BYTES_MAX, LINE_TOO_LONG, Line, Lines};
use crate::{Error, Result};

/// Fields of one record.
#[derive(Clone, Copy)]
pub(super) struct Fields<'a> {
    bytes: &'a [u8],
    ends: &'a [u32],
    /// Bytes between two fields: one delimiter where they lie in the line, none in the buffer.
    gap: u32,
}

impl<'a> Fields<'a> {
    /// The field at `place`, which is below the number of columns.
    #[inline]
    pub(super) fn at(&self, place: usize) -> &'a [u8] {
        let from = if place == 0 { 0 } else { self.ends[place - 1] + self.gap };
        &self.bytes[from as usize..self.ends[place] as usize]
    }

    fn len(&self) -> usize {
        self.ends.len()
    }
}

/// How a record is cut.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cut {
    /// What stands between two fields.
    pub(super) delimiter: u8,
    /// Whether quotes mean anything.
    pub(super) quotes: bool,
}

/// The records of a file.
pub(super) struct Records<'p> {
    lines: Lines<'p>,
    cut: Cut,
    /// Where each field ends.
    ends: Vec<u32>,
    /// A quoted record, unpacked.
    unpacked: Vec<u8>,
}

/// Where a line left a quoted record.
#[derive(Debug, Clone, Copy, PartialEq)]
enum After {
    Whole,
    /// A quote is open: the next line belongs to it.
    Open,
    Broken(&'static str),
}

impl<'p> Records<'p> {
    pub(super) fn new(lines: Lines<'p>, cut: Cut) -> Records<'p> {
        Records { lines, cut, ends: Vec::new(), unpacked: Vec::new() }
    }

    /// The first record as names of columns, without white space around them.
    pub(super) fn header(&mut self, path: &Path) -> Result<Vec<String>> {
        let bad = |what: String| Error::input(path.display(), what);
        match self.lines.next()? {
            None => {
                let what = "the file is empty; it should begin with the names of its columns";
                return Err(bad(what.into()));
            }
            Some(Line::TooLong) => {
                return Err(bad("the first line is over 1 MiB long; is this a CSV?".into()));
            }
            Some(Line::Bytes(line)) => {
                self.unpacked.clear();
                self.ends.clear();
                let begun = unpack(line, self.cut, false, &mut self.unpacked, &mut self.ends);
                if let After::Broken(why) = self.finish(begun)? {
                    return Err(bad(format!("the names of the columns: {why}")));
                }
            }
        }
        let fields = Fields { bytes: &self.unpacked, ends: &self.ends, gap: 0 };
        (0..fields.len())
            .map(|place| Ok(text("a column name", fields.at(place))?.trim().to_owned()))
            .collect::<Result<_, String>>()
            .map_err(bad)
    }

    /// Gives every record of `columns` fields to `take`, with the number of its first line.
    /// Every line of another record is a reject: a quote that somebody forgot to close may
    /// have eaten many rows, and each of them counts.
    pub(super) fn each(
        &mut self,
        columns: usize,
        sink: &mut dyn RowSink,
        mut take: impl FnMut(Fields<'_>, u64, &mut dyn RowSink) -> Result<()>,
    ) -> Result<()> {
        loop {
            let number = self.lines.number() + 1;
            let line = match self.lines.next()? {
                None => return Ok(()),
                Some(Line::TooLong) => {
                    sink.reject(number, LINE_TOO_LONG)?;
                    continue;
                }
                Some(Line::Bytes([])) => continue,
                Some(Line::Bytes(line)) => line,
            };
            self.ends.clear();
            if split(line, self.cut, &mut self.ends) {
                let fields = Fields { bytes: line, ends: &self.ends, gap: 1 };
                if fields.len() == columns {
                    take(fields, number, sink)?;
                } else {
                    sink.reject(number, &ragged(fields.len(), columns))?;
                }
                continue;
            }
            self.unpacked.clear();
            self.ends.clear();
            let begun = unpack(line, self.cut, false, &mut self.unpacked, &mut self.ends);
            let reason = match self.finish(begun)? {
                After::Broken(why) => why.to_owned(),
                _ if self.ends.len() == columns => {
                    let fields = Fields { bytes: &self.unpacked, ends: &self.ends, gap: 0 };
                    take(fields, number, sink)?;
                    continue;
                }
                _ => ragged(self.ends.len(), columns),
            };
            sink.reject(number, &reason)?;
            for eaten in number + 1..=self.lines.number() {
                let why = format!("part of the quoted record of line {number}: {reason}");
                sink.reject(eaten, &why)?;
            }
        }
    }

    /// Unpacks further lines while a quote is open.
    fn finish(&mut self, begun: After) -> Result<After> {
        let mut after = begun;
        while after == After::Open {
            after = match self.lines.next()? {
                Some(Line::Bytes(line))
                    if self.unpacked.len() + line.len() < LINE_BYTES_MAX =>
                {
                    self.unpacked.push(b'\n');
                    unpack(line, self.cut, true, &mut self.unpacked, &mut self.ends)
                }
                Some(_) => After::Broken("a quote is not closed within 1 MiB"),
                None => After::Broken("a quote is not closed"),
            };
        }
        Ok(after)
    }
}

fn ragged(found: usize, columns: usize) -> String {
    format!("{found} columns, expected {columns}")
}

/// Cuts a line where it lies. False where a quote forbids it.
#[inline]
fn split(line: &[u8], cut: Cut, ends: &mut Vec<u32>) -> bool {
    // Most lines are a few dozen bytes: a plain loop beats a search per field.
    for (at, &byte) in line.iter().enumerate() {
        if byte == cut.delimiter {
            ends.push(at as u32);
        } else if byte == b'"' && cut.quotes {
            return false;
        }
    }
    ends.push(line.len() as u32);
    true
}

/// Unpacks one line of a quoted record; `open` where the line before left a quote open.
fn unpack(
    line: &[u8],
    cut: Cut,
    mut open: bool,
    unpacked: &mut Vec<u8>,
    ends: &mut Vec<u32>,
) -> After {
    let mut at = 0;
    loop {
        if !open && cut.quotes && line.get(at) == Some(&b'"') {
            open = true;
            at += 1;
        }
        let rest = &line[at..];
        if !open {
            let length = memchr::memchr(cut.delimiter, rest).unwrap_or(rest.len());
            unpacked.extend_from_slice(&rest[..length]);
            ends.push(unpacked.len() as u32);
            if length == rest.len() {
                return After::Whole;
            }
            at += length + 1;
            continue;
        }
        let Some(length) = memchr::memchr(b'"', rest) else {
            unpacked.extend_from_slice(rest);
            return After::Open;
        };
        unpacked.extend_from_slice(&rest[..length]);
        at += length + 1;
        match line.get(at) {
            Some(b'"') => {
                unpacked.push(b'"');
                at += 1;
            }
            Some(&byte) if byte == cut.delimiter => {
                ends.push(unpacked.len() as u32);
                open = false;
                at += 1;
            }
            Some(_) => return After::Broken("text after a closing quote"),
            None => {
                ends.push(unpacked.len() as u32);
                return After::Whole;
            }
        }
    }
}
