//! Batches made on another thread while the step before them runs.
//!
//! When not to use it: on one core, or where a batch costs nothing to make; it then only adds a
//! thread.

use std::iter::FusedIterator;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{JoinHandle, Scope, ScopedJoinHandle};

use crate::{Error, Result};

/// An iterator whose items are made ahead on a thread of its own, in order, at most `capacity`
/// (and the one being made) waiting.
///
/// The first error is yielded and is the last item, and so is a panic of the iterator, as
/// [`Error::Refused`]. Dropping it waits for the item in the making and ends the thread.
#[derive(Debug)]
pub struct Prefetch<'scope, T> {
    items: Option<Receiver<Result<T>>>,
    thread: Option<Thread<'scope>>,
}

#[derive(Debug)]
enum Thread<'scope> {
    Free(JoinHandle<()>),
    Scoped(ScopedJoinHandle<'scope, ()>),
}

impl Thread<'_> {
    fn join(self) {
        // `work` catches panics of the iterator, so that there is nothing to hand on.
        let _ = match self {
            Thread::Free(thread) => thread.join(),
            Thread::Scoped(thread) => thread.join(),
        };
    }
}

impl<T: Send + 'static> Prefetch<'static, T> {
    /// Reads `source`, which owns what it needs, `capacity` (at least 1) items ahead.
    pub fn new<I, E>(capacity: usize, source: I) -> Prefetch<'static, T>
    where
        I: Iterator<Item = Result<T, E>> + Send + 'static,
        Error: From<E>,
    {
        let (sender, items) = sync_channel(capacity.max(1));
        let thread = Thread::Free(std::thread::spawn(move || work(source, &sender)));
        Prefetch { items: Some(items), thread: Some(thread) }
    }
}

impl<'scope, T: Send + 'scope> Prefetch<'scope, T> {
    /// Reads `source`, which may borrow what outlives `scope` (as [`data::batch::Batches`]
    /// borrows its sequences), `capacity` (at least 1) items ahead.
    pub fn scoped<I, E>(
        scope: &'scope Scope<'scope, '_>,
        capacity: usize,
        source: I,
    ) -> Prefetch<'scope, T>
    where
        I: Iterator<Item = Result<T, E>> + Send + 'scope,
        Error: From<E>,
    {
        let (sender, items) = sync_channel(capacity.max(1));
        let thread = Thread::Scoped(scope.spawn(move || work(source, &sender)));
        Prefetch { items: Some(items), thread: Some(thread) }
    }
}

/// Sends items until there are none, one fails, or nobody listens.
fn work<T, E>(source: impl Iterator<Item = Result<T, E>>, items: &SyncSender<Result<T>>)
where
    Error: From<E>,
{
    let send_all = || {
        for item in source {
            let item = item.map_err(Error::from);
            let last = item.is_err();
            if items.send(item).is_err() || last {
                break;
            }
        }
    };
    // What a panic left half done is dropped with the iterator: nobody sees it again.
    if let Err(panic) = catch_unwind(AssertUnwindSafe(send_all)) {
        let words = panic.downcast_ref::<&str>().map(|words| (*words).to_owned());
        let words = words.or_else(|| panic.downcast_ref::<String>().cloned());
        let words = words.unwrap_or_else(|| "without words".into());
        let error = Error::Refused(format!("making a batch panicked, which is a bug: {words}"));
        let _ = items.send(Err(error));
    }
}

impl<T> Iterator for Prefetch<'_, T> {
    type Item = Result<T>;

    fn next(&mut self) -> Option<Result<T>> {
        let item = self.items.as_ref()?.recv().ok();
        if !matches!(item, Some(Ok(_))) {
            self.close();
        }
        item
    }
}

impl<T> FusedIterator for Prefetch<'_, T> {}

impl<T> Prefetch<'_, T> {
    fn close(&mut self) {
        // First the channel: a thread that waits for room in it wakes up and sees it closed.
        self.items = None;
        if let Some(thread) = self.thread.take() {
            thread.join();
        }
    }
}

impl<T> Drop for Prefetch<'_, T> {
    fn drop(&mut self) {
        self.close();
    }
}
