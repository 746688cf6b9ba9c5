//! Records in Redis: another machine's memory.
//!
//! ```text
//! {name}:{row}  record ‖ xxh3 of row and record; the row as 8 bytes, the first the highest
//! {name}:note   xxh3 of note ‖ note of the last flush
//! ```
//!
//! Redis answers a write when it has it in memory. What it keeps when it dies is its own setting: with
//! `appendonly yes` and `appendfsync always` everything that it answered to, with `everysec` all but
//! about the last second, otherwise what its last snapshot has. So a flush, which writes its note when
//! all rows were answered to, is as durable as the server. Rows are written over in place: after a crash
//! of the training the server has rows newer than the note, and only a restart from the server's own
//! backup of that flush is the training of then. A server that evicts (`maxmemory-policy` other than
//! `noeviction`) or comes back without its rows is found out as long as this handle lives: it knows
//! which rows it wrote or read, 1 bit each, and refuses one that is gone. A new handle does not know.
//!
//! One handle at a time; nothing locks the keys. Each request waits for at most its timeouts: of a
//! connection once, of reading and writing each time that nothing moves. The name of a host is looked up
//! by the system, with its own.

use std::time::Duration;

use ::redis::{Client, Cmd, Connection, RedisError, RedisResult, Value};
use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::Tier;
use crate::{Error, Result};

const SUM: usize = 8;
/// Of a note, which is no row.
const NOTE: u64 = u64::MAX;
/// A request of more goes in pieces, so that buffers have a bound.
const BATCH_BYTES: usize = 1 << 18;
/// What the protocol adds to a key and a record, and the client to a value.
const OVERHEAD: usize = 64;

/// What records in Redis are.
#[derive(Clone)]
pub struct Redis {
    /// `redis://[user:password@]host[:port][/number]`.
    pub url: String,
    /// Begins all keys: letters, digits, `_`, `-` and `.`.
    pub name: String,
    /// Rows, numbered from 0.
    pub rows: u64,
    /// Bytes of a record.
    pub record: usize,
    /// Longest wait for a connection.
    pub connect: Duration,
    /// Longest wait for an answer.
    pub read: Duration,
    /// Longest wait for a request to be taken.
    pub write: Duration,
    /// Replicas that must have everything before a flush ends.
    pub replicas: u32,
}

/// Records of one size in Redis.
pub struct RedisTier {
    redis: Redis,
    client: Client,
    /// None before the first request and after one that failed.
    connection: Option<Connection>,
    /// Rows that the server has, as far as this handle knows: a bit each.
    written: Vec<u64>,
    /// Without what is secret of the address.
    place: String,
}

impl RedisTier {
    /// Connects to a server, which may have records and a note of an earlier flush.
    ///
    /// # Errors
    /// A setting that cannot be; a server that does not answer in time.
    pub fn open(redis: Redis) -> Result<RedisTier> {
        let wrong = |what: String| Err(Error::Setting { field: "redis", what });
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte);
        if redis.name.is_empty() || redis.name.len() > 256 || !redis.name.bytes().all(allowed) {
            return wrong(format!("name {:?} cannot begin a key", redis.name));
        }
        if redis.rows == 0
            || redis.rows >= 1 << 40
            || redis.record == 0
            || redis.record > 1 << 24
        {
            return wrong(format!("{} rows of {} bytes cannot be", redis.rows, redis.record));
        }
        // In milliseconds the longest of a socket is far more than this.
        let may = Duration::from_millis(1)..=Duration::from_secs(24 * 60 * 60);
        for (what, timeout) in
            [("connect", redis.connect), ("read", redis.read), ("write", redis.write)]
        {
            if !may.contains(&timeout) {
                return wrong(format!("{what}: {timeout:?} is not 1 ms to a day"));
            }
        }
        let client = match Client::open(redis.url.as_str()) {
            Ok(client) => client,
            Err(error) => return wrong(format!("url: {error}")),
        };
        let place = format!("redis {}", client.get_connection_info().addr());
        let written = vec![0; redis.rows.div_ceil(64) as usize];
        let mut tier = RedisTier { redis, client, connection: None, written, place };
        tier.ask("a greeting", 0, |connection| ::redis::cmd("PING").exec(connection))?;
        Ok(tier)
    }

    /// One request, of some rows.
    fn ask<T>(
        &mut self,
        what: &str,
        rows: usize,
        request: impl FnOnce(&mut Connection) -> RedisResult<T>,
    ) -> Result<T> {
        let failed = |place: &str, error: RedisError| Error::Tier {
            place: place.into(),
            what: match rows {
                0 => format!("{what}: {error}"),
                rows => format!("{what} of {rows} rows: {error}"),
            },
        };
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.connect().map_err(|error| failed(&self.place, error))?,
        };
        match request(&mut connection) {
            Ok(answer) => {
                self.connection = Some(connection);
                Ok(answer)
            }
            // The connection goes: a late answer must not be taken for one to the next request.
            Err(error) => Err(failed(&self.place, error)),
        }
    }

    fn connect(&self) -> RedisResult<Connection> {
        let connection = self.client.get_connection_with_timeout(self.redis.connect)?;
        connection.set_read_timeout(Some(self.redis.read))?;
        connection.set_write_timeout(Some(self.redis.write))?;
        Ok(connection)
    }

    fn check(&self, rows: &[u64]) -> Result<()> {
        match rows.iter().find(|row| **row >= self.redis.rows) {
            None => Ok(()),
            Some(row) => Err(self.error(format!("row {row} of {}", self.redis.rows))),
        }
    }

    fn error(&self, what: String) -> Error {
        Error::Tier { place: self.place.clone(), what }
    }

    fn key(&self, row: u64, key: &mut Vec<u8>) {
        key.clear();
        key.extend_from_slice(self.redis.name.as_bytes());
        key.push(b':');
        key.extend_from_slice(&row.to_be_bytes());
    }

    fn note_key(&self) -> String {
        format!("{}:note", self.redis.name)
    }

    /// Bytes of a record with its key, as a request has it.
    fn moved(&self) -> usize {
        self.redis.record + SUM + self.redis.name.len() + 1 + size_of::<u64>() + OVERHEAD
    }

    /// Rows of a piece of a request.
    fn batch(&self) -> usize {
        (BATCH_BYTES / self.moved()).max(1)
    }

    fn wrote(&self, row: u64) -> bool {
        self.written[(row / 64) as usize] >> (row % 64) & 1 == 1
    }

    fn mark(&mut self, row: u64) {
        self.written[(row / 64) as usize] |= 1 << (row % 64);
    }

    /// One piece.
    fn read_batch(&mut self, rows: &[u64], out: &mut [u8], known: &mut [bool]) -> Result<()> {
        let mut request = ::redis::cmd("MGET");
        let mut key = Vec::new();
        for row in rows {
            self.key(*row, &mut key);
            request.arg(&key[..]);
        }
        let answer: Vec<Option<Vec<u8>>> =
            self.ask("a read", rows.len(), |connection| request.query(connection))?;
        if answer.len() != rows.len() {
            let what = format!("{} records for {} rows", answer.len(), rows.len());
            return Err(self.error(what));
        }
        let record = self.redis.record;
        let outs = out.chunks_mut(record).zip(known);
        for ((row, found), (out, known)) in rows.iter().zip(answer).zip(outs) {
            *known = found.is_some();
            let Some(found) = found else {
                if self.wrote(*row) {
                    let what = format!("row {row}: it was written and is gone");
                    return Err(self.error(what));
                }
                continue;
            };
            if found.len() != record + SUM {
                let (found, should) = (found.len(), record + SUM);
                let what = format!("damaged: row {row}: {found} bytes, not {should}");
                return Err(self.error(what));
            }
            let (bytes, sum) = found.split_at(record);
            if xxh3_64_with_seed(bytes, *row).to_le_bytes() != sum {
                return Err(self.error(format!("damaged: row {row}: its checksum is wrong")));
            }
            out.copy_from_slice(bytes);
            self.mark(*row);
        }
        Ok(())
    }
}

impl Tier for RedisTier {
    fn read(&mut self, rows: &[u64], out: &mut [u8], known: &mut [bool]) -> Result<()> {
        let record = self.redis.record;
        assert_eq!((out.len(), known.len()), (rows.len() * record, rows.len()), "rows");
        self.check(rows)?;
        let batch = self.batch();
        let outs = out.chunks_mut(batch * record).zip(known.chunks_mut(batch));
        for (rows, (out, known)) in rows.chunks(batch).zip(outs) {
            self.read_batch(rows, out, known)?;
        }
        Ok(())
    }

    fn write(&mut self, rows: &[u64], records: &[u8]) -> Result<()> {
        let record = self.redis.record;
        assert_eq!(records.len(), rows.len() * record, "rows");
        self.check(rows)?;
        let batch = self.batch();
        let (mut key, mut value) = (Vec::new(), Vec::new());
        for (rows, records) in rows.chunks(batch).zip(records.chunks(batch * record)) {
            // All of a piece or nothing, in one request.
            let mut request: Cmd = ::redis::cmd("MSET");
            for (row, bytes) in rows.iter().zip(records.chunks(record)) {
                self.key(*row, &mut key);
                value.clear();
                value.extend_from_slice(bytes);
                value.extend_from_slice(&xxh3_64_with_seed(bytes, *row).to_le_bytes());
                request.arg(&key[..]).arg(&value[..]);
            }
            self.ask("a write", rows.len(), |connection| request.exec(connection))?;
            rows.iter().for_each(|row| self.mark(*row));
        }
        Ok(())
    }

    fn flush(&mut self, note: &str) -> Result<()> {
        let mut value = xxh3_64_with_seed(note.as_bytes(), NOTE).to_le_bytes().to_vec();
        value.extend_from_slice(note.as_bytes());
        let key = self.note_key();
        let replicas = self.redis.replicas;
        // Of 0 it would wait for ever; and its answer must come before we no longer listen.
        let wait = (self.redis.read / 2).as_millis().max(1) as u64;
        let reached = self.ask("a flush", 0, |connection| {
            ::redis::cmd("SET").arg(key).arg(value).exec(connection)?;
            match replicas {
                0 => Ok(0),
                _ => ::redis::cmd("WAIT").arg(replicas).arg(wait).query::<u32>(connection),
            }
        })?;
        match reached >= replicas {
            true => Ok(()),
            false => {
                let what =
                    format!("a flush reached {reached} replicas of {replicas} in {wait} ms");
                Err(self.error(what))
            }
        }
    }

    fn note(&mut self) -> Result<Option<String>> {
        let key = self.note_key();
        let found: Option<Vec<u8>> =
            self.ask("a note", 0, |connection| ::redis::cmd("GET").arg(key).query(connection))?;
        let Some(found) = found else { return Ok(None) };
        let note = found
            .split_at_checked(SUM)
            .filter(|(sum, note)| xxh3_64_with_seed(note, NOTE).to_le_bytes() == *sum)
            .and_then(|(_, note)| String::from_utf8(note.to_vec()).ok());
        match note {
            Some(note) => Ok(Some(note)),
            None => Err(self.error("damaged: the note: its checksum is wrong".into())),
        }
    }

    fn bytes(&self, rows: usize) -> usize {
        // A request as arguments and as what is sent, or an answer as what came and as values.
        let each = 2 * self.moved() + 2 * size_of::<Value>();
        size_of_val(&self.written[..]) + rows.min(self.batch()) * each
    }
}
