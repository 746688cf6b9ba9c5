//! The background work of a server: flushes what is buffered into the log, watches for new
//! model versions, reports and plays. One task, one thing at a time, never on the request path.

use std::sync::Arc;
use std::time::Duration;

use data::{Slate, Writer};
use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior};

use crate::buffer::{PendingRecords, PendingSlate, in_terms_of};
use crate::limits::FINAL_FLUSH_TRIES;
use crate::state::Inner;
use crate::traffic::POINT_SECONDS;
use crate::{Error, Result, follow, model_watch, reports};

/// Runs until `stop` turns true, then flushes what is left.
///
/// # Errors
/// [`Error::Unflushed`] where the last flush fails: what was buffered is lost.
pub(crate) async fn keep(inner: Arc<Inner>, mut stop: watch::Receiver<bool>) -> Result<()> {
    let poll = Duration::from_millis(u64::from(inner.config.poll_ms));
    let flush_every = Duration::from_secs(u64::from(inner.config.flush_seconds));
    let mut ticks = tokio::time::interval(poll);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut last_flush = Instant::now();
    let mut last_point = Instant::now();
    while !*stop.borrow() {
        tokio::select! {
            _ = stop.changed() => break,
            () = inner.flush_wanted.notified() => {}
            _ = ticks.tick() => {
                let looking = inner.clone();
                off(move || {
                    model_watch::look(&looking);
                    if looking.config.follow {
                        follow::look(&looking);
                    }
                    reports::look(&looking);
                })
                .await?;
            }
        }
        if last_point.elapsed().as_secs() >= POINT_SECONDS {
            last_point = Instant::now();
            inner.traffic.note(inner.metrics.recommended().count());
        }
        let (slates, records) = inner.buffer.len();
        let due = last_flush.elapsed() >= flush_every
            || slates + records >= inner.config.flush_records as usize;
        if slates + records > 0 && due {
            let flushing = inner.clone();
            // A failure is counted, and everything is kept for the next try.
            let flushed = off(move || flush(&flushing)).await?;
            last_flush = Instant::now();
            if flushed.is_err() {
                // Not again at once: another process may hold the lock for a while.
                tokio::time::sleep(poll.min(Duration::from_secs(1))).await;
            }
        }
    }
    last(&inner).await
}

/// The last flush, tried again for a while where another process holds the lock.
async fn last(inner: &Arc<Inner>) -> Result<()> {
    let mut why = String::new();
    for attempt in 0..FINAL_FLUSH_TRIES {
        if attempt > 0 {
            tokio::time::sleep(Duration::from_millis(250)).await;
        }
        let flushing = inner.clone();
        match off(move || flush(&flushing)).await? {
            Ok(()) => return Ok(()),
            Err(error @ data::Error::Busy { .. }) => why = error.to_string(),
            Err(error) => {
                why = error.to_string();
                break;
            }
        }
    }
    let records = inner.buffer.intake().pending.clone();
    Err(Error::Unflushed {
        events: records.events.len(),
        items: records.items.len(),
        users: records.users.len(),
        slates: inner.buffer.len().0,
        why,
    })
}

/// Runs work that may take long where it blocks no request.
async fn off<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(|error| Error::Task(error.to_string()))
}

/// Writes everything that is buffered into the log. What cannot be written stays buffered.
pub(crate) fn flush(inner: &Inner) -> data::Result<()> {
    let slates = inner.buffer.take_slates();
    let records = inner.buffer.intake().pending.clone();
    if slates.is_empty() && records.len() == 0 {
        return Ok(());
    }
    let (slates_left, result) = write(inner, &records, slates);
    match &result {
        Ok(()) => inner.metrics.flushes.inc(),
        Err(_) => inner.metrics.flush_failures.inc(),
    };
    inner.buffer.put_back_slates(slates_left);
    result
}

/// Writes, and gives the slates back that are not in the log.
fn write(
    inner: &Inner,
    records: &PendingRecords,
    slates: Vec<PendingSlate>,
) -> (Vec<PendingSlate>, data::Result<()>) {
    let mut slates = Some(slates);
    let result = write_all(inner, records, &mut slates);
    (slates.unwrap_or_default(), result)
}

fn write_all(
    inner: &Inner,
    records: &PendingRecords,
    slates: &mut Option<Vec<PendingSlate>>,
) -> data::Result<()> {
    let open = || Writer::open(inner.files.clone(), &inner.dir);
    let now_ms = inner.clock.now_ms();
    let pending = slates.as_deref().unwrap_or_default();
    // Slates hold item indices. Those of the log that was read hold for ever; those of items
    // that came in since are only known once these items are in the log.
    let new_items = pending.iter().any(has_new_items);
    if !new_items {
        let shown: Vec<Slate> = pending.iter().map(|pending| pending.slate.clone()).collect();
        open()?.append(&records.events, &shown, &records.items, &records.users, now_ms)?;
        forget_records(inner, records);
        inner.buffer.written(shown.len(), 0);
        *slates = None;
        return Ok(());
    }
    if records.len() > 0 {
        open()?.append(&records.events, &[], &records.items, &records.users, now_ms)?;
        forget_records(inner, records);
    }
    let writer = open()?;
    let dictionary = writer.log().catalogue()?.items;
    let shown: Vec<Slate> =
        pending.iter().filter_map(|pending| in_terms_of(pending, &dictionary)).collect();
    let (kept, taken) = (shown.len(), pending.len());
    writer.append(&[], &shown, &[], &[], now_ms)?;
    inner.buffer.written(taken, 0);
    inner.buffer.count_dropped(taken - kept);
    *slates = None;
    Ok(())
}

fn has_new_items(pending: &PendingSlate) -> bool {
    let new = |item: u32| !pending.names.in_log(item);
    pending.slate.shown.iter().any(|shown| new(shown.item))
        || pending.slate.candidates.iter().any(|item| new(*item))
}

/// Drops the first records of the buffer: they are in the log now.
fn forget_records(inner: &Inner, written: &PendingRecords) {
    let mut records = inner.buffer.intake();
    records.pending.events.drain(..written.events.len());
    records.pending.items.drain(..written.items.len());
    records.pending.users.drain(..written.users.len());
    drop(records);
    inner.buffer.written(0, written.len());
}
