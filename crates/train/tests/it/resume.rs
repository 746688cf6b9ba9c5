//! A run that is cut off at any step and resumed ends as one that was not, bit for bit.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use data::{FixedClock, Progress, Sequences};
use models::BlockKind;
use rayon::{ThreadPool, ThreadPoolBuilder};
use train::optim::AdagradConfig;
use train::sample::{HardWeight, Labels, Layout, Negatives};
use train::{
    Checkpoints, Decay, ItemUpdates, Keep, LogQ, Loss, Optimizer, Result, Run, Schedule,
    SequenceConfig, Spread, StochasticLength, Trained, Window, fit,
};

use crate::planted::{bits, log, quick, sasrec};
use crate::unsynced::Unsynced;

enum Cut {
    No,
    /// Before step n the user asks to stop.
    Stop(u64),
    /// Before step n everything is dropped, as it is: nothing is saved.
    Kill(u64),
}

/// One process, and how many steps it began.
fn process(
    config: &SequenceConfig,
    (train, held): (&Sequences, &Sequences),
    dir: &Path,
    resume: bool,
    cut: &Cut,
) -> (Option<Result<Trained>>, u64) {
    let steps = AtomicU64::new(0);
    let stop = AtomicBool::new(false);
    let report = |_: data::Step<'_>| {
        let step = steps.fetch_add(1, Ordering::SeqCst);
        match cut {
            Cut::Stop(at) if *at == step => stop.store(true, Ordering::SeqCst),
            Cut::Kill(at) if *at == step => resume_unwind(Box::new("killed")),
            _ => {}
        }
    };
    let run = || {
        fit(Run {
            config,
            train,
            held: Some(held),
            seed: 5,
            checkpoints: Some(Checkpoints::new(Arc::new(Unsynced), dir)),
            resume,
            table: None,
            clock: &FixedClock(0),
            progress: &Progress::new(&report, &stop),
            tell: &mut |_| {},
        })
    };
    let result = catch_unwind(AssertUnwindSafe(run)).ok();
    (result, steps.load(Ordering::SeqCst))
}

fn pool(threads: usize) -> ThreadPool {
    ThreadPoolBuilder::new().num_threads(threads).build().unwrap()
}

#[track_caller]
fn same(a: &Trained, b: &Trained, what: &str) {
    assert!(bits(a) == bits(b), "{what}: other weights");
    assert_eq!(a.best_epoch, b.best_epoch, "{what}");
    assert_eq!(a.epochs, b.epochs, "{what}");
}

/// Cuts the run at every step, both ways, and resumes it on other numbers of threads.
fn survives(config: &SequenceConfig) -> Trained {
    let (train, held) = log(24);
    let parts = (&train, &held);
    let dir = tempfile::tempdir().unwrap();
    let (whole, steps) = process(config, parts, dir.path(), false, &Cut::No);
    let whole = whole.unwrap().unwrap();
    assert!(steps > 6, "{steps} steps");
    let pools = [pool(1), pool(3)];
    for at in 0..steps {
        for (way, cut) in [Cut::Stop(at), Cut::Kill(at)].into_iter().enumerate() {
            let dir = tempfile::tempdir().unwrap();
            let what = format!("way {way}, step {at}");
            let pool = &pools[(at as usize + way) % 2];
            let (first, _) = pool.install(|| process(config, parts, dir.path(), false, &cut));
            assert_eq!(first.is_none(), matches!(cut, Cut::Kill(_)), "{what}");
            if let Some(first) = first {
                assert!(matches!(first, Err(train::Error::Data(data::Error::Stopped))));
            }
            let checkpoints = Checkpoints::new(Arc::new(Unsynced), dir.path());
            let resume = checkpoints.any().unwrap();
            let every = u64::from(config.checkpoint_every);
            assert!(resume || matches!(cut, Cut::Kill(_)) && at < every, "{what}");
            let pool = &pools[(at as usize + way + 1) % 2];
            let (second, more) =
                pool.install(|| process(config, parts, dir.path(), resume, &Cut::No));
            same(&second.unwrap().unwrap(), &whole, &what);
            match cut {
                Cut::Stop(_) => assert_eq!(more, steps - at, "{what}: no step is done twice"),
                _ => assert!(more < steps - at + every, "{what}: at most 3 are done twice"),
            }
        }
    }
    // Resumed after its end it does nothing.
    let (again, more) = process(config, parts, dir.path(), true, &Cut::No);
    same(&again.unwrap().unwrap(), &whole, "after the end");
    assert_eq!(more, 0);
    whole
}

fn tiny() -> SequenceConfig {
    let mut config =
        SequenceConfig { batch_tokens: 40, epochs: 4, checkpoint_every: 3, ..quick() };
    config.validate_every = 1;
    sasrec(&mut config).dropout = 0.2;
    sasrec(&mut config).dropout_hidden = 0.1;
    sasrec(&mut config).dropout_attention = 0.1;
    config
}

#[test]
fn dense_adam_with_a_schedule() {
    let schedule = Schedule { peak: 0.02, warm_up: 5, decay: Decay::Cosine, floor: 0.1 };
    survives(&SequenceConfig { schedule, clip_norm: 1.0, ..tiny() });
}

#[test]
fn by_rows_with_in_batch_negatives() {
    let loss = Loss::SampledSoftmax { log_q: LogQ::Corrected, temperature: 0.5 };
    let negatives = Negatives::Mixed { count: 20, share: 0.5, labels: Labels::Unique };
    let item_updates = ItemUpdates::Rows;
    // Several windows of a user in an epoch, some thinned out: 4^(3/5) is 2.3.
    let window = Window::All { stride: 2, spread: Spread::SameEpoch };
    let stochastic_length = StochasticLength { alpha: 1.2, keep: Keep::AgeWeighted };
    let mut config = SequenceConfig { loss, negatives, item_updates, window, ..tiny() };
    config.stochastic_length = stochastic_length;
    sasrec(&mut config).length_max = 4;
    survives(&config);
}

#[test]
fn a_keyed_table_with_its_memory() {
    survives(&SequenceConfig { item_updates: ItemUpdates::Keyed, ..tiny() });
    let optimizer = Optimizer::Adagrad(AdagradConfig::default());
    let item_updates = ItemUpdates::Keyed;
    survives(&SequenceConfig { item_updates, optimizer, patience: 2, ..tiny() });
}

#[test]
fn hard_negatives_with_adagrad() {
    let negatives =
        Negatives::Hard { count: 10, share: 0.2, weight: HardWeight::Uniform, power: 0.0 };
    let optimizer = Optimizer::Adagrad(AdagradConfig::default());
    let mut config = SequenceConfig { negatives, optimizer, validate_every: 3, ..tiny() };
    sasrec(&mut config).block = BlockKind::Ligr;
    sasrec(&mut config).length_max = 3;
    config.window = Window::Mixed { back_max: 6, latest_share: 0.5 };
    survives(&config);
}

#[test]
fn a_run_that_stops_early() {
    let mut config = SequenceConfig { epochs: 30, patience: 2, ..tiny() };
    config.schedule.peak = 0.2;
    config.batch_tokens = 60;
    let whole = survives(&config);
    assert!(whole.epochs.len() < 30);
    assert!(whole.best_epoch as usize + 2 == whole.epochs.len());
}

#[test]
fn threads_do_not_change_a_bit_of_larger_batches() {
    let (train, held) = log(900);
    let per_token = Negatives::Uniform { count: 64, layout: Layout::PerToken, unseen: true };
    let mut configs = vec![
        SequenceConfig { negatives: per_token, loss: Loss::Gbce { t: 0.5 }, ..tiny() },
        SequenceConfig { loss: Loss::FullSoftmax { temperature: 1.0 }, ..tiny() },
        SequenceConfig { item_updates: ItemUpdates::Rows, ..tiny() },
        SequenceConfig { item_updates: ItemUpdates::Keyed, ..tiny() },
    ];
    for config in &mut configs {
        config.batch_tokens = 3000;
        config.epochs = 2;
        let runs: Vec<Trained> = [1, 2, 3]
            .into_iter()
            .map(|threads| {
                let dir = tempfile::tempdir().unwrap();
                let run = || process(config, (&train, &held), dir.path(), false, &Cut::No);
                pool(threads).install(run).0.unwrap().unwrap()
            })
            .collect();
        same(&runs[0], &runs[1], "1 and 2 threads");
        same(&runs[0], &runs[2], "1 and 3 threads");
    }
}
