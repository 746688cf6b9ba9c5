//! Rows from a trainer to a server and back in time.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use data::{Files, RealFiles};
use proptest::prelude::*;
use tables::ship::{
    Applied, Contents, Delta, Follower, Publisher, SNAPSHOT, Served, Snapshot, Tracker, decode,
    delta_name, encode,
};
use tables::{Bags, Dtype, Optimiser, Pooling, Table};

use crate::looking_up::{config, features};

const SGD: Optimiser = Optimiser::Sgd { rate: 0.5 };
const ALL: usize = 1 << 20;

pub(crate) fn real() -> Arc<dyn Files> {
    Arc::new(RealFiles)
}

/// A keyed table of these ids.
pub(crate) fn table(ids: &[u64], dtype: Dtype) -> Table {
    let mut table = Table::keyed(config(5, dtype, SGD), 0).unwrap();
    table.admit(ids).unwrap();
    table
}

pub(crate) fn contents<'a>(tables: &'a [&'a Table]) -> Contents<'a> {
    Contents { model: "m", parent: None, tables, dense: b"dense 0", state: false }
}

/// Every row, as bits.
pub(crate) type Rows = BTreeMap<u64, Vec<u32>>;

pub(crate) fn trained(table: &Table) -> Rows {
    let bits = |id: &u64| {
        let mut row = vec![0.0; table.config().width];
        assert!(table.row(*id, &mut row));
        (*id, row.iter().map(|value| value.to_bits()).collect())
    };
    table.ids().iter().map(bits).collect()
}

pub(crate) fn served(served: &Served) -> Rows {
    let table = served.table("t").unwrap();
    let bits = |id: &u64| {
        let mut row = vec![0.0; table.width()];
        assert!(table.row(*id, &mut row), "{id}");
        (*id, row.iter().map(|value| value.to_bits()).collect())
    };
    let rows: Rows = table.ids().iter().map(bits).collect();
    assert_eq!(rows.len(), table.len());
    rows
}

/// A step on some ids, with a gradient that depends on `by`.
pub(crate) fn step(tracker: &mut Tracker, table: &mut Table, ids: &[u64], by: f32) {
    tracker.touch(0, table, ids).unwrap();
    let features = features(&[ids.to_vec()], 1);
    let gradient = [by, -by, 0.5 * by, 1.0, 0.25];
    table.update(&Bags::of(&features, 0), Pooling::Sum, &gradient, 5, 0).unwrap();
}

#[test]
fn a_server_follows_a_trainer_and_goes_back() {
    for dtype in [Dtype::F32, Dtype::Bf16] {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().join("a/b");
        let mut trainer = table(&[3, 1 << 60, 7, 0, u64::MAX], dtype);
        let mut tracker = Tracker::new(1, ALL);
        let mut publisher = Publisher::begin(real(), &folder, contents(&[&trainer])).unwrap();
        tracker.begin("server");
        let follower = Follower::open(real(), &folder).unwrap();
        let server = follower.serve().unwrap();
        let mut states = vec![trained(&trainer)];
        assert_eq!(served(&server), states[0]);
        assert_eq!(&server.dense()[..], b"dense 0");
        for round in 1..=4u64 {
            step(&mut tracker, &mut trainer, &[3, 7, 3, 100 * round], round as f32);
            tracker.touch(0, &trainer, &[100 * round, 100 * round - 100]).unwrap();
            trainer.admit(&[100 * round]).unwrap();
            trainer.forget(100 * round - 100);
            let taken = tracker.look("server", &[&trainer]).unwrap();
            let dense = (round == 2).then(|| b"dense 2"[..].into());
            let published = publisher.delta(&[&trainer], &taken, dense).unwrap();
            tracker.done("server", &taken);
            assert_eq!((published.sequence, published.rows), (round, 3));
            assert_eq!(follower.follow(&server).unwrap(), 1);
            states.push(trained(&trainer));
            assert_eq!(served(&server), states[round as usize]);
        }
        assert!(tracker.is_empty());
        assert_eq!(&server.dense()[..], b"dense 2");
        let deltas = follower.look(0).unwrap();
        // Twice is once.
        deltas.iter().for_each(|delta| {
            assert_eq!(server.apply(delta).unwrap(), Applied::Before);
        });
        for to in [3, 1, 0] {
            server.roll_back(to).unwrap();
            assert_eq!((served(&server), server.sequence()), (states[to as usize].clone(), to));
            let again = follower.serve_at(to).unwrap();
            assert_eq!(served(&again), states[to as usize]);
        }
        assert_eq!(&server.dense()[..], b"dense 0");
        let gap = server.apply(&deltas[2]).unwrap_err().to_string();
        assert!(gap.contains("expected delta 1, got 3; fetch the 2 missing"), "{gap}");
        assert_eq!(follower.follow(&server).unwrap(), 4);
        assert_eq!(served(&server), states[4]);
        assert!(server.roll_back(5).is_err());
        let forgets = follower.serve().unwrap().keeping(0);
        let error = forgets.roll_back(3).unwrap_err().to_string();
        assert!(error.contains("0 deltas kept") && served(&forgets) == states[4], "{error}");
        // A publisher that goes on where another one ended.
        assert_eq!(Publisher::resume(real(), &folder).unwrap().sequence(), 4);
    }
}

#[test]
fn a_delta_that_does_not_fit_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let trainer = table(&[1, 2, 3], Dtype::F32);
    let publisher = Publisher::begin(real(), folder.path(), contents(&[&trainer])).unwrap();
    let server = Follower::open(real(), folder.path()).unwrap().serve().unwrap();
    let before = served(&server);
    let row = |value: f32| [value; 5].iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<u8>>();
    let good = Delta {
        model: "m".into(),
        base: publisher.base().into(),
        sequence: 1,
        previous: publisher.base().into(),
        tables: vec![tables::ship::TableDelta {
            table: "t".into(),
            width: 5,
            format: tables::ship::Format::F32,
            ids: vec![1, 9],
            rows: [row(1.0), row(2.0)].concat().into(),
            tombstones: vec![2],
        }],
        dense: None,
        checksum: "of the file".into(),
    };
    type Spoil = fn(&mut Delta);
    let bad: [(Spoil, &str); 10] = [
        (|d| d.base = "other".into(), "on snapshot other"),
        (|d| d.model = "n".into(), "\"n\" on snapshot"),
        (|d| d.previous = "x".into(), "follows x"),
        (|d| d.sequence = 3, "expected delta 1, got 3"),
        (|d| d.tables[0].table = "u".into(), "table u"),
        (|d| d.tables[0].width = 4, "4 numbers a row"),
        (|d| d.tables[0].ids = vec![9, 1], "do not rise"),
        (|d| d.tables[0].tombstones = vec![9], "id 9 has both"),
        (|d| d.tables[0].rows = d.tables[0].rows.slice(1..), "39 bytes"),
        (
            |d| {
                let mut rows = d.tables[0].rows.to_vec();
                rows[36..40].copy_from_slice(&f32::NAN.to_le_bytes());
                d.tables[0].rows = rows.into();
            },
            "the row of id 9 is not finite",
        ),
    ];
    for (spoil, words) in bad {
        let mut delta = good.clone();
        spoil(&mut delta);
        let error = server.apply(&delta).unwrap_err().to_string();
        assert!(error.contains(words), "{error} has no {words}");
        assert_eq!((served(&server), server.sequence()), (before.clone(), 0));
    }
    assert_eq!(server.apply(&good).unwrap(), Applied::Now);
    assert_eq!(served(&server).keys().copied().collect::<Vec<u64>>(), [1, 3, 9]);
}

#[test]
fn a_budget_sends_what_moved_most_and_keeps_the_rest() {
    let mut trainer = table(&[1, 2, 3, 4], Dtype::F32);
    let mut tracker = Tracker::new(1, ALL);
    tracker.begin_prioritised("p");
    for (id, by) in [(1, 0.5), (2, 8.0), (3, 2.0), (4, 2.0)] {
        step(&mut tracker, &mut trainer, &[id], by);
    }
    tracker.touch(0, &trainer, &[4]).unwrap();
    tracker.touch(0, &trainer, &[1]).unwrap();
    trainer.forget(1);
    // Two rows of twenty bytes with their ids, and a tombstone.
    let taken = tracker.look_within("p", &[&trainer], 70).unwrap();
    assert_eq!(
        (&taken.tables[0].ids[..], &taken.tables[0].tombstones[..]),
        (&[2, 4][..], &[1][..])
    );
    // Not shipped after all: the same again.
    let again = tracker.look_within("p", &[&trainer], 70).unwrap();
    assert_eq!(again.tables, taken.tables);
    tracker.done("p", &again);
    let rest = tracker.look_within("p", &[&trainer], 70).unwrap();
    assert_eq!((&rest.tables[0].ids[..], rest.tables[0].tombstones.len()), (&[3][..], 0));
}

#[test]
fn what_had_no_room_is_there_after_a_stop() {
    let folder = tempfile::tempdir().unwrap();
    let mut trainer = table(&[1, 2, 3], Dtype::F32);
    let mut tracker = Tracker::new(1, ALL);
    let mut publisher = Publisher::begin(real(), folder.path(), contents(&[&trainer])).unwrap();
    tracker.begin_prioritised("p");
    assert_eq!(publisher.waiting().unwrap(), None);
    for round in 1..=2 {
        step(&mut tracker, &mut trainer, &[1, 2, 3], 1.0);
        let taken = tracker.look_within("p", &[&trainer], 30).unwrap();
        let all = tracker.look_within("p", &[&trainer], usize::MAX).unwrap();
        let left_out = all.without(&taken);
        publisher.keep(&[&trainer], &left_out).unwrap();
        // A stop before the delta is there: what the one before it left out still waits.
        let between = Publisher::resume(real(), folder.path()).unwrap();
        assert_eq!(between.waiting().unwrap().map_or(0, |it| it.sequence), round - 1);
        publisher.delta(&[&trainer], &taken, None).unwrap();
        tracker.done("p", &taken);
        let resumed = Publisher::resume(real(), folder.path()).unwrap();
        let waiting = resumed.waiting().unwrap().unwrap();
        assert_eq!(
            (waiting.sequence, &waiting.tables[0].ids),
            (round, &left_out.tables[0].ids)
        );
        let (mut kept, mut own) = ([0.0; 5], [0.0; 5]);
        for (at, id) in waiting.tables[0].ids.iter().enumerate() {
            waiting.tables[0].row(at, &mut kept);
            trainer.row(*id, &mut own);
            assert_eq!(kept.map(f32::to_bits), own.map(f32::to_bits));
        }
    }
    // Servers do not take it for a delta; a flipped byte in it is seen.
    let served = Follower::open(real(), folder.path()).unwrap().serve().unwrap();
    assert_eq!(served.sequence(), 2);
    let path = folder.path().join("waiting-000002");
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[40] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    let resumed = Publisher::resume(real(), folder.path()).unwrap();
    assert!(resumed.waiting().unwrap_err().to_string().contains("waiting-000002"));
}

#[test]
fn what_a_trainer_kept_that_died_is_not_taken_for_another_ones() {
    let folder = tempfile::tempdir().unwrap();
    let mut trainer = table(&[1, 2], Dtype::F32);
    let mut tracker = Tracker::new(1, ALL);
    let mut dead = Publisher::begin(real(), folder.path(), contents(&[&trainer])).unwrap();
    tracker.begin("all");
    step(&mut tracker, &mut trainer, &[1, 2], 1.0);
    let all = tracker.take("all", &[&trainer]).unwrap();
    dead.keep(&[&trainer], &all).unwrap();
    // The delta that it was kept for never came; this one leaves nothing out.
    let mut next = Publisher::resume(real(), folder.path()).unwrap();
    next.delta(&[&trainer], &all, None).unwrap();
    assert_eq!(next.waiting().unwrap(), None);
}

#[test]
fn what_is_touched_while_a_budget_is_shipped_is_shipped_again() {
    let mut trainer = table(&[1, 2], Dtype::F32);
    let mut tracker = Tracker::new(1, ALL);
    tracker.begin_prioritised("p");
    step(&mut tracker, &mut trainer, &[1, 2], 1.0);
    let shown = tracker.look_within("p", &[&trainer], 1000).unwrap();
    step(&mut tracker, &mut trainer, &[2], 1.0);
    tracker.done("p", &shown);
    let left = tracker.look_within("p", &[&trainer], 1000).unwrap();
    assert_eq!((&shown.tables[0].ids[..], &left.tables[0].ids[..]), (&[1, 2][..], &[2][..]));
    tracker.done("p", &left);
    assert!(tracker.look_within("p", &[&trainer], 1000).unwrap().tables[0].ids.is_empty());
}

#[test]
fn consumers_lose_nothing_and_a_slow_one_is_told() {
    let mut trainer = table(&(0..50).collect::<Vec<u64>>(), Dtype::F32);
    let mut tracker = Tracker::new(1, 20);
    tracker.begin("slow");
    tracker.begin("quick");
    for from in 0..4u64 {
        let ids: Vec<u64> = (from * 4..from * 4 + 5).collect();
        step(&mut tracker, &mut trainer, &ids, 1.0);
        assert_eq!(tracker.take("quick", &[&trainer]).unwrap().tables[0].ids, ids);
    }
    assert_eq!(tracker.len(), 17);
    let slow = tracker.look("slow", &[&trainer]).unwrap();
    assert_eq!(slow.tables[0].ids, (0..17).collect::<Vec<u64>>());
    step(&mut tracker, &mut trainer, &[3, 30], 1.0);
    tracker.done("slow", &slow);
    assert_eq!(tracker.take("slow", &[&trainer]).unwrap().tables[0].ids, [3, 30]);
    tracker.take("quick", &[&trainer]).unwrap();
    for id in 0..25 {
        step(&mut tracker, &mut trainer, &[id], 1.0);
        tracker.take("quick", &[&trainer]).unwrap();
        assert!(tracker.len() <= 21);
    }
    let error = tracker.take("slow", &[&trainer]).unwrap_err().to_string();
    assert!(error.contains("slow is behind") && error.contains("snapshot"), "{error}");
    tracker.begin("slow");
    assert!(tracker.take("slow", &[&trainer]).unwrap().tables[0].ids.is_empty());
}

#[test]
fn a_training_goes_on_from_its_snapshot() {
    let folder = tempfile::tempdir().unwrap();
    let optimiser = Optimiser::RowWiseAdagrad { rate: 0.1, epsilon: 1e-8 };
    let make = || config(5, Dtype::F32, optimiser);
    let mut one = Table::keyed(make(), 0).unwrap();
    one.admit(&[5, 1, 9]).unwrap();
    let mut tracker = Tracker::new(1, ALL);
    step(&mut tracker, &mut one, &[5, 9], 1.0);
    let tables = [&one];
    let with_state = Contents { state: true, ..contents(&tables) };
    let snapshot = Snapshot::write(&real(), folder.path(), "s", with_state).unwrap();
    let mut other = snapshot.table(make()).unwrap();
    step(&mut tracker, &mut one, &[5, 1], 2.0);
    step(&mut tracker, &mut other, &[5, 1], 2.0);
    assert_eq!(trained(&one), trained(&other));
    assert!(snapshot.table(config(4, Dtype::F32, optimiser)).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]
    /// Whatever happens on the way, a server that has every delta has the trainer's rows.
    #[test]
    fn readers_end_where_the_trainer_is(
        doings in prop::collection::vec((0u8..6, prop::collection::vec(0u64..30, 1..6)), 1..30),
        shuffle in any::<u64>(),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let folder: &Path = folder.path();
        let mut trainer = table(&[1, 2, 3], Dtype::F32);
        let mut tracker = Tracker::new(1, ALL);
        let mut publisher = Publisher::begin(real(), folder, contents(&[&trainer])).unwrap();
        tracker.begin("s");
        let follower = Follower::open(real(), folder).unwrap();
        let mut server = follower.serve().unwrap();
        let mut at_sequence = vec![trained(&trainer)];
        for (at, (doing, ids)) in doings.iter().enumerate() {
            match doing {
                0 | 1 => step(&mut tracker, &mut trainer, ids, at as f32),
                2 => {
                    tracker.touch(0, &trainer, ids).unwrap();
                    trainer.admit(ids).unwrap();
                }
                3 => {
                    tracker.touch(0, &trainer, ids).unwrap();
                    ids.iter().for_each(|id| { trainer.forget(*id); });
                }
                4 => {
                    let taken = tracker.take("s", &[&trainer]).unwrap();
                    publisher.delta(&[&trainer], &taken, None).unwrap();
                    at_sequence.push(trained(&trainer));
                }
                // The server dies and comes back, at some delta.
                _ => {
                    let back = ids[0] % (publisher.sequence() + 1);
                    server = follower.serve_at(back).unwrap();
                    prop_assert_eq!(served(&server), at_sequence[back as usize].clone());
                }
            }
        }
        let taken = tracker.take("s", &[&trainer]).unwrap();
        publisher.delta(&[&trainer], &taken, None).unwrap();
        // In any order, as often as it takes.
        let mut deltas = follower.look(0).unwrap();
        let mut seed = shuffle;
        for at in (1..deltas.len()).rev() {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            deltas.swap(at, (seed >> 33) as usize % (at + 1));
        }
        for _ in 0..deltas.len() {
            deltas.iter().for_each(|delta| { let _ = server.apply(delta); });
        }
        prop_assert_eq!(server.sequence(), publisher.sequence());
        prop_assert_eq!(served(&server), trained(&trainer));
    }

    #[test]
    fn hostile_bytes_are_refused(at in 0usize..300, flip in 1u8..=255, cut in 0usize..300) {
        let mut delta = Delta {
            model: "m".into(), base: "b".into(), sequence: 1, previous: "b".into(),
            tables: vec![], dense: Some(b"dense"[..].into()), checksum: String::new(),
        };
        let mut bytes = Vec::new();
        let place = Path::new("000001.delta");
        encode(&mut delta, &mut bytes, place).unwrap();
        prop_assert_eq!(decode(&bytes.clone().into(), place).unwrap(), delta);
        let short = bytes[..cut % bytes.len()].to_vec();
        prop_assert!(decode(&short.into(), place).is_err());
        let at = at % bytes.len();
        bytes[at] ^= flip;
        let error = decode(&bytes.into(), place).unwrap_err().to_string();
        prop_assert!(error.contains("000001.delta"), "{}", error);
    }
}

#[test]
fn readers_never_see_a_torn_row() {
    let mut trainer = Table::keyed(config(64, Dtype::F32, SGD), 0).unwrap();
    let ids: Vec<u64> = (0..200).collect();
    trainer.admit(&ids).unwrap();
    ids.iter().for_each(|id| trainer.set(*id, &[0.0; 64]).unwrap());
    let folder = tempfile::tempdir().unwrap();
    Publisher::begin(real(), folder.path(), contents(&[&trainer])).unwrap();
    let server =
        Served::of(&Snapshot::open(&real(), &folder.path().join(SNAPSHOT)).unwrap()).unwrap();
    let mut previous = server.base().to_owned();
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let table = server.table("t").unwrap();
            let mut out = vec![0.0f32; 64 * 200];
            let mut seen = vec![0u32; 200];
            while server.sequence() < 400 {
                table.rows(&ids, &mut out);
                for (row, seen) in out.chunks(64).zip(&mut seen) {
                    assert!(row.iter().all(|value| value.to_bits() == row[0].to_bits()));
                    // Ids that go and come back are 0 meanwhile.
                    if row[0] > 0.0 {
                        assert!(row[0] as u32 >= *seen, "older than before");
                        *seen = row[0] as u32;
                    }
                }
            }
        });
        for sequence in 1..=400u64 {
            let rows: Vec<u8> =
                [sequence as f32; 64].iter().flat_map(|v| v.to_le_bytes()).collect();
            // Every third id goes away in odd deltas, and new ones make the table grow.
            let goes = |id: &u64| sequence % 2 == 1 && id.is_multiple_of(3);
            let mut live: Vec<u64> = ids.iter().copied().filter(|id| !goes(id)).collect();
            live.extend((0..20).map(|at| 1000 + sequence * 20 + at));
            let delta = Delta {
                model: "m".into(),
                base: server.base().into(),
                sequence,
                previous: previous.clone(),
                tables: vec![tables::ship::TableDelta {
                    table: "t".into(),
                    width: 64,
                    format: tables::ship::Format::F32,
                    rows: rows.repeat(live.len()).into(),
                    ids: live,
                    tombstones: ids.iter().copied().filter(goes).collect(),
                }],
                dense: None,
                checksum: format!("{sequence}"),
            };
            server.apply(&delta).unwrap();
            previous = delta.checksum;
            // Read your delta.
            let mut row = [0.0; 64];
            assert!(
                server.table("t").unwrap().row(1, &mut row)
                    && row[0].to_bits() == (sequence as f32).to_bits()
            );
        }
        reader.join().unwrap();
    });
    assert!(delta_name(7) == "000007.delta");
}

#[test]
fn a_table_that_only_serves_is_refused_before_anything_is_made() {
    let folder = tempfile::tempdir().unwrap();
    let whole = Table::dense(config(4, Dtype::F32, SGD), 3).unwrap();
    let served = whole.to_dtype(Dtype::Int8).unwrap();
    let tables = [&served];
    let contents = contents(&tables);
    let error = Snapshot::write(&real(), folder.path(), "s", contents).err().expect("int8");
    let error = error.to_string();
    assert!(error.contains("table t, Int8"), "{error}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}
