//! How many requests are worked on at once. Under more load than that, answers get cheaper
//! before they get late: a bounded number waits a bounded time for a place, everyone else gets
//! popular items at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::limits::PAGES_AT_ONCE;

/// Places for recommendations and for pages.
#[derive(Debug)]
pub(crate) struct Admission {
    places: Arc<Semaphore>,
    pages: Arc<Semaphore>,
    waiting: AtomicUsize,
    waiting_max: usize,
    wait: Duration,
    in_flight: AtomicUsize,
}

/// One request less in flight when it is dropped.
#[derive(Debug)]
pub(crate) struct InFlight<'a>(&'a AtomicUsize);

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Admission {
    pub(crate) fn new(places: usize, waiting_max: usize, wait: Duration) -> Admission {
        Admission {
            places: Arc::new(Semaphore::new(places)),
            pages: Arc::new(Semaphore::new(PAGES_AT_ONCE)),
            waiting: AtomicUsize::new(0),
            waiting_max,
            wait,
            in_flight: AtomicUsize::new(0),
        }
    }

    /// Counts a request in; `None` where `most` are in flight already.
    pub(crate) fn enter(&self, most: usize) -> Option<InFlight<'_>> {
        let entered = InFlight(&self.in_flight);
        (self.in_flight.fetch_add(1, Ordering::Relaxed) < most).then_some(entered)
    }

    /// Requests that are being answered.
    pub(crate) fn in_flight(&self) -> usize {
        self.in_flight.load(Ordering::Relaxed)
    }

    /// A place to compute a recommendation; `None`: overloaded.
    pub(crate) async fn place(&self) -> Option<OwnedSemaphorePermit> {
        if let Ok(permit) = self.places.clone().try_acquire_owned() {
            return Some(permit);
        }
        let queued = InFlight(&self.waiting);
        if self.waiting.fetch_add(1, Ordering::Relaxed) >= self.waiting_max {
            return None;
        }
        let acquired =
            tokio::time::timeout(self.wait, self.places.clone().acquire_owned()).await;
        drop(queued);
        acquired.ok()?.ok()
    }

    /// A place to compute a page, a list, or to take in a batch.
    pub(crate) async fn page(&self) -> Option<OwnedSemaphorePermit> {
        self.pages.clone().acquire_owned().await.ok()
    }
}
