//! The bytes of a delta, version 1. Numbers are little-endian.
//!
//! ```text
//! 8   "tm-delta"
//! 4   version of this layout
//! 4   bytes of the header
//!     header: JSON {model, base, sequence, previous, dense_bytes or null, tables:
//!       [{table, width, format, ids, ids_bytes, tombstones, tombstones_bytes}]}; unknown fields are skipped
//!     of each table: ids, tombstones (steps between rising ids, LEB128), rows (as in Format)
//!     the dense part
//! 32  BLAKE3 of everything before it
//! ```
//!
//! A reader needs the file and at most eight bytes for each byte of ids beside it: rows and the dense part
//! are views into the file's bytes. A newer version is refused before anything after it is looked at.

use std::io::{self, Write};
use std::path::Path;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::{Delta, Error, Format, Result, TableDelta, varint};

/// Version of the layout that this program writes, and the newest it reads.
pub const DELTA_VERSION: u32 = 1;
/// Bytes of a delta of up to eight tables that do not grow with its rows: header and checksum.
pub const DELTA_FIXED_BYTES: usize = 4096;

const MAGIC: &[u8; 8] = b"tm-delta";
const CHECKSUM: usize = 32;
const BEGIN: usize = 16;

#[derive(Debug, Serialize, Deserialize)]
struct Header {
    model: String,
    base: String,
    sequence: u64,
    previous: String,
    dense_bytes: Option<u64>,
    tables: Vec<TableHeader>,
}

#[derive(Debug, Serialize, Deserialize)]
struct TableHeader {
    table: String,
    width: usize,
    format: Format,
    ids: usize,
    ids_bytes: usize,
    tombstones: usize,
    tombstones_bytes: usize,
}

/// Name of the file of a delta.
pub fn delta_name(sequence: u64) -> String {
    format!("{sequence:06}.delta")
}

/// Writes a delta and sets its checksum; says how many bytes. Rows are not copied; `place` is for errors.
///
/// # Errors
/// Where the delta does not hold together ([`TableDelta::check`]) or `out` fails.
pub fn encode(delta: &mut Delta, out: &mut dyn Write, place: &Path) -> Result<u64> {
    let mut ids = Vec::new();
    let mut tables = Vec::new();
    for table in &delta.tables {
        table.check()?;
        let (mut live, mut dead) = (Vec::new(), Vec::new());
        varint::encode(&table.ids, &mut live);
        varint::encode(&table.tombstones, &mut dead);
        tables.push(TableHeader {
            table: table.table.clone(),
            width: table.width,
            format: table.format,
            ids: table.ids.len(),
            ids_bytes: live.len(),
            tombstones: table.tombstones.len(),
            tombstones_bytes: dead.len(),
        });
        ids.push((live, dead));
    }
    let header = Header {
        model: delta.model.clone(),
        base: delta.base.clone(),
        sequence: delta.sequence,
        previous: delta.previous.clone(),
        dense_bytes: delta.dense.as_ref().map(|dense| dense.len() as u64),
        tables,
    };
    let header = serde_json::to_vec(&header)
        .map_err(|error| Error::contents(place.display(), error.to_string()))?;
    write(delta, &header, &ids, out).map_err(|source| data::Error::io(place)(source).into())
}

fn write(
    delta: &mut Delta,
    header: &[u8],
    ids: &[(Vec<u8>, Vec<u8>)],
    out: &mut dyn Write,
) -> io::Result<u64> {
    let mut hashing = Hashing { out, hasher: blake3::Hasher::new(), bytes: 0 };
    hashing.put(MAGIC)?;
    hashing.put(&DELTA_VERSION.to_le_bytes())?;
    hashing.put(&(header.len() as u32).to_le_bytes())?;
    hashing.put(header)?;
    for (table, (live, dead)) in delta.tables.iter().zip(ids) {
        for part in [&live[..], dead, &table.rows] {
            hashing.put(part)?;
        }
    }
    if let Some(dense) = &delta.dense {
        hashing.put(dense)?;
    }
    let checksum = hashing.hasher.finalize();
    hashing.out.write_all(checksum.as_bytes())?;
    let bytes = hashing.bytes + CHECKSUM as u64;
    delta.checksum = checksum.to_hex().to_string();
    Ok(bytes)
}

struct Hashing<'a> {
    out: &'a mut dyn Write,
    hasher: blake3::Hasher,
    bytes: u64,
}

impl Hashing<'_> {
    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.hasher.update(bytes);
        self.bytes += bytes.len() as u64;
        self.out.write_all(bytes)
    }
}

/// Reads a delta; `place` is the file it came from.
///
/// # Errors
/// Where a byte is not as written, the layout is newer, or the delta does not hold together.
pub fn decode(bytes: &Bytes, place: &Path) -> Result<Delta> {
    let damaged = |what: String| Error::damaged(place, what);
    if bytes.len() < BEGIN + CHECKSUM || &bytes[..8] != MAGIC {
        return Err(damaged(format!("{} bytes that are no delta", bytes.len())));
    }
    let word = |at: usize| {
        u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
    };
    let version = word(8);
    if version > DELTA_VERSION {
        let path = place.to_path_buf();
        return Err(data::Error::Newer { path, found: version, known: DELTA_VERSION }.into());
    }
    let end = bytes.len() - CHECKSUM;
    let checksum = blake3::hash(&bytes[..end]);
    if checksum.as_bytes()[..] != bytes[end..] || version == 0 {
        return Err(damaged("its checksum is not the one it was written with".into()));
    }
    let mut rest = Rest { bytes: bytes.slice(BEGIN..end), place };
    let header: Header = serde_json::from_slice(&rest.take(u64::from(word(12)))?)
        .map_err(|error| damaged(format!("header: {error}")))?;
    let mut tables = Vec::new();
    for table in header.tables {
        let named = |what: String| damaged(format!("table {}: {what}", table.table));
        let live = rest.take(table.ids_bytes as u64)?;
        let dead = rest.take(table.tombstones_bytes as u64)?;
        let ids = varint::decode(&live, table.ids).map_err(named)?;
        let tombstones = varint::decode(&dead, table.tombstones).map_err(named)?;
        if table.width > 1 << 16 {
            return Err(named(format!("width {}", table.width)));
        }
        let rows = ids.len() as u64 * table.format.row_bytes(table.width) as u64;
        let TableHeader { table, width, format, .. } = table;
        let table =
            TableDelta { table, width, format, ids, rows: rest.take(rows)?, tombstones };
        table.check().map_err(|error| damaged(error.to_string()))?;
        tables.push(table);
    }
    let dense = header.dense_bytes.map(|count| rest.take(count)).transpose()?;
    if !rest.bytes.is_empty() {
        return Err(damaged(format!("{} bytes belong to nothing", rest.bytes.len())));
    }
    let Header { model, base, sequence, previous, .. } = header;
    let checksum = checksum.to_hex().to_string();
    Ok(Delta { model, base, sequence, previous, tables, dense, checksum })
}

struct Rest<'a> {
    bytes: Bytes,
    place: &'a Path,
}

impl Rest<'_> {
    fn take(&mut self, count: u64) -> Result<Bytes> {
        match usize::try_from(count) {
            Ok(count) if count <= self.bytes.len() => Ok(self.bytes.split_to(count)),
            _ => {
                let what = format!("{count} bytes are said to follow, {} do", self.bytes.len());
                Err(Error::damaged(self.place, what))
            }
        }
    }
}
