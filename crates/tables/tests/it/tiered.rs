//! Tables over a slow tier against tables in memory, to the bit; faults; the memory that they take.

use std::sync::Arc;
use std::time::Duration;

use data::{FaultyFiles, Files, KeyedJagged, RealFiles};
use rayon::prelude::*;
use tables::{
    Adam, Bags, Disk, DiskTier, Dtype, Faults, Init, Optimiser, Policy, Pooling, RemoteTier,
    Table, TableConfig, Tier, TieredConfig, TieredFeature, TieredTable, WAYS,
};

use crate::looking_up::features;

pub(crate) const ROWS: u64 = 2000;
pub(crate) const WIDTH: usize = 4;
pub(crate) const SAMPLES: usize = 24;
const ADAM: Adam = Adam { rate: 0.01, betas: [0.9, 0.99], epsilon: 1e-8, decay: 0.1 };
pub(crate) const OPTIMISERS: [Optimiser; 5] = [
    Optimiser::Sgd { rate: 0.1 },
    Optimiser::Adagrad { rate: 0.1, epsilon: 1e-8 },
    Optimiser::RowWiseAdagrad { rate: 0.1, epsilon: 1e-8 },
    Optimiser::Adam(ADAM),
    Optimiser::RowWiseAdam(ADAM),
];

fn init(feature: usize) -> Init {
    Init::Uniform { bound: 0.5, seed: feature as u64 }
}

/// With so many sets of the cache.
pub(crate) fn config(
    optimiser: Optimiser,
    policy: Policy,
    sets: usize,
    tier: &dyn Tier,
) -> TieredConfig {
    let feature =
        |at: usize| TieredFeature { name: format!("f{at}"), rows: ROWS, init: init(at) };
    let mut config = TieredConfig {
        name: "t".into(),
        width: WIDTH,
        optimiser,
        features: (0..2).map(feature).collect(),
        memory_bytes: 1,
        batch_ids: 512,
        pad_rows: 512,
        policy,
    };
    // What is refused says what would do.
    let error = TieredTable::open(Box::new(RemoteTier::new(1)), config.clone()).err().unwrap();
    let error = error.to_string();
    let least: usize = error
        .split_whitespace()
        .find_map(|word| word.parse().ok().filter(|bytes| *bytes > 10_000))
        .unwrap_or_else(|| panic!("{error}"));
    let set = WAYS * (config.record_bytes() + 14);
    config.memory_bytes = least + tier.bytes(2048) + (sets - 1) * set;
    config
}

/// Ids that come again, with duplicates, and some bags that are empty.
pub(crate) fn batch(number: u64) -> KeyedJagged<u64> {
    // The same batch twice in a row, now and then.
    let number = number - u64::from(number % 5 == 4);
    let bags: Vec<Vec<u64>> = (0..2 * SAMPLES as u64)
        .map(|bag| {
            let draw = |at: u64| {
                let mixed =
                    (number * 131 + bag * 17 + at + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
                let mixed = mixed ^ (mixed >> 29);
                // Half of them few, the others any; some stay for a few batches.
                match mixed % 4 {
                    0 | 1 => mixed / 8 % 40,
                    2 => number / 2 * 10 + mixed / 8 % 200,
                    _ => mixed / 8 % ROWS,
                }
            };
            (0..(bag * 7 + number) % 9).map(draw).collect()
        })
        .collect();
    features(&bags, 2)
}

pub(crate) fn gradient(number: u64) -> Vec<f32> {
    let value = |at: usize| ((at as u64 * 37 + number * 11) % 101) as f32 / 64.0 - 0.78;
    (0..SAMPLES * 2 * WIDTH).map(value).collect()
}

pub(crate) fn both(batch: &KeyedJagged<u64>) -> [(usize, Bags<'_>); 2] {
    [(0, Bags::of(batch, 0)), (1, Bags::of(batch, 1))]
}

pub(crate) fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|value| value.to_bits()).collect()
}

/// Everything that was pooled in all batches, and all rows at the end.
pub(crate) fn in_memory(optimiser: Optimiser, batches: u64) -> (Vec<u32>, Vec<Vec<u32>>) {
    let make = |at: usize| {
        let (name, dtype) = (format!("f{at}"), Dtype::F32);
        let config = TableConfig { name, width: WIDTH, dtype, init: init(at), optimiser };
        Table::dense(config, ROWS as usize).unwrap()
    };
    let mut tables = [make(0), make(1)];
    let mut pooled = vec![0.0; SAMPLES * 2 * WIDTH];
    let mut all = Vec::new();
    for number in 0..batches {
        let batch = batch(number);
        let [first, second] = both(&batch);
        let features = [(&tables[0], first.1), (&tables[1], second.1)];
        Table::pooled(&features, Pooling::Mean, &mut pooled).unwrap();
        all.extend(bits(&pooled));
        for (at, table) in tables.iter_mut().enumerate() {
            let bags = Bags::of(&batch, at);
            let (gradient, stride) = (gradient(number), 2 * WIDTH);
            table.update(&bags, Pooling::Mean, &gradient, stride, at * WIDTH).unwrap();
        }
    }
    let mut row = vec![0.0; WIDTH];
    let rows = tables.iter().map(|table| {
        let each = (0..ROWS).flat_map(|id| {
            table.row(id, &mut row);
            bits(&row)
        });
        each.collect()
    });
    (all, rows.collect())
}

pub(crate) fn tiered(
    table: &mut TieredTable,
    batches: u64,
    ahead: bool,
) -> tables::Result<Vec<u32>> {
    let mut pooled = vec![0.0; SAMPLES * 2 * WIDTH];
    let mut all = Vec::new();
    for number in 0..batches {
        let (now, next) = (batch(number), batch(number + 1));
        table.pooled(&both(&now), Pooling::Mean, &mut pooled)?;
        all.extend(bits(&pooled));
        if ahead {
            table.look_ahead(&both(&next))?;
        }
        table.update(&both(&now), Pooling::Mean, &gradient(number))?;
    }
    Ok(all)
}

pub(crate) fn all_rows(table: &mut TieredTable) -> Vec<Vec<u32>> {
    let mut row = vec![0.0; WIDTH];
    let mut rows = |feature| {
        let each = (0..ROWS).flat_map(|id| {
            table.row(feature, id, &mut row).unwrap();
            bits(&row)
        });
        each.collect()
    };
    vec![rows(0), rows(1)]
}

#[test]
fn a_table_over_a_slow_tier_is_the_table_in_memory_to_the_bit() {
    for optimiser in OPTIMISERS {
        let (pooled, rows) = in_memory(optimiser, 30);
        for (ahead, threads, policy, sets) in [
            // A load of .05: 6 sets of 4,000 rows; and one set, where most rows find no way.
            (false, 1, Policy::Lru, 6),
            (true, 2, Policy::Lru, 6),
            (true, 1, Policy::Lru, 1),
            (false, 2, Policy::Lru, 1),
            (true, 2, Policy::Lfu, 6),
            (true, 2, Policy::Lfu, 1),
        ] {
            let what = format!("{optimiser:?} ahead {ahead} {threads} {policy:?} {sets} sets");
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let record = (WIDTH + optimiser.state_width(WIDTH)) * 4;
            let tier = RemoteTier::new(record);
            let config = config(optimiser, policy, sets, &tier);
            let mut table = TieredTable::open(Box::new(tier), config).unwrap();
            let found = pool.install(|| tiered(&mut table, 30, ahead)).unwrap();
            assert!(found == pooled, "{what}: pooled");
            let counters = table.counters().unwrap();
            assert!(counters.written_back > 20 && counters.conflict_misses > 0, "{counters:?}");
            assert!(all_rows(&mut table) == rows, "{what}: rows");
            // And with everything in the tier.
            table.flush().unwrap();
            let (memory, may) = (table.memory_bytes().unwrap(), table.config().memory_bytes);
            assert!(memory <= may && memory > may / 2, "{what}: {memory} of {may}");
        }
    }
}

#[test]
fn sequences_are_rows_in_order() {
    let tier = RemoteTier::new(WIDTH * 4);
    let config = config(OPTIMISERS[0], Policy::Lru, 2, &tier);
    let mut table = TieredTable::open(Box::new(tier), config).unwrap();
    let batch = batch(5);
    let ids = batch.cells().values();
    let mut found = vec![0.0; ids.len() * WIDTH];
    table.sequence(&both(&batch), &mut found).unwrap();
    let of_first = batch.cells().offsets()[SAMPLES] as usize;
    let mut row = vec![0.0; WIDTH];
    for (at, id) in ids.iter().enumerate() {
        table.row(usize::from(at >= of_first), *id, &mut row).unwrap();
        assert_eq!(bits(&found[at * WIDTH..][..WIDTH]), bits(&row));
    }
}

#[test]
fn faults_of_the_tier_reach_the_caller_and_nothing_is_lost() {
    let (pooled, rows) = in_memory(OPTIMISERS[2], 20);
    let mut met = 0;
    for fail_from in 1..60 {
        let tier = RemoteTier::new((WIDTH + 1) * 4);
        let config = config(OPTIMISERS[2], Policy::Lru, 2, &tier);
        let mut table = TieredTable::open(Box::new(tier.clone()), config).unwrap();
        tier.set_faults(Faults {
            fail_from: Some(fail_from),
            fail_until: Some(fail_from + 1),
            latency: Duration::from_micros(20),
            ..Faults::default()
        });
        // Each step is tried until it succeeds.
        let mut found = Vec::new();
        let mut retried = |step: &mut dyn FnMut() -> tables::Result<()>| {
            for _ in 0..3 {
                match step() {
                    Ok(()) => return,
                    Err(error) => {
                        assert!(error.to_string().contains("planted fault"), "{error}");
                        met += 1;
                    }
                }
            }
            panic!("it does not recover");
        };
        let mut out = vec![0.0; SAMPLES * 2 * WIDTH];
        for number in 0..20 {
            let (now, next) = (batch(number), batch(number + 1));
            retried(&mut || table.pooled(&both(&now), Pooling::Mean, &mut out));
            found.extend(bits(&out));
            table.look_ahead(&both(&next)).unwrap();
            retried(&mut || table.update(&both(&now), Pooling::Mean, &gradient(number)));
        }
        assert!(found == pooled, "{fail_from}");
        tier.set_faults(Faults::default());
        if fail_from % 10 == 1 {
            let _ = table.counters();
            assert!(all_rows(&mut table) == rows, "{fail_from}");
        }
    }
    assert!(met > 40, "{met}");
}

#[test]
fn what_does_not_fit_is_refused_with_what_would_do() {
    let tier = RemoteTier::new(WIDTH * 4);
    let roomy = config(OPTIMISERS[0], Policy::Lru, 1, &tier);
    let narrow = TieredConfig { pad_rows: 8, ..roomy.clone() };
    let open = |config: TieredConfig| TieredTable::open(Box::new(tier.clone()), config);
    let mut table = open(narrow.clone()).unwrap();
    let all: Vec<Vec<u64>> =
        (0..4).map(|bag| (0..90).map(|at| bag * 90 + at).collect()).collect();
    let big = features(&all, 2);
    let mut out = vec![0.0; 2 * 2 * WIDTH];
    let mut tries = 0;
    let error = loop {
        match table.pooled(&both(&big), Pooling::Sum, &mut out) {
            Ok(()) => break None,
            Err(error) if tries == 0 => {
                let error = error.to_string();
                assert!(error.contains("find no way"), "{error}");
                let numbers: Vec<usize> =
                    error.split_whitespace().filter_map(|word| word.parse().ok()).collect();
                let (pad_rows, memory_bytes) = (numbers[2], numbers[3]);
                assert!(table.memory_bytes().unwrap() <= narrow.memory_bytes);
                let larger = TieredConfig { pad_rows, memory_bytes, ..narrow.clone() };
                table = open(larger).unwrap();
                tries += 1;
            }
            Err(error) => break Some(error),
        }
    };
    assert!(error.is_none(), "what was said to do does not: {error:?}");
    let (memory, may) = (table.memory_bytes().unwrap(), table.config().memory_bytes);
    assert!(memory <= may, "{memory} of {may}");
    let beyond = features(&[vec![ROWS], vec![0]], 2);
    let error = table.pooled(&both(&beyond), Pooling::Sum, &mut out[..8]).unwrap_err();
    assert!(error.to_string().contains("feature f0: id 2000 (number 0)"), "{error}");
    let mut table = open(roomy).unwrap();
    table.look_ahead(&both(&batch(0))).unwrap();
    assert!(table.look_ahead(&both(&batch(1))).is_err(), "two ahead");
}

fn on_disk(files: Arc<dyn Files>, folder: &std::path::Path) -> tables::Result<TieredTable> {
    let optimiser = OPTIMISERS[4];
    let record = (WIDTH + optimiser.state_width(WIDTH)) * 4;
    let folder = folder.into();
    let disk = Disk { folder, rows: 2 * ROWS, record, direct: false, threads: 1 };
    let tier = DiskTier::open(files, disk)?;
    let config = config(optimiser, Policy::Lru, 2, &tier);
    TieredTable::open(Box::new(tier), config)
}

/// Checkpoints after every third of six batches.
fn train(files: Arc<dyn Files>, folder: &std::path::Path) -> tables::Result<()> {
    let mut table = on_disk(files, folder)?;
    let mut pooled = vec![0.0; SAMPLES * 2 * WIDTH];
    for number in 0..6 {
        let (now, next) = (batch(number), batch(number + 1));
        table.pooled(&both(&now), Pooling::Mean, &mut pooled)?;
        table.look_ahead(&both(&next))?;
        table.update(&both(&now), Pooling::Mean, &gradient(number))?;
        if number % 3 == 2 {
            table.flush()?;
        }
    }
    Ok(())
}

#[test]
fn a_crash_anywhere_in_a_training_leaves_a_checkpoint() {
    let folder = tempfile::tempdir().unwrap();
    let counting = FaultyFiles::failing_from(u64::MAX);
    train(Arc::new(counting.clone()), folder.path()).unwrap();
    let operations = counting.operations();
    assert!(operations > 400, "{operations}");
    let states: Vec<_> = [0, 3, 6].map(|batches| in_memory(OPTIMISERS[4], batches).1).into();
    assert!(all_rows(&mut on_disk(Arc::new(RealFiles), folder.path()).unwrap()) == states[2]);
    let met: Vec<usize> = (0..=operations)
        .into_par_iter()
        .map(|fail_from| {
            let folder = tempfile::tempdir().unwrap();
            let files = Arc::new(FaultyFiles::failing_from(fail_from));
            let result = train(files, folder.path());
            let found = all_rows(&mut on_disk(Arc::new(RealFiles), folder.path()).unwrap());
            let state = states.iter().position(|state| *state == found);
            // Only what removes an old checkpoint may fail unseen.
            assert!(result.is_err() || state == Some(2), "{fail_from}: {state:?}");
            assert!(result.is_ok() || fail_from < operations, "{fail_from}");
            state.unwrap_or_else(|| panic!("a mix after a crash at {fail_from}"))
        })
        .collect();
    for state in 0..3 {
        assert!(met.iter().filter(|own| **own == state).count() > 1, "never state {state}");
    }
}
