//! Rows that go because nobody uses them.

use tables::ship::{Follower, Publisher, Tracker};
use tables::{Dtype, Eviction, Table};

use crate::shipping::{contents, real, served, table, trained};

fn tracked(halve_after: u64) -> Table {
    let mut table = table(&[], Dtype::F32);
    table.track_usage(halve_after).unwrap();
    table.admit(&[1, 2, 3, 4, 5]).unwrap();
    // Last at: 30, 20, 20, 10, never. Often: 1, 3, 1, 2, 0.
    table.touch(&[4, 4], 10);
    table.touch(&[2, 2, 3, 99], 20);
    table.touch(&[1], 30);
    table.touch(&[2], 15);
    table
}

#[test]
fn the_least_used_go_first_and_ties_by_key() {
    for (eviction, order) in
        [(Eviction::Lru, [5, 4, 2, 3, 1]), (Eviction::Lfu, [5, 3, 1, 4, 2])]
    {
        for rows in 0..=6 {
            let mut table = tracked(u64::MAX);
            let gone = table.evict_to(rows, eviction).unwrap();
            let mut expected = order[..5 - rows.min(5)].to_vec();
            expected.sort_unstable();
            assert_eq!((gone, table.len()), (expected, rows.min(5)), "{eviction:?} {rows}");
        }
    }
    // Halved after the seven touches, of which none is of 99: 0, 1, 0, 1, 0.
    let mut halved = tracked(7);
    assert_eq!(halved.evict_to(2, Eviction::Lfu).unwrap(), [1, 3, 5]);
}

#[test]
fn expired_rows_reach_a_server_as_tombstones_and_begin_anew() {
    let folder = tempfile::tempdir().unwrap();
    let mut trainer = tracked(u64::MAX);
    let mut tracker = Tracker::new(1, 100);
    let mut publisher = Publisher::begin(real(), folder.path(), contents(&[&trainer])).unwrap();
    tracker.begin("server");
    let follower = Follower::open(real(), folder.path()).unwrap();
    let server = follower.serve().unwrap();
    trainer.set(4, &[9.0; 5]).unwrap();
    let gone = trainer.expire(20).unwrap();
    assert_eq!(gone, [4, 5]);
    tracker.touch(0, &trainer, &gone).unwrap();
    let taken = tracker.take("server", &[&trainer]).unwrap();
    assert_eq!(taken.tables[0].tombstones, gone);
    publisher.delta(&[&trainer], &taken, None).unwrap();
    follower.follow(&server).unwrap();
    assert_eq!(served(&server), trained(&trainer));
    assert_eq!(trainer.admit(&[4]).unwrap(), 1);
    let (mut row, mut first) = ([0.0; 5], [1.0; 5]);
    assert!(trainer.row(4, &mut row));
    trainer.first_row(4, &mut first);
    assert_eq!(row.map(f32::to_bits), first.map(f32::to_bits));
    // It was never touched since: the first to go by count, not by time.
    assert_eq!(trainer.clone().evict_to(3, Eviction::Lfu).unwrap(), [4]);
    assert_eq!(trainer.evict_to(3, Eviction::Lru).unwrap(), [2]);
}

#[test]
fn usage_that_is_not_tracked_is_refused() {
    let mut keyed = table(&[1], Dtype::F32);
    keyed.touch(&[1], 5);
    assert!(keyed.expire(9).unwrap_err().to_string().contains("track_usage"));
    assert!(keyed.evict_to(0, Eviction::Lru).is_err() && keyed.len() == 1);
    assert!(keyed.track_usage(0).is_err());
}
