//! Records in Redis: another machine's memory.
//!
//! ```text
//! {name}:{row}{slot}  record ‖ xxh3 of row, slot and record; the row as 8 bytes, the first the highest,
//!                     the slot, 0 or 1, as one
//! {name}:places       xxh3 ‖ generation ‖ 2 bits a row: never written, slot 0, slot 1
//! {name}:note         xxh3 ‖ generation ‖ note of the last flush
//! ```
//!
//! As on disk (`disk.rs`): a row that changes after a flush goes to its other slot, so that what the
//! flush has is never written over, and a flush sets places and note in one request, all or nothing.
//! After a crash of the training the table is the last flush, to the bit. The price is twice the
//! memory of the server, and 3 bits of ours a row.
//!
//! Redis answers a write when it has it in memory. What it keeps when it dies is its own setting: with
//! `appendonly yes` and `appendfsync always` everything that it answered to, with `everysec` all but
//! about the last second, otherwise what its last snapshot has. What it keeps it has in the order
//! written, as has a replica: it returns with the last flush of then. A server that evicts
//! (`maxmemory-policy` other than `noeviction`) is found out: a row that was written and is gone is
//! refused.
//!
//! One handle at a time; nothing locks the keys. Each request waits for at most its timeouts: of a
//! connection once, of reading and writing each time that nothing moves. The name of a host is looked up
//! by the system, with its own.

use std::time::Duration;

use ::redis::{Client, Cmd, Connection, RedisError, RedisResult, Value};
use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::Tier;
use super::places::{Place, Places};
use crate::{Error, Result};

const SUM: usize = 8;
/// Seeds of checksums of what is no row.
const NOTE: u64 = u64::MAX;
const PLACES: u64 = u64::MAX - 1;
/// Rows whose places a value of Redis, of 512 MiB, holds.
const ROWS_MAX: u64 = 1 << 30;
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
    places: Places,
    /// Flushes so far.
    generation: u64,
    /// The note of a flush that failed: whether the server took it is not known, so it is sent again
    /// before anything is written over.
    pending: Option<String>,
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
            || redis.rows > ROWS_MAX
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
        let places = Places::none(redis.rows);
        let (connection, generation, pending) = (None, 0, None);
        let mut tier =
            RedisTier { redis, client, connection, places, generation, pending, place };
        tier.ask("a greeting", 0, |connection| ::redis::cmd("PING").exec(connection))?;
        tier.load()?;
        Ok(tier)
    }

    /// What the last flush left.
    fn load(&mut self) -> Result<()> {
        let keys = [self.key_of("note"), self.key_of("places")];
        let found: Vec<Option<Vec<u8>>> = self
            .ask("places", 0, |connection| ::redis::cmd("MGET").arg(&keys).query(connection))?;
        let (note, places) = match &found[..] {
            [None, None] => return Ok(()),
            [Some(note), Some(places)] => (note, places),
            _ => return Err(self.error("damaged: it has one of note and places".into())),
        };
        let (generation, _) = self.opened("the note", NOTE, note)?;
        let (same, slots) = self.opened("the places", PLACES, places)?;
        if same != generation {
            let what = format!("damaged: places of flush {same}, a note of {generation}");
            return Err(self.error(what));
        }
        let places = Places::read(self.redis.rows, slots.to_vec()).ok_or_else(|| {
            self.error(format!("its places are not of {} rows", self.redis.rows))
        })?;
        (self.places, self.generation) = (places, generation);
        Ok(())
    }

    /// Generation and contents of a value.
    fn opened<'v>(&self, what: &str, seed: u64, value: &'v [u8]) -> Result<(u64, &'v [u8])> {
        let parts = value.split_at_checked(SUM).and_then(|(sum, rest)| {
            let (generation, contents) = rest.split_first_chunk::<8>()?;
            let sound = xxh3_64_with_seed(rest, seed).to_le_bytes() == sum;
            sound.then(|| (u64::from_le_bytes(*generation), contents))
        });
        parts.ok_or_else(|| self.error(format!("damaged: {what}: its checksum is wrong")))
    }

    /// A flush of what was written so far: the server has all of it or nothing.
    fn send(&mut self, note: &str) -> Result<u32> {
        let generation = self.generation + 1;
        let keys = [self.key_of("note"), self.key_of("places")];
        let note = closed(NOTE, generation, note.as_bytes());
        let places = closed(PLACES, generation, self.places.slots());
        let replicas = self.redis.replicas;
        // Of 0 it would wait for ever; and its answer must come before we no longer listen.
        let wait = self.wait_ms();
        let mut request = ::redis::cmd("MSET");
        request.arg(&keys[0]).arg(note).arg(&keys[1]).arg(places);
        self.ask("a flush", 0, |connection| request.exec(connection))?;
        self.generation = generation;
        self.places.checkpointed();
        self.pending = None;
        match replicas {
            0 => Ok(0),
            _ => self.ask("replicas", 0, |connection| {
                ::redis::cmd("WAIT").arg(replicas).arg(wait).query(connection)
            }),
        }
    }

    fn wait_ms(&self) -> u64 {
        (self.redis.read / 2).as_millis().max(1) as u64
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

    fn key(&self, row: u64, slot: u8, key: &mut Vec<u8>) {
        key.clear();
        key.extend_from_slice(self.redis.name.as_bytes());
        key.push(b':');
        key.extend_from_slice(&row.to_be_bytes());
        key.push(slot);
    }

    fn key_of(&self, what: &str) -> String {
        format!("{}:{what}", self.redis.name)
    }

    /// Bytes of a record with its key, as a request has it.
    fn moved(&self) -> usize {
        self.redis.record + SUM + self.redis.name.len() + 2 + size_of::<u64>() + OVERHEAD
    }

    /// Rows of a piece of a request.
    fn batch(&self) -> usize {
        (BATCH_BYTES / self.moved()).max(1)
    }

    /// One piece.
    fn read_batch(&mut self, rows: &[u64], out: &mut [u8], known: &mut [bool]) -> Result<()> {
        let mut request = ::redis::cmd("MGET");
        let mut key = Vec::new();
        let mut asked = 0;
        for (row, known) in rows.iter().zip(&mut *known) {
            let Place::Slot(slot) = self.places.get(*row) else {
                *known = false;
                continue;
            };
            *known = true;
            self.key(*row, slot, &mut key);
            request.arg(&key[..]);
            asked += 1;
        }
        if asked == 0 {
            return Ok(());
        }
        let answer: Vec<Option<Vec<u8>>> =
            self.ask("a read", asked, |connection| request.query(connection))?;
        if answer.len() != asked {
            let what = format!("{} records for {asked} rows", answer.len());
            return Err(self.error(what));
        }
        let record = self.redis.record;
        let outs = rows.iter().zip(out.chunks_mut(record)).zip(known);
        let wanted = outs.filter(|(_, known)| **known).map(|(pair, _)| pair);
        for ((row, out), found) in wanted.zip(answer) {
            let Some(found) = found else {
                return Err(self.error(format!("row {row}: it was written and is gone")));
            };
            if found.len() != record + SUM {
                let (found, should) = (found.len(), record + SUM);
                let what = format!("damaged: row {row}: {found} bytes, not {should}");
                return Err(self.error(what));
            }
            let (bytes, own) = found.split_at(record);
            let Place::Slot(slot) = self.places.get(*row) else { continue };
            if sum(*row, slot, bytes) != own {
                return Err(self.error(format!("damaged: row {row}: its checksum is wrong")));
            }
            out.copy_from_slice(bytes);
        }
        Ok(())
    }
}

/// Of a record: one that lies in another row's place is none.
fn sum(row: u64, slot: u8, record: &[u8]) -> [u8; SUM] {
    xxh3_64_with_seed(record, row << 1 | u64::from(slot)).to_le_bytes()
}

/// A value that says of which flush it is.
fn closed(seed: u64, generation: u64, contents: &[u8]) -> Vec<u8> {
    let mut value = vec![0; SUM];
    value.extend_from_slice(&generation.to_le_bytes());
    value.extend_from_slice(contents);
    let sum = xxh3_64_with_seed(&value[SUM..], seed).to_le_bytes();
    value[..SUM].copy_from_slice(&sum);
    value
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
        if let Some(note) = self.pending.clone() {
            self.send(&note)?;
        }
        let batch = self.batch();
        let (mut key, mut value) = (Vec::new(), Vec::new());
        for (rows, records) in rows.chunks(batch).zip(records.chunks(batch * record)) {
            // All of a piece or nothing, in one request.
            let mut request: Cmd = ::redis::cmd("MSET");
            for (row, bytes) in rows.iter().zip(records.chunks(record)) {
                let slot = self.places.writable(*row);
                self.key(*row, slot, &mut key);
                value.clear();
                value.extend_from_slice(bytes);
                value.extend_from_slice(&sum(*row, slot, bytes));
                request.arg(&key[..]).arg(&value[..]);
            }
            self.ask("a write", rows.len(), |connection| request.exec(connection))?;
            rows.iter().for_each(|row| self.places.put(*row, self.places.writable(*row)));
        }
        Ok(())
    }

    fn flush(&mut self, note: &str) -> Result<()> {
        self.pending = Some(note.to_owned());
        let reached = self.send(note)?;
        match reached >= self.redis.replicas {
            true => Ok(()),
            false => {
                let (replicas, wait) = (self.redis.replicas, self.wait_ms());
                let what =
                    format!("a flush reached {reached} replicas of {replicas} in {wait} ms");
                Err(self.error(what))
            }
        }
    }

    fn note(&mut self) -> Result<Option<String>> {
        let key = self.key_of("note");
        let found: Option<Vec<u8>> =
            self.ask("a note", 0, |connection| ::redis::cmd("GET").arg(key).query(connection))?;
        let Some(found) = found else { return Ok(None) };
        let (_, note) = self.opened("the note", NOTE, &found)?;
        match String::from_utf8(note.to_vec()) {
            Ok(note) => Ok(Some(note)),
            Err(_) => Err(self.error("damaged: the note is no text".into())),
        }
    }

    fn bytes(&self, rows: usize) -> usize {
        // A request as arguments and as what is sent, or an answer as what came and as values; places as
        // they are sent, three times.
        let each = 2 * self.moved() + 2 * size_of::<Value>();
        self.places.bytes() + 3 * self.places.slots().len() + rows.min(self.batch()) * each
    }
}
