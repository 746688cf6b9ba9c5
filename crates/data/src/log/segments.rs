//! Sorted records out: each gets its id, what the log has is left out, the rest is written as
//! segments by a thread of its own.

use super::dedupe::Dedupe;
use super::tail::{self, OWN_ID};
use super::{EventColumns, Events, SEGMENT_ROWS_MAX, SegmentWriter, segment_name};
use crate::sealed::{SealingFile, Staged};
use crate::sort::Merge;
use crate::{Progress, Result};

/// Events handed to the encoding thread at once.
const BATCH_ROWS: usize = 1 << 16;

/// What the encoder wrote.
#[derive(Default)]
pub(super) struct Written {
    pub(super) events: u64,
    pub(super) segments: u32,
    pub(super) first_ms: Option<i64>,
    pub(super) last_ms: Option<i64>,
}

/// Writes batches as segments of the folder until there is none left.
pub(super) fn encode(
    staged: &mut Staged,
    batches: impl Iterator<Item = EventColumns>,
) -> Result<Written> {
    let mut written = Written::default();
    let mut open: Option<(SegmentWriter<SealingFile>, usize)> = None;
    for mut batch in batches {
        written.first_ms = written.first_ms.or(batch.times_ms.first().copied());
        written.last_ms = batch.times_ms.last().copied().or(written.last_ms);
        written.events += batch.len() as u64;
        let place = staged.path().join(segment_name(written.segments));
        let (mut segment, rows) = match open.take() {
            Some(open) => open,
            None => {
                let file = staged.create(&segment_name(written.segments))?;
                (SegmentWriter::begin(file, &place)?, 0)
            }
        };
        let rows = rows + batch.len();
        segment.write(&mut batch, &place)?;
        if rows + BATCH_ROWS > SEGMENT_ROWS_MAX {
            staged.finish(segment.finish(&place)?)?;
            written.segments += 1;
        } else {
            open = Some((segment, rows));
        }
    }
    if let Some((segment, _)) = open {
        let place = staged.path().join(segment_name(written.segments));
        staged.finish(segment.finish(&place)?)?;
        written.segments += 1;
    }
    Ok(written)
}

/// Gives the merged records their ids, leaves out what the log has, and sends the rest on in
/// batches until `send` says that nobody listens any more.
pub(super) fn drop_duplicates(
    mut merge: Merge,
    existing: Events,
    received_ms: i64,
    accepted: u64,
    progress: &Progress<'_>,
    mut send: impl FnMut(EventColumns) -> bool,
) -> Result<()> {
    let mut dedupe = Dedupe::new(existing);
    let mut batch = EventColumns::default();
    let mut done = 0u64;
    while let Some((record, texts_of)) = merge.next()? {
        done += 1;
        let Some(id) = dedupe.id(&record)? else { continue };
        batch.ids.push(id);
        batch.times_ms.push(record.time_ms);
        batch.seqs.push(record.seq);
        batch.kinds.push(record.kind & !OWN_ID);
        batch.users.push(record.user);
        batch.items.push(record.item);
        batch.values.push(record.value);
        batch.received_ms.push(received_ms);
        if !texts_of.is_empty() {
            let (query, request) = tail::read(texts_of);
            for (texts, text) in [(&mut batch.queries, query), (&mut batch.requests, request)] {
                texts.resize(batch.ids.len() - 1, None);
                texts.push(text);
            }
        } else if !batch.queries.is_empty() {
            batch.queries.push(None);
            batch.requests.push(None);
        }
        if batch.len() == BATCH_ROWS {
            progress.step("writing segments", done, Some(accepted))?;
            if !send(std::mem::take(&mut batch)) {
                return Ok(());
            }
        }
    }
    progress.step("writing segments", done, Some(accepted))?;
    if batch.len() > 0 {
        send(batch);
    }
    Ok(())
}
