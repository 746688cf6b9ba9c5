//! Items on disk, within a budget of memory: to the bit the training that has them in memory, also
//! where it is cut off and goes on, and where the disk fails.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use data::{FaultyFiles, Files, FixedClock, Progress, RealFiles, Sequences};
use models::{HstuConfig, SequenceModelConfig};
use tables::MemoryBudget;
use tensor::Device;
use train::sample::{Layout, Negatives};
use train::{
    Checkpoints, ItemUpdates, LogQ, Loss, Result, Run, SequenceConfig, TableTier, Trained,
    Trainer, fit,
};

use crate::planted::{bits, quick};

const ITEMS: u32 = 900;

/// Walks with a step of 7, of users who begin everywhere, and the event after.
fn log() -> (Sequences, Sequences) {
    let (mut train, mut held) = (Vec::new(), Vec::new());
    for user in 0..60 {
        let item = |at: u32| (user * 41 + at * 7) % ITEMS;
        let length = 2 + user % 9;
        train.extend((0..length).map(|at| (user, item(at), i64::from(at), 1.0)));
        held.push((user, item(length), 100, 1.0));
    }
    let of = |events: &[_]| Sequences::from_events(60, ITEMS, events).unwrap();
    (of(&train), of(&held))
}

fn keyed() -> SequenceConfig {
    SequenceConfig {
        item_updates: ItemUpdates::Keyed,
        negatives: Negatives::Uniform { count: 90, layout: Layout::PerRow, unseen: false },
        batch_tokens: 60,
        epochs: 3,
        validate_every: 1,
        checkpoint_every: 4,
        ..quick()
    }
}

fn hstu() -> SequenceConfig {
    SequenceConfig {
        model: SequenceModelConfig::Hstu(HstuConfig {
            dim: 16,
            blocks: 1,
            heads: 2,
            length_max: 8,
            ..HstuConfig::default()
        }),
        loss: Loss::SampledSoftmax { log_q: LogQ::None, temperature: 0.1 },
        ..keyed()
    }
}

struct Place<'a> {
    dir: &'a Path,
    files: Arc<dyn Files>,
    /// None: all in memory.
    memory: Option<MemoryBudget>,
}

impl Place<'_> {
    fn tier(&self) -> Option<TableTier> {
        let folder = self.dir.join("table");
        Some(TableTier::new(self.files.clone(), &folder, self.memory?))
    }
}

/// Stops before step `stop`.
fn run(config: &SequenceConfig, place: &Place<'_>, resume: bool, stop: u64) -> Result<Trained> {
    let (train, held) = log();
    let (steps, stopped) = (AtomicU64::new(0), AtomicBool::new(false));
    let report = |_: data::Step<'_>| {
        if steps.fetch_add(1, Ordering::SeqCst) == stop {
            stopped.store(true, Ordering::SeqCst);
        }
    };
    fit(Run {
        config,
        train: &train,
        held: Some(&held),
        seed: 5,
        checkpoints: Some(Checkpoints::new(place.files.clone(), &place.dir.join("runs"))),
        resume,
        table: place.tier(),
        clock: &FixedClock(0),
        progress: &Progress::new(&report, &stopped),
        tell: &mut |_| {},
    })
}

/// The least budget that does, of what the error says, and a few sets more.
fn least(config: &SequenceConfig) -> MemoryBudget {
    let dir = tempfile::tempdir().unwrap();
    let memory = Some(MemoryBudget::parse("1KiB").unwrap());
    let place = Place { dir: dir.path(), files: Arc::new(RealFiles), memory };
    let error = run(config, &place, false, u64::MAX).unwrap_err().to_string();
    assert!(error.starts_with("table_memory: 1024 bytes are too few"), "{error}");
    let bytes = error.split_whitespace().filter_map(|word| word.parse::<usize>().ok()).max();
    MemoryBudget::parse(&format!("{}B", bytes.unwrap() + 20_000)).unwrap()
}

fn in_memory(config: &SequenceConfig) -> Trained {
    let dir = tempfile::tempdir().unwrap();
    let place = Place { dir: dir.path(), files: Arc::new(RealFiles), memory: None };
    run(config, &place, false, u64::MAX).unwrap()
}

#[track_caller]
fn same(a: &Trained, b: &Trained, what: &str) {
    assert!(bits(a) == bits(b), "{what}: other weights");
    assert_eq!(a.best_epoch, b.best_epoch, "{what}");
    assert_eq!(a.epochs, b.epochs, "{what}");
}

#[test]
fn it_is_the_training_in_memory_to_the_bit_and_the_budget_holds() {
    for config in [keyed(), hstu()] {
        let expected = in_memory(&config);
        assert_eq!(expected.table, None);
        let dir = tempfile::tempdir().unwrap();
        let memory = least(&config);
        let place = Place { dir: dir.path(), files: Arc::new(RealFiles), memory: Some(memory) };
        let found = run(&config, &place, false, u64::MAX).unwrap();
        same(&found, &expected, config.model.name());
        let table = found.table.unwrap();
        assert!(table.memory_bytes <= table.memory_budget, "{table:?}");
        assert_eq!(table.memory_budget, memory.bytes());
        assert_eq!(table.rows, u64::from(ITEMS));
        assert!(table.missed * 10 > table.asked, "most rows are on disk: {table:?}");
        assert!(!dir.path().join("table").exists(), "the slab goes with the run");
    }
}

#[test]
fn cut_off_at_any_step_it_goes_on_with_any_budget() {
    let config = keyed();
    let expected = in_memory(&config);
    let small = least(&config);
    let large = MemoryBudget::parse("4MiB").unwrap();
    let mut resumed = 0;
    for stop in 0..24 {
        let dir = tempfile::tempdir().unwrap();
        let place = |memory| Place {
            dir: dir.path(),
            files: Arc::new(RealFiles) as Arc<dyn Files>,
            memory: Some(memory),
        };
        let (first, second) = if stop % 2 == 0 { (small, large) } else { (large, small) };
        match run(&config, &place(first), false, stop) {
            Ok(whole) => same(&whole, &expected, "not cut off"),
            Err(train::Error::Data(data::Error::Stopped)) => {
                let found = run(&config, &place(second), true, u64::MAX).unwrap();
                same(&found, &expected, &format!("step {stop}"));
                resumed += 1;
            }
            Err(error) => panic!("step {stop}: {error}"),
        }
    }
    assert!(resumed > 10, "{resumed} were cut off");
}

#[test]
fn two_trainings_do_not_share_a_folder() {
    let config = keyed();
    let dir = tempfile::tempdir().unwrap();
    let tier = TableTier::new(Arc::new(RealFiles), &dir.path().join("table"), least(&config));
    let (train, _) = log();
    let begin = || Trainer::over(&config, &train, 5, Device::Cpu, 10, Some(&tier));
    let one = begin().unwrap();
    let error = begin().err().unwrap().to_string();
    assert!(error.contains("table: another training has its rows there"), "{error}");
    drop(one);
    begin().unwrap();
}

#[test]
fn a_checkpoint_says_where_its_items_are() {
    let config = keyed();
    let small = Some(least(&config));
    for (begun, resumed, word) in
        [(small, None, "within a --table-memory"), (None, small, "without --table-memory")]
    {
        let dir = tempfile::tempdir().unwrap();
        let place = |memory| Place { dir: dir.path(), files: Arc::new(RealFiles), memory };
        run(&config, &place(begun), false, 6).unwrap_err();
        let error = run(&config, &place(resumed), true, u64::MAX).unwrap_err().to_string();
        assert!(error.contains(word), "{error}");
    }
    let dense = SequenceConfig { item_updates: ItemUpdates::Dense, ..keyed() };
    let dir = tempfile::tempdir().unwrap();
    let place = Place { dir: dir.path(), files: Arc::new(RealFiles), memory: small };
    let error = run(&dense, &place, false, u64::MAX).unwrap_err().to_string();
    assert!(error.starts_with("item_updates: ") && error.contains("keyed"), "{error}");
}

#[test]
fn a_failing_disk_loses_nothing_that_was_kept() {
    let config = keyed();
    let expected = in_memory(&config);
    let memory = Some(least(&config));
    let whole = Arc::new(FaultyFiles::failing_from(u64::MAX));
    let dir = tempfile::tempdir().unwrap();
    let place = Place { dir: dir.path(), files: whole.clone(), memory };
    same(&run(&config, &place, false, u64::MAX).unwrap(), &expected, "without a fault");
    let count = whole.operations();
    assert!(count > 200, "{count} operations");
    let mut resumed = 0;
    for at in (7..count).step_by(count.div_ceil(24) as usize) {
        let dir = tempfile::tempdir().unwrap();
        let faulty = Arc::new(FaultyFiles::failing_from(at));
        let place = Place { dir: dir.path(), files: faulty, memory };
        let error = run(&config, &place, false, u64::MAX).unwrap_err().to_string();
        assert!(error.contains("planted fault"), "operation {at}: {error}");
        let real: Arc<dyn Files> = Arc::new(RealFiles);
        let resume = Checkpoints::new(real.clone(), &dir.path().join("runs")).any().unwrap();
        resumed += u32::from(resume);
        let place = Place { dir: dir.path(), files: real, memory };
        let found = run(&config, &place, resume, u64::MAX).unwrap();
        same(&found, &expected, &format!("operation {at}"));
    }
    assert!(resumed > 10, "{resumed} had a checkpoint");
}
