//! Reading a log: the merged stream of events, and the histories built from it.

use super::{EventColumns, ImportEntry, Log, NONE, segment, segment_name};
use crate::sealed::Manifest;
use crate::{Error, Event, Feedback, Progress, Result, Sequences};

/// Events in the order (time, seq). Imports may overlap in time, so they are merged; each
/// holds one segment in memory.
pub struct Events {
    log: Log,
    runs: Vec<Run>,
}

/// The segments of one import, which follow each other in time.
struct Run {
    import: ImportEntry,
    manifest: Manifest,
    next_segment: u32,
    columns: EventColumns,
    row: usize,
}

impl Events {
    /// Events of the imports that reach into `[from_ms, to_ms]`; earlier and later ones of the
    /// same imports come along, the caller skips them.
    pub(super) fn over(log: &Log, from_ms: i64, to_ms: i64) -> Result<Events> {
        let reaches = |import: &&ImportEntry| match (import.first_ms, import.last_ms) {
            (Some(first), Some(last)) => first <= to_ms && last >= from_ms,
            _ => false,
        };
        let mut runs = Vec::new();
        for import in log.manifest.imports.iter().filter(reaches) {
            let mut run = Run {
                import: import.clone(),
                manifest: log.import_manifest(import)?,
                next_segment: 0,
                columns: EventColumns::default(),
                row: 0,
            };
            run.fill(log)?;
            runs.push(run);
        }
        Ok(Events { log: log.clone(), runs })
    }

    fn advance(&mut self) -> Result<Option<Event>> {
        let first = self
            .runs
            .iter()
            .enumerate()
            .filter_map(|(at, run)| run.peek().map(|key| (key, at)))
            .min();
        let Some((_, at)) = first else { return Ok(None) };
        let run = &mut self.runs[at];
        let event = run.columns.event(run.row);
        run.row += 1;
        run.fill(&self.log)?;
        Ok(Some(event))
    }
}

impl Iterator for Events {
    type Item = Result<Event>;

    fn next(&mut self) -> Option<Result<Event>> {
        self.advance().transpose()
    }
}

impl Run {
    fn peek(&self) -> Option<(i64, u64)> {
        (self.row < self.columns.len())
            .then(|| (self.columns.times_ms[self.row], self.columns.seqs[self.row]))
    }

    /// Reads the next segment once the present one is used up.
    fn fill(&mut self, log: &Log) -> Result<()> {
        while self.row == self.columns.len() && self.next_segment < self.import.segments {
            self.columns = read_segment(log, &self.import, &self.manifest, self.next_segment)?;
            self.next_segment += 1;
            self.row = 0;
        }
        Ok(())
    }
}

fn read_segment(
    log: &Log,
    import: &ImportEntry,
    manifest: &Manifest,
    number: u32,
) -> Result<EventColumns> {
    let folder = log.import_dir(import);
    let name = segment_name(number);
    let place = folder.join(&name);
    let columns = segment::read(manifest.read(log.files.as_ref(), &folder, &name)?, &place)?;
    let index = |index: &u32, count: u32| *index < count || *index == NONE;
    let fits = columns.users.iter().all(|user| index(user, log.manifest.users))
        && columns.items.iter().all(|item| index(item, log.manifest.items))
        && columns.kinds.iter().all(|kind| usize::from(*kind) < log.manifest.kinds.len());
    if !fits {
        return Err(Error::damaged(&place, "an index lies outside its dictionary"));
    }
    Ok(columns)
}

/// One event of a history, with its place in the log's order.
type Placed = (i64, u64, u32, u32, f32);

pub(super) fn sequences(
    log: &Log,
    feedback: &Feedback,
    progress: &Progress<'_>,
) -> Result<Sequences> {
    let total = Some(log.manifest.events);
    let mut placed: Vec<Placed> = Vec::with_capacity(log.manifest.events as usize);
    let mut read = 0u64;
    for import in &log.manifest.imports {
        let manifest = log.import_manifest(import)?;
        for number in 0..import.segments {
            let columns = read_segment(log, import, &manifest, number)?;
            take_positive(log, feedback, &columns, &mut placed);
            read += columns.len() as u64;
            progress.step("reading the log", read, total)?;
        }
    }
    // One import is in order already; several may overlap in time.
    if !placed.is_sorted_by_key(|event| (event.0, event.1)) {
        placed.sort_unstable_by_key(|event| (event.0, event.1));
    }
    let events: Vec<(u32, u32, i64, f32)> = placed
        .iter()
        .map(|(time_ms, _, user, item, value)| (*user, *item, *time_ms, *value))
        .collect();
    drop(placed);
    Sequences::from_events(log.manifest.users as usize, log.manifest.items, &events)
}

fn take_positive(
    log: &Log,
    feedback: &Feedback,
    columns: &EventColumns,
    into: &mut Vec<Placed>,
) {
    for row in 0..columns.len() {
        let (user, item, value) = (columns.users[row], columns.items[row], columns.values[row]);
        let known = (!value.is_nan()).then_some(value);
        let kind = &log.manifest.kinds[usize::from(columns.kinds[row])];
        if user != NONE && item != NONE && feedback.is_positive(kind, known) {
            let value = known.unwrap_or(1.0);
            into.push((columns.times_ms[row], columns.seqs[row], user, item, value));
        }
    }
}
