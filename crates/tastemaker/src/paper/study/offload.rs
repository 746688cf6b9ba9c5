//! Training with rows in a slow tier beside the same training in memory: time, misses as predicted and as
//! they came, and whether the bits are the same.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use data::{Jagged, KeyedJagged, RealFiles};
use models::DcnConfig;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tables::trace::StackDistances;
use tables::{
    Bags, Disk, DiskTier, Dtype, Faults, Init, Optimiser, Policy, Pooling, RemoteTier, Table,
    TableConfig, Tier, TieredConfig, TieredFeature, TieredTable,
};
use tensor::Device;
use train::optim::AdamConfig;
use train::{DenseStep, Optimizer};

use super::Measured;
use crate::terminal::Stopwatch;

/// `settings` of a cell.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct OffloadSettings {
    features: usize,
    /// Of each feature.
    rows: u64,
    width: usize,
    batch: usize,
    zipf: f64,
    crosses: u32,
    hidden: Vec<u32>,
    /// Bytes of the table over those of its memory.
    times: f64,
    batches: usize,
    /// Batches of one side before it is the other's turn.
    chunk: usize,
    tier: Slow,
    look_ahead: bool,
}

/// Where rows lie.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(deny_unknown_fields, tag = "kind", rename_all = "kebab-case")]
enum Slow {
    /// A slab on disk; the system may keep it in memory.
    Disk,
    /// The same, past the system's memory.
    Direct,
    /// Somewhere that takes so long to answer a request.
    Remote { latency_us: u64 },
}

/// Numbers beside the rows.
const NUMBERS: u32 = 13;
const OPTIMISER: Optimiser = Optimiser::RowWiseAdagrad { rate: 0.01, epsilon: 1e-8 };

pub(super) fn parse(settings: &Value) -> Result<OffloadSettings> {
    let settings: OffloadSettings = serde_json::from_value(settings.clone())
        .context("settings of a study of offloading")?;
    let OffloadSettings { features, rows, batch, batches, chunk, times, .. } = settings;
    ensure!((1..=64).contains(&features), "features: {features} are not 1 to 64");
    ensure!((2..=1 << 24).contains(&rows), "rows: {rows} are not 2 to 2^24");
    ensure!((1..=1 << 16).contains(&batch), "batch: {batch} is not 1 to 65,536");
    ensure!(chunk > 0 && batches >= 4 * chunk, "batches: {batches} are fewer than four chunks");
    ensure!(times >= 1.0, "times: {times} is below 1");
    Ok(settings)
}

/// Trains both, in turns.
pub(super) fn run(settings: &OffloadSettings, seed: u64, quick: bool) -> Result<Measured> {
    let mut settings = settings.clone();
    if quick {
        settings.batches = 4 * settings.chunk;
    }
    let folder =
        std::env::temp_dir().join(format!("tastemaker-offload-{}-{seed}", std::process::id()));
    let measured = measure(&settings, seed, &folder);
    // Whatever came of it: it is as large as the table.
    let _ = std::fs::remove_dir_all(&folder);
    measured
}

fn measure(settings: &OffloadSettings, seed: u64, folder: &Path) -> Result<Measured> {
    let ids = Ids::new(settings, seed);
    let mut memory = Side::memory(settings, seed)?;
    let mut tiered = Side::tiered(settings, seed, folder)?;
    let mut distances = StackDistances::exact();
    let mut seconds: [Vec<f64>; 2] = [Vec::new(), Vec::new()];
    let mut before = None;
    let mut same = true;
    let chunks = settings.batches / settings.chunk;
    for chunk in 0..chunks {
        let from = chunk * settings.chunk;
        let batches = (from..=from + settings.chunk)
            .map(|at| ids.batch(at as u64))
            .collect::<Result<Vec<_>>>()?;
        if chunk == chunks / 2 {
            distances.warmed_up();
            before = Some(tiered.counters()?);
        }
        for batch in &batches[..settings.chunk] {
            distances.ask(&ids.linear(batch));
        }
        // Who is first changes from chunk to chunk.
        let mut pooled = [Vec::new(), Vec::new()];
        for which in if chunk % 2 == 0 { [0, 1] } else { [1, 0] } {
            let side = if which == 0 { &mut memory } else { &mut tiered };
            let watch = Stopwatch::start();
            pooled[which] = side.train(&batches)?;
            if chunk >= chunks / 2 {
                seconds[which].push(watch.seconds() / settings.chunk as f64);
            }
        }
        let [one, other] = &pooled;
        same &= one.iter().zip(other).all(|(a, b)| a.to_bits() == b.to_bits());
    }
    let (before, after) = (before.unwrap_or_default(), tiered.counters()?);
    let asked = (after.unique - before.unique).max(1) as f64;
    let curve = distances.curve(settings.rows * settings.features as u64)?;
    let (bytes, may, slots) = tiered.bytes()?;
    let [ram, slow] = seconds.map(median);
    let metrics = [
        ("ratio", slow / ram),
        ("memory seconds", ram),
        ("tiered seconds", slow),
        ("miss", (after.unique_misses - before.unique_misses) as f64 / asked),
        ("predicted", curve.miss_of(slots)),
        ("conflicts", (after.conflict_misses - before.conflict_misses) as f64 / asked),
        ("same", f64::from(u8::from(same))),
        ("memory", bytes as f64 / may as f64),
    ];
    let metrics = metrics.map(|(name, value)| (name.to_owned(), value));
    Ok(Measured { metrics: metrics.into(), curves: BTreeMap::new() })
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Ids by Zipf, the popular ones scattered.
struct Ids {
    features: usize,
    rows: u64,
    batch: usize,
    seed: u64,
    sums: Vec<f64>,
}

impl Ids {
    fn new(settings: &OffloadSettings, seed: u64) -> Ids {
        let mut sum = 0.0;
        let sums = (1..=settings.rows).map(|rank| {
            sum += (rank as f64).powf(-settings.zipf);
            sum
        });
        let sums = sums.collect();
        let OffloadSettings { features, rows, batch, .. } = *settings;
        Ids { features, rows, batch, seed, sums }
    }

    /// One id a feature and sample.
    fn batch(&self, number: u64) -> Result<KeyedJagged<u64>> {
        let mut random = ChaCha8Rng::seed_from_u64(self.seed);
        random.set_stream(number);
        let most = self.sums.last().copied().unwrap_or_default();
        let ids: Vec<u64> = (0..self.features * self.batch)
            .map(|_| {
                let at = random.random::<f64>() * most;
                let rank = self.sums.partition_point(|sum| *sum < at) as u64;
                // A prime beyond every number of rows: each rank has an id of its own.
                rank.min(self.rows - 1) * 2_147_483_647 % self.rows
            })
            .collect();
        let offsets = (0..=ids.len() as i32).collect();
        let names = (0..self.features).map(|at| format!("f{at}")).collect();
        Ok(KeyedJagged::new(names, self.batch, Jagged::new(offsets, ids)?)?)
    }

    /// The different rows of a batch, counted over all features.
    fn linear(&self, batch: &KeyedJagged<u64>) -> Vec<u64> {
        let features = batch.cells().values().chunks(self.batch).zip(0u64..);
        let mut all: Vec<u64> = features
            .flat_map(|(ids, at)| ids.iter().map(move |id| at * self.rows + id))
            .collect();
        all.sort_unstable();
        all.dedup();
        all
    }
}

enum Rows {
    Memory(Vec<Table>),
    Tiered(Box<TieredTable>, bool),
}

/// One of two trainings.
struct Side {
    rows: Rows,
    dense: DenseStep,
    numbers: Vec<f32>,
    labels: Vec<f32>,
    features: usize,
    width: usize,
    batch: usize,
    /// Cached rows.
    slots: u64,
}

impl Side {
    fn new(settings: &OffloadSettings, seed: u64, rows: Rows) -> Result<Side> {
        let OffloadSettings { features, width, batch, .. } = *settings;
        let config = DcnConfig {
            dense: NUMBERS,
            embeddings: (features * width) as u32,
            crosses: settings.crosses,
            hidden: settings.hidden.clone(),
            ..DcnConfig::default()
        };
        let optimizer = Optimizer::Adam(AdamConfig::default());
        let dense = DenseStep::new(&config, &optimizer, 1e-3, seed, Device::Cpu)?;
        let number = |at: usize| ((at * 7919 % 1009) as f32) / 504.5 - 1.0;
        let numbers = (0..batch * NUMBERS as usize).map(number).collect();
        let labels = (0..batch).map(|at| f32::from(u8::from(at % 5 == 0))).collect();
        Ok(Side { rows, dense, numbers, labels, features, width, batch, slots: 0 })
    }

    fn memory(settings: &OffloadSettings, seed: u64) -> Result<Side> {
        let tables = (0..settings.features).map(|at| {
            let config = TableConfig {
                name: format!("f{at}"),
                width: settings.width,
                dtype: Dtype::F32,
                init: init(at, seed),
                optimiser: OPTIMISER,
            };
            Table::dense(config, settings.rows as usize)
        });
        let tables = tables.collect::<tables::Result<Vec<_>>>()?;
        Side::new(settings, seed, Rows::Memory(tables))
    }

    fn tiered(settings: &OffloadSettings, seed: u64, folder: &Path) -> Result<Side> {
        let ids = settings.features * settings.batch;
        let feature = |at: usize| TieredFeature {
            name: format!("f{at}"),
            rows: settings.rows,
            init: init(at, seed),
        };
        let mut config = TieredConfig {
            name: "offload".into(),
            width: settings.width,
            optimiser: OPTIMISER,
            features: (0..settings.features).map(feature).collect(),
            memory_bytes: 0,
            batch_ids: ids,
            pad_rows: ids,
            policy: Policy::Lru,
        };
        let (rows, record) = (config.rows(), config.record_bytes());
        config.memory_bytes = (rows as f64 * record as f64 / settings.times) as usize;
        let disk = |direct| -> Result<Box<dyn Tier>> {
            let threads = if direct { 16 } else { 1 };
            let disk = Disk { folder: folder.to_path_buf(), rows, record, direct, threads };
            Ok(Box::new(DiskTier::open(Arc::new(RealFiles), disk)?))
        };
        let tier: Box<dyn Tier> = match settings.tier {
            Slow::Disk => disk(false)?,
            Slow::Direct => disk(true)?,
            Slow::Remote { latency_us } => {
                let tier = RemoteTier::new(record);
                let latency = Duration::from_micros(latency_us);
                tier.set_faults(Faults { latency, ..Faults::default() });
                Box::new(tier)
            }
        };
        let table = TieredTable::open(tier, config)?;
        let slots = table.cached_rows() as u64;
        let mut side =
            Side::new(settings, seed, Rows::Tiered(Box::new(table), settings.look_ahead))?;
        side.slots = slots;
        Ok(side)
    }

    /// Trains on all batches but the last, which is only looked ahead at; what was pooled last.
    fn train(&mut self, batches: &[KeyedJagged<u64>]) -> Result<Vec<f32>> {
        let mut pooled = vec![0.0; self.batch * self.features * self.width];
        for pair in batches.windows(2) {
            self.pool(&pair[0], &mut pooled)?;
            if let Rows::Tiered(table, true) = &mut self.rows {
                table.look_ahead(&bags(&pair[1], self.features))?;
            }
            let gradient = self.dense.step(&self.numbers, &pooled, &self.labels)?.embeddings;
            self.update(&pair[0], &gradient)?;
        }
        Ok(pooled)
    }

    fn pool(&mut self, batch: &KeyedJagged<u64>, out: &mut [f32]) -> Result<()> {
        match &mut self.rows {
            Rows::Memory(tables) => {
                let features = tables.iter().enumerate();
                let features: Vec<_> =
                    features.map(|(at, table)| (table, Bags::of(batch, at))).collect();
                Table::pooled(&features, Pooling::Sum, out)?;
            }
            Rows::Tiered(table, _) => {
                table.pooled(&bags(batch, self.features), Pooling::Sum, out)?;
            }
        }
        Ok(())
    }

    fn update(&mut self, batch: &KeyedJagged<u64>, gradient: &[f32]) -> Result<()> {
        match &mut self.rows {
            Rows::Memory(tables) => {
                let stride = self.features * self.width;
                for (at, table) in tables.iter_mut().enumerate() {
                    let bags = Bags::of(batch, at);
                    table.update(&bags, Pooling::Sum, gradient, stride, at * self.width)?;
                }
            }
            Rows::Tiered(table, _) => {
                table.update(&bags(batch, self.features), Pooling::Sum, gradient)?;
            }
        }
        Ok(())
    }

    fn counters(&mut self) -> Result<tables::Counters> {
        match &mut self.rows {
            Rows::Memory(_) => Ok(tables::Counters::default()),
            Rows::Tiered(table, _) => Ok(table.counters()?),
        }
    }

    /// Bytes that it takes, those that it may take, and rows that it caches.
    fn bytes(&mut self) -> Result<(usize, usize, u64)> {
        match &mut self.rows {
            Rows::Memory(_) => Ok((0, 1, 0)),
            Rows::Tiered(table, _) => {
                Ok((table.memory_bytes()?, table.config().memory_bytes, self.slots))
            }
        }
    }
}

fn bags(batch: &KeyedJagged<u64>, features: usize) -> Vec<(usize, Bags<'_>)> {
    (0..features).map(|at| (at, Bags::of(batch, at))).collect()
}

fn init(feature: usize, seed: u64) -> Init {
    Init::Uniform { bound: 0.05, seed: seed.wrapping_mul(64) + feature as u64 }
}
