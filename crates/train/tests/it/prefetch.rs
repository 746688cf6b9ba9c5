//! Reading ahead: in order, errors and panics handed on, no thread left behind.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::time::Duration;

use train::{Error, Prefetch};

type Item = Result<usize, Error>;

/// Counts up for ever, and what is alive of it.
struct Counter {
    made: Arc<AtomicUsize>,
    _alive: Arc<()>,
}

impl Iterator for Counter {
    type Item = Item;

    fn next(&mut self) -> Option<Item> {
        Some(Ok(self.made.fetch_add(1, Ordering::SeqCst)))
    }
}

#[test]
fn items_come_in_order_and_end() {
    let items: Vec<usize> =
        Prefetch::new(2, (0..1000).map(Item::Ok)).collect::<Result<_, _>>().unwrap();
    assert!(items.into_iter().eq(0..1000));
    let mut ended = Prefetch::new(0, (0..1).map(Item::Ok));
    assert!(ended.next().is_some() && ended.next().is_none() && ended.next().is_none());
}

#[test]
fn it_reads_no_further_ahead_than_its_capacity() {
    let made = Arc::new(AtomicUsize::new(0));
    let counter = Counter { made: made.clone(), _alive: Arc::default() };
    let mut items = Prefetch::new(3, counter);
    assert_eq!(items.next().unwrap().unwrap(), 0);
    // Taken: 1. In the channel: 3. Waiting for room: 1.
    while made.load(Ordering::SeqCst) < 5 {
        std::thread::yield_now();
    }
    std::thread::sleep(Duration::from_millis(50));
    assert_eq!(made.load(Ordering::SeqCst), 5);
}

#[test]
fn an_error_is_the_last_item() {
    let fails = (0..10).map(|at| match at {
        2 => Err(data::Error::Refused("a bad batch".into())),
        at => Ok(at),
    });
    let items: Vec<_> =
        Prefetch::new(4, fails).map(|item| item.map_err(|error| error.to_string())).collect();
    assert_eq!(items, [Ok(0), Ok(1), Err("a bad batch".into())]);
}

#[test]
fn a_panic_is_an_error() {
    let panics = (0..10).map(|at| if at == 1 { panic!("item {at}") } else { Item::Ok(at) });
    let items: Vec<_> =
        Prefetch::new(1, panics).map(|item| item.map_err(|error| error.to_string())).collect();
    assert_eq!(items, [Ok(0), Err("making a batch panicked, which is a bug: item 1".into())]);
}

#[test]
fn dropping_it_ends_the_thread() {
    let alive = Arc::new(());
    let (done, waits) = channel();
    let watched = alive.clone();
    std::thread::spawn(move || {
        for taken in 0..3 {
            let counter = Counter { made: Arc::default(), _alive: watched.clone() };
            let mut items = Prefetch::new(1, counter);
            items.by_ref().take(taken).for_each(|item| assert!(item.is_ok()));
            drop(items);
        }
        drop(watched);
        done.send(()).unwrap();
    });
    waits.recv_timeout(Duration::from_secs(20)).expect("a hang");
    assert_eq!(Arc::strong_count(&alive), 1, "the thread and its iterator are gone");
}

#[test]
fn a_scope_lends_what_the_iterator_borrows() {
    let events: Vec<_> = (0..60u32).map(|at| (at / 3, at % 5, i64::from(at), 1.0)).collect();
    let sequences = data::Sequences::from_events(20, 5, &events).unwrap();
    let batches = || {
        let whole = |user| data::batch::Part { user, events: data::batch::Which::Range(0..3) };
        data::batch::Batches::new(&sequences, 7, (0..20).map(whole))
    };
    let direct: Vec<_> = batches().collect::<Result<_, _>>().unwrap();
    let ahead: Vec<_> = std::thread::scope(|scope| {
        Prefetch::scoped(scope, 2, batches()).collect::<Result<_, _>>().unwrap()
    });
    assert_eq!(ahead, direct);
    std::thread::scope(|scope| {
        let mut early = Prefetch::scoped(scope, 1, batches());
        assert!(early.next().is_some());
    });
}
