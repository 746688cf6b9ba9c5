//! Rows in, one sealed import out: check, index, sort, drop duplicates, write, commit.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::sync::mpsc::sync_channel;

use xxhash_rust::xxh3::xxh3_64;

use super::columns;
use super::manifest::{ImportEntry, SourceFile};
use super::segments::{Written, drop_duplicates, encode};
use super::tail::{self, OWN_ID};
use super::writer::Appended;
use super::{
    EventColumns, Events, IMPORTS, ITEM_IDS, ITEMS, NONE, REJECTS, SLATES, USER_IDS, USERS,
    Writer,
};
use crate::import::{PlaceRow, Row, RowSink};
use crate::sealed::{SealingFile, Staged};
use crate::sort::{CHUNK_ROWS, Record, Sorter};
use crate::{Change, ClockKind, Error, Item, Progress, Result, Shown, Slate, User, check};

/// Most kinds of events of one log.
const KINDS_MAX: usize = 1024;
const SORT_DIR: &str = "sort";

/// Where an import comes from.
pub(crate) struct Origin {
    /// For people: `movielens ratings.csv`.
    pub(crate) source: String,
    /// The files, with their checksums.
    pub(crate) files: Vec<SourceFile>,
    /// How far its times can be trusted.
    pub(crate) clock: ClockKind,
    /// Now.
    pub(crate) received_ms: i64,
}

/// An import under way. Dropped before [`Ingest::finish`], it leaves nothing behind.
pub(crate) struct Ingest<'w> {
    writer: &'w mut Writer,
    origin: Origin,
    staged: Staged,
    sorter: Sorter,
    kinds: Vec<String>,
    kind_hashes: Vec<u64>,
    /// Rows are often grouped by user: the last one's index and hash.
    last_user: (String, u32, u64),
    last_kind: u16,
    seq: u64,
    rows: u64,
    /// Earliest and latest event taken in: only imports that reach in there can hold the same.
    span_ms: (i64, i64),
    tail: Vec<u8>,
    items: BTreeMap<u32, Item>,
    users: BTreeMap<u32, User>,
    slates: Vec<Slate>,
    users_before: u32,
    items_before: u32,
    rejects: Rejects,
}

/// Bad rows: counted, and written as they come.
#[derive(Default)]
struct Rejects {
    file_name: String,
    file: Option<SealingFile>,
    count: u64,
    first: String,
}

impl<'w> Ingest<'w> {
    /// Begins an import. `chunk_rows` is for tests that want to see a spill.
    pub(crate) fn begin(
        writer: &'w mut Writer,
        origin: Origin,
        chunk_rows: Option<usize>,
    ) -> Result<Ingest<'w>> {
        let manifest = &writer.log.manifest;
        let has_events = manifest.events > 0;
        let order_only = |clock| clock == ClockKind::OrderOnly;
        if has_events && order_only(manifest.clock) != order_only(origin.clock) {
            return Err(Error::Refused(format!(
                "the log's clock is {}, this source's is {}: places and instants cannot be put in \
                 one order; import into another folder",
                manifest.clock, origin.clock
            )));
        }
        let (kinds, seq) = (manifest.kinds.clone(), manifest.seq_next);
        let parent = writer.log.dir.join(IMPORTS);
        let staged = Staged::begin(writer.log.files.clone(), &parent, &writer.next_folder())?;
        let sorter = Sorter::new(
            writer.log.files.clone(),
            staged.path().join(SORT_DIR),
            chunk_rows.unwrap_or(CHUNK_ROWS),
        );
        let kind_hashes = kinds.iter().map(|kind| xxh3_64(kind.as_bytes())).collect();
        let (users_before, items_before) =
            (writer.catalogue.users.len(), writer.catalogue.items.len());
        Ok(Ingest {
            writer,
            origin,
            staged,
            sorter,
            kinds,
            kind_hashes,
            last_user: (String::new(), NONE, 0),
            last_kind: 0,
            seq,
            rows: 0,
            span_ms: (i64::MAX, i64::MIN),
            tail: Vec::new(),
            items: BTreeMap::new(),
            users: BTreeMap::new(),
            slates: Vec::new(),
            users_before,
            items_before,
            rejects: Rejects::default(),
        })
    }

    /// Names the files that were read; their checksums are known only once they are.
    pub(crate) fn set_files(&mut self, files: Vec<SourceFile>) {
        self.origin.files = files;
    }

    fn check(&self, row: &Row<'_>) -> Result<Option<f32>, String> {
        if row.user.is_none() && row.item.is_none() {
            return Err("neither user nor item".into());
        }
        check::id("kind", row.kind)?;
        if let Some(user) = row.user
            && user != self.last_user.0
        {
            check::id("user", user)?;
        }
        if let Some(item) = row.item {
            check::id("item", item)?;
        }
        if self.origin.clock == ClockKind::OrderOnly {
            if row.time_ms < 0 {
                return Err(format!("place {} in the sequence is negative", row.time_ms));
            }
        } else {
            check::time_ms("time", row.time_ms)?;
        }
        if let Some(query) = row.query {
            check::query("query", query)?;
        }
        if let Some(request) = row.request {
            check::id("request", request)?;
        }
        if let Some(id) = row.id {
            check::id("id", id)?;
        }
        row.value.map(|value| check::value("value", value)).transpose()
    }

    fn kind(&mut self, kind: &str) -> Result<u16> {
        if self.kinds.get(usize::from(self.last_kind)).is_some_and(|last| last == kind) {
            return Ok(self.last_kind);
        }
        let found = self.kinds.iter().position(|known| known == kind);
        let index = match found {
            Some(index) => index,
            None if self.kinds.len() == KINDS_MAX => {
                return Err(Error::input(
                    "kind",
                    format!("more than {KINDS_MAX} kinds of events; is this the right column?"),
                ));
            }
            None => {
                self.kinds.push(kind.to_owned());
                self.kind_hashes.push(xxh3_64(kind.as_bytes()));
                self.kinds.len() - 1
            }
        };
        self.last_kind = index as u16;
        Ok(self.last_kind)
    }

    /// Gives the record its indices and its hash.
    fn index(&mut self, row: &Row<'_>, value: Option<f32>) -> Result<Record> {
        let mut record = Record::new(row.time_ms, self.seq, 0);
        let mut parts = [0u64; 6];
        parts[0] = row.time_ms as u64;
        if let Some(user) = row.user {
            if user != self.last_user.0 || self.last_user.1 == NONE {
                let (index, hash) = self.writer.catalogue.users.intern_hashed(user)?;
                self.last_user.0.clear();
                self.last_user.0.push_str(user);
                (self.last_user.1, self.last_user.2) = (index, hash);
            }
            (record.user, parts[1]) = (self.last_user.1, self.last_user.2);
        }
        if let Some(item) = row.item {
            (record.item, parts[2]) = self.writer.catalogue.items.intern_hashed(item)?;
        }
        record.kind = self.kind(row.kind)?;
        parts[3] = self.kind_hashes[usize::from(record.kind)];
        if let Some(value) = value {
            record.value = value;
            parts[4] = u64::from(value.to_bits()) | 1 << 32;
        }
        self.tail.clear();
        if row.query.is_some() || row.request.is_some() {
            tail::write(&mut self.tail, row.query, row.request);
            parts[5] = xxh3_64(&self.tail);
        }
        record.hash = match row.id {
            Some(id) => {
                record.kind |= OWN_ID;
                xxh3_64(id.as_bytes())
            }
            None => {
                let mut bytes = [0u8; 48];
                for (at, part) in parts.iter().enumerate() {
                    bytes[at * 8..at * 8 + 8].copy_from_slice(&part.to_le_bytes());
                }
                xxh3_64(&bytes)
            }
        };
        Ok(record)
    }

    /// Seals and commits. `Ok(Err(_))`: the log had everything already and is unchanged.
    pub(crate) fn finish(
        mut self,
        slates: &[Slate],
        max_rejects: f64,
        progress: &Progress<'_>,
    ) -> Result<std::result::Result<ImportEntry, Appended>> {
        self.refuse_rejects(max_rejects)?;
        self.slates.extend_from_slice(slates);
        let slates = std::mem::take(&mut self.slates);
        let accepted = self.seq - self.writer.log.manifest.seq_next;
        let written = self.write_segments(accepted, progress)?;
        let sort_dir = self.staged.path().join(SORT_DIR);
        let files = self.writer.log.files.clone();
        let entries = files.list(self.staged.path()).map_err(Error::io(self.staged.path()))?;
        if entries.contains(&sort_dir) {
            files.change(Change::Remove(&sort_dir)).map_err(Error::io(&sort_dir))?;
        }
        let rejects = self.rejects.count;
        if let Some(file) = self.rejects.file.take() {
            self.staged.finish(file)?;
        }
        self.write_tables(&slates)?;
        let duplicates = accepted - written.events;
        let nothing = written.events == 0
            && slates.is_empty()
            && self.items.is_empty()
            && self.users.is_empty();
        if nothing {
            return Ok(Err(Appended { duplicates, rejects, ..Appended::default() }));
        }
        let folder = self.writer.next_folder();
        let mut entry = ImportEntry {
            folder,
            manifest_blake3: String::new(),
            source: self.origin.source,
            files: self.origin.files,
            received_ms: self.origin.received_ms,
            clock: self.origin.clock,
            events: written.events,
            duplicates,
            rejects,
            slates: slates.len() as u64,
            users_new: self.writer.catalogue.users.len() - self.users_before,
            items_new: self.writer.catalogue.items.len() - self.items_before,
            segments: written.segments,
            first_ms: written.first_ms,
            last_ms: written.last_ms,
        };
        let facts = serde_json::to_value(&entry)
            .map_err(|error| Error::input("import", error.to_string()))?;
        entry.manifest_blake3 = self.staged.seal("import", facts)?;
        self.writer.commit(entry.clone(), self.kinds)?;
        Ok(Ok(entry))
    }

    /// Too many bad rows: the import fails, and the rejects are kept beside the log.
    fn refuse_rejects(&mut self, max_share: f64) -> Result<()> {
        let (rejected, rows) = (self.rejects.count, self.rows);
        if rejected == 0 || rejected as f64 <= max_share * rows as f64 {
            return Ok(());
        }
        let mut first = self.rejects.first.clone();
        if let Some(file) = self.rejects.file.take() {
            self.staged.finish(file)?;
            let mut kept = self.writer.log.dir.as_os_str().to_owned();
            kept.push(".rejects.jsonl");
            let kept = Path::new(&kept);
            let from = self.staged.path().join(REJECTS);
            let rename = Change::Rename { from: &from, to: kept };
            self.writer.log.files.change(rename).map_err(Error::io(kept))?;
            first = format!("{first} (all of them: {})", kept.display());
        }
        Err(Error::TooManyRejects { rejected, rows, max_share, first })
    }

    fn write_segments(&mut self, accepted: u64, progress: &Progress<'_>) -> Result<Written> {
        let sorter = std::mem::replace(
            &mut self.sorter,
            Sorter::new(self.writer.log.files.clone(), Default::default(), 1),
        );
        progress.step("sorting", 0, Some(accepted))?;
        let merge = sorter.finish()?;
        let (first_ms, last_ms) = self.span_ms;
        let existing = Events::over(&self.writer.log, first_ms, last_ms)?;
        let received_ms = self.origin.received_ms;
        let staged = &mut self.staged;
        std::thread::scope(|scope| {
            let (send, receive) = sync_channel::<EventColumns>(4);
            let encoder = scope.spawn(move || encode(staged, receive.into_iter()));
            let sent =
                drop_duplicates(merge, existing, received_ms, accepted, progress, |batch| {
                    send.send(batch).is_ok()
                });
            drop(send);
            let written = encoder.join().expect("the encoding thread does not panic")?;
            sent.map(|()| written)
        })
    }

    /// New ids, changed catalogue rows and slates.
    fn write_tables(&mut self, slates: &[Slate]) -> Result<()> {
        let catalogue = &self.writer.catalogue;
        self.items.retain(|index, item| catalogue.item(*index) != Some(item));
        self.users.retain(|index, user| catalogue.user(*index) != Some(user));
        let path = self.staged.path().to_path_buf();
        if catalogue.users.len() > self.users_before {
            let ids = catalogue.users.ids_from(self.users_before);
            self.staged.add(USER_IDS, &columns::ids_to_bytes(ids, &path.join(USER_IDS))?)?;
        }
        if catalogue.items.len() > self.items_before {
            let ids = catalogue.items.ids_from(self.items_before);
            self.staged.add(ITEM_IDS, &columns::ids_to_bytes(ids, &path.join(ITEM_IDS))?)?;
        }
        if !self.items.is_empty() {
            let items: Vec<Item> = self.items.values().cloned().collect();
            self.staged.add(ITEMS, &columns::items_to_bytes(&items, &path.join(ITEMS))?)?;
        }
        if !self.users.is_empty() {
            let users: Vec<User> = self.users.values().cloned().collect();
            self.staged.add(USERS, &columns::users_to_bytes(&users, &path.join(USERS))?)?;
        }
        if !slates.is_empty() {
            self.staged.add(SLATES, &columns::slates_to_bytes(slates, &path.join(SLATES))?)?;
        }
        Ok(())
    }
}

impl RowSink for Ingest<'_> {
    fn event(&mut self, line: u64, row: &Row<'_>) -> Result<()> {
        let value = match self.check(row) {
            Ok(value) => value,
            Err(reason) => return self.reject(line, &reason),
        };
        self.rows += 1;
        let record = self.index(row, value)?;
        self.seq += 1;
        self.span_ms = (self.span_ms.0.min(row.time_ms), self.span_ms.1.max(row.time_ms));
        self.sorter.push(record, &self.tail)
    }

    fn place(&mut self, line: u64, row: &PlaceRow<'_>) -> Result<bool> {
        if let Err(reason) = place_is_sound(row) {
            self.reject(line, &reason)?;
            return Ok(false);
        }
        self.rows += 1;
        let items = &mut self.writer.catalogue.items;
        let candidates =
            row.candidates.iter().map(|item| items.intern(item)).collect::<Result<Vec<_>>>()?;
        let shown = Shown {
            item: items.intern(row.item)?,
            position: row.position,
            propensity: row.propensity as f32,
        };
        self.slates.push(Slate {
            request: row.request.to_owned(),
            time_ms: row.time_ms,
            user: None,
            surface: row.surface.to_owned(),
            context: row.context.to_owned(),
            model_version: row.policy.to_owned(),
            seed: 0,
            candidates,
            shown: vec![shown],
        });
        Ok(true)
    }

    fn item(&mut self, line: u64, item: Item) -> Result<()> {
        if let Err(reason) = check::id("item", &item.id) {
            return self.reject(line, &reason);
        }
        self.rows += 1;
        let index = self.writer.catalogue.items.intern(&item.id)?;
        self.items.insert(index, item);
        Ok(())
    }

    fn user(&mut self, line: u64, user: User) -> Result<()> {
        if let Err(reason) = check::id("user", &user.id) {
            return self.reject(line, &reason);
        }
        self.rows += 1;
        let index = self.writer.catalogue.users.intern(&user.id)?;
        self.users.insert(index, user);
        Ok(())
    }

    fn reject(&mut self, line: u64, reason: &str) -> Result<()> {
        self.rows += 1;
        let rejects = &mut self.rejects;
        rejects.count += 1;
        if rejects.count == 1 {
            rejects.first = format!("{} line {line}: {reason}", rejects.file_name);
            rejects.file = Some(self.staged.create(REJECTS)?);
        }
        if let Some(file) = &mut rejects.file {
            let note =
                serde_json::json!({"file": rejects.file_name, "line": line, "reason": reason});
            writeln!(file, "{note}").map_err(Error::io(&self.staged.path().join(REJECTS)))?;
        }
        Ok(())
    }

    fn begin_file(&mut self, name: &str) {
        name.clone_into(&mut self.rejects.file_name);
    }
}

fn place_is_sound(row: &PlaceRow<'_>) -> Result<(), String> {
    check::id("request", row.request)?;
    check::id("item", row.item)?;
    check::time_ms("time", row.time_ms)?;
    if !(row.propensity > 0.0 && row.propensity <= 1.0) {
        return Err(format!("a propensity of {}; it lies above 0 and up to 1", row.propensity));
    }
    if !row.candidates.iter().any(|candidate| candidate == row.item) {
        return Err(format!("item {} is none of the candidates", row.item));
    }
    Ok(())
}
