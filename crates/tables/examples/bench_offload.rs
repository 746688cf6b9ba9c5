//! Our side of `bench/compare offload`: a process that trains some batches a line read.
//!
//! `bench_offload KIND ROWS CHUNK CROSS FOLDER`: 26 features of ROWS rows of 64 numbers each, 4,096 samples a batch with one
//! id a feature, Zipf 1.05, row-wise Adagrad, under the matrix products (forward and backward) of a DCN: rows
//! and 13 numbers side by side, CROSS layers of 1,677 × 1,677, 1,024, 512, 1. A `run` is CHUNK batches.
//!
//! KIND `ram` has all rows in memory; `ahead`, `alone` and `direct` have 1/37 of their bytes, the rest in a
//! slab in FOLDER: with the next batch loaded ahead, without that, and ahead but past the page cache,
//! which is memory as well. `direct-alone` is the slowest of all. All rows are in the slab at the beginning.
//!
//! `check` says a checksum of what was pooled last, which is the same for all kinds after as many batches.

use std::error::Error;
use std::io::{BufRead, Write};
use std::sync::Arc;
use std::time::Instant;

use data::{Jagged, KeyedJagged, RealFiles};
use serde_json::{Value, json};
use tables::{
    Bags, Disk, DiskTier, Dtype, Init, Optimiser, Policy, Pooling, Table, TableConfig, Tier,
    TieredConfig, TieredFeature, TieredTable,
};
use tensor::{Activation, Device, ParameterId, Parameters, Tape, Tensor, Workspace};
use xxhash_rust::xxh3::Xxh3;

const FEATURES: usize = 26;
const BATCH: usize = 4096;
const WIDTH: usize = 64;
const NUMBERS: usize = 13;
const INPUT: usize = FEATURES * WIDTH + NUMBERS;
const HIDDEN: [usize; 3] = [1024, 512, 1];
/// Table over memory.
const TIMES: usize = 37;
const OPTIMISER: Optimiser = Optimiser::RowWiseAdagrad { rate: 0.01, epsilon: 1e-8 };

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [kind, rows, chunk, cross, folder] = &args[..] else {
        return Err("bench_offload KIND ROWS CHUNK CROSS FOLDER".into());
    };
    let (rows, chunk): (u64, usize) = (rows.parse()?, chunk.parse()?);
    let mut table = Rows::open(kind, rows, folder)?;
    let mut dense = Dense::new(cross.parse()?)?;
    let ids = Ids::new(rows);
    answer(&json!({"ready": true, "facts": table.facts()?}))?;
    let mut pooled = vec![0.0f32; BATCH * FEATURES * WIDTH];
    let mut done = 0;
    for line in std::io::stdin().lock().lines() {
        match line?.trim() {
            "quit" => break,
            "run" => {
                let batches = (done..=done + chunk)
                    .map(|at| ids.batch(at as u64))
                    .collect::<Result<Vec<_>>>()?;
                done += chunk;
                let begin = now();
                for pair in batches.windows(2) {
                    table.pooled(&pair[0], &mut pooled)?;
                    table.look_ahead(&pair[1])?;
                    let gradient = dense.step(&pooled)?;
                    table.update(&pair[0], &gradient)?;
                }
                let seconds = begin.elapsed().as_secs_f64();
                answer(&json!({"seconds": seconds, "facts": table.facts()?}))?;
            }
            _ => {
                let mut hasher = Xxh3::new();
                pooled.iter().for_each(|value| hasher.update(&value.to_le_bytes()));
                let print = format!("{:032x}", hasher.digest128());
                answer(&json!({"check": {"batches": done, "print": print}}))?;
            }
        }
    }
    Ok(())
}

/// In memory or in tiers.
enum Rows {
    Ram(Vec<Table>),
    Tiers(Box<TieredTable>, bool),
}

fn both(batch: &KeyedJagged<u64>) -> Vec<(usize, Bags<'_>)> {
    (0..FEATURES).map(|at| (at, Bags::of(batch, at))).collect()
}

impl Rows {
    fn open(kind: &str, rows: u64, folder: &str) -> Result<Rows> {
        let (direct, ahead) = match kind {
            "ram" => {
                let config = |at: usize| TableConfig {
                    name: format!("f{at}"),
                    width: WIDTH,
                    dtype: Dtype::F32,
                    init: Init::Zero,
                    optimiser: OPTIMISER,
                };
                let make = |at| Table::dense(config(at), rows as usize);
                let tables: std::result::Result<Vec<Table>, _> =
                    (0..FEATURES).map(make).collect();
                return Ok(Rows::Ram(tables?));
            }
            "ahead" => (false, true),
            "alone" => (false, false),
            "direct" => (true, true),
            "direct-alone" => (true, false),
            _ => return Err(format!("kind {kind}").into()),
        };
        let feature =
            |at: usize| TieredFeature { name: format!("f{at}"), rows, init: Init::Zero };
        let mut config = TieredConfig {
            name: "bench".into(),
            width: WIDTH,
            optimiser: OPTIMISER,
            features: (0..FEATURES).map(feature).collect(),
            memory_bytes: 0,
            batch_ids: FEATURES * BATCH,
            pad_rows: FEATURES * BATCH / 8,
            policy: Policy::Lru,
        };
        let record = config.record_bytes();
        config.memory_bytes = config.rows() as usize * record / TIMES;
        let threads = if direct { 16 } else { 1 };
        let disk = |direct| Disk {
            folder: folder.into(),
            rows: config.rows(),
            record,
            direct,
            threads,
        };
        // What was never written need not be read: everything is written first.
        let mut tier = DiskTier::open(Arc::new(RealFiles), disk(false))?;
        let all: Vec<u64> = (0..config.rows()).collect();
        for some in all.chunks(1 << 16) {
            tier.write(some, &vec![0; some.len() * record])?;
        }
        let note = json!({
            "steps": vec![0; FEATURES],
            "features": config.features.iter().map(|it| &it.name).collect::<Vec<_>>(),
            "rows": vec![rows; FEATURES],
        });
        tier.flush(&note.to_string())?;
        drop(tier);
        let tier = DiskTier::open(Arc::new(RealFiles), disk(direct))?;
        Ok(Rows::Tiers(Box::new(TieredTable::open(Box::new(tier), config)?), ahead))
    }

    fn pooled(&mut self, batch: &KeyedJagged<u64>, out: &mut [f32]) -> Result<()> {
        match self {
            Rows::Ram(tables) => {
                let features: Vec<_> = tables
                    .iter()
                    .enumerate()
                    .map(|(at, it)| (it, Bags::of(batch, at)))
                    .collect();
                Table::pooled(&features, Pooling::Sum, out)?;
            }
            Rows::Tiers(table, _) => table.pooled(&both(batch), Pooling::Sum, out)?,
        }
        Ok(())
    }

    fn look_ahead(&mut self, batch: &KeyedJagged<u64>) -> Result<()> {
        if let Rows::Tiers(table, true) = self {
            table.look_ahead(&both(batch))?;
        }
        Ok(())
    }

    fn update(&mut self, batch: &KeyedJagged<u64>, gradient: &[f32]) -> Result<()> {
        match self {
            Rows::Ram(tables) => {
                for (at, table) in tables.iter_mut().enumerate() {
                    let (bags, stride) = (Bags::of(batch, at), FEATURES * WIDTH);
                    table.update(&bags, Pooling::Sum, gradient, stride, at * WIDTH)?;
                }
            }
            Rows::Tiers(table, _) => table.update(&both(batch), Pooling::Sum, gradient)?,
        }
        Ok(())
    }

    fn facts(&mut self) -> Result<Value> {
        match self {
            Rows::Ram(tables) => {
                Ok(json!({"bytes": tables.iter().map(Table::bytes).sum::<usize>()}))
            }
            Rows::Tiers(table, _) => {
                let counters = table.counters()?;
                Ok(json!({
                    "bytes": table.memory_bytes()?, "may": table.config().memory_bytes,
                    "batches": counters.batches, "unique": counters.unique,
                    "unique_misses": counters.unique_misses, "written_back": counters.written_back,
                    "conflict_misses": counters.conflict_misses,
                }))
            }
        }
    }
}

/// The products of a DCN, and the gradient of its input.
struct Dense {
    parameters: Parameters,
    layers: Vec<ParameterId>,
    workspace: Workspace,
    numbers: Vec<f32>,
    labels: Vec<f32>,
}

impl Dense {
    fn new(cross: usize) -> Result<Dense> {
        let mut parameters = Parameters::new();
        let mut layers = Vec::new();
        let mut input = INPUT;
        for (at, output) in std::iter::repeat_n(INPUT, cross).chain(HIDDEN).enumerate() {
            let scale = 1.0 / (input as f32).sqrt();
            let value = |at: usize| ((at * 7919 % 1009) as f32 / 504.5 - 1.0) * scale;
            let values = (0..input * output).map(value).collect();
            let tensor = Tensor::new(input, output, values)?;
            layers.push(parameters.add(format!("w{at}"), tensor)?);
            input = output;
        }
        let numbers = (0..BATCH * NUMBERS).map(|at| (at % 17) as f32 / 17.0).collect();
        let labels = (0..BATCH).map(|at| if at % 3 == 0 { 1.0 } else { 0.0 }).collect();
        let workspace = Workspace::new(Device::Cpu);
        Ok(Dense { parameters, layers, workspace, numbers, labels })
    }

    fn step(&mut self, pooled: &[f32]) -> Result<Vec<f32>> {
        let mut tape = Tape::training(&self.parameters, &mut self.workspace, 1);
        let rows = tape.leaf(pooled, FEATURES * WIDTH)?;
        let numbers = tape.constant(&self.numbers, NUMBERS)?;
        let mut x = tape.concat(rows, numbers)?;
        let cross = self.layers.len() - HIDDEN.len();
        for (at, layer) in self.layers.iter().enumerate() {
            let weight = tape.parameter(*layer);
            let rectified = at >= cross && at + 1 < self.layers.len();
            let activation = if rectified { Activation::Relu } else { Activation::None };
            x = tape.linear(x, weight, None, activation)?;
        }
        let loss = tape.binary_loss(x, &self.labels)?;
        let gradients = tape.backward(loss)?;
        Ok(gradients.leaf(rows).ok_or("rows have no gradient")?.to_vec())
    }
}

/// Zipf 1.05 over the rows of each feature, popular ones scattered.
struct Ids {
    rows: u64,
    share: Vec<f64>,
}

impl Ids {
    fn new(rows: u64) -> Ids {
        let share = (1..=rows).scan(0.0, |sum, rank| {
            *sum += (rank as f64).powf(-1.05);
            Some(*sum)
        });
        Ids { rows, share: share.collect() }
    }

    fn batch(&self, number: u64) -> Result<KeyedJagged<u64>> {
        let all = self.share[self.share.len() - 1];
        let mut state = number.wrapping_mul(0x2545_f491_4f6c_dd1d) ^ 0x1234_5678;
        let ids = (0..FEATURES * BATCH).map(|at| {
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut x = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            x ^= x >> 31;
            let drawn = (x >> 11) as f64 / (1u64 << 53) as f64 * all;
            let rank = self.share.partition_point(|share| *share <= drawn) as u64;
            // A prime that divides no such number of rows: another place for every rank.
            let feature = (at / BATCH) as u64;
            (rank.min(self.rows - 1) * 2_654_435_761 + feature * 7_919) % self.rows
        });
        let ids = ids.collect();
        let offsets = (0..=FEATURES * BATCH).map(|at| at as i32).collect();
        let names = (0..FEATURES).map(|at| format!("f{at}")).collect();
        Ok(KeyedJagged::new(names, BATCH, Jagged::new(offsets, ids)?)?)
    }
}

fn answer(value: &Value) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{value}")?;
    out.flush()
}

#[allow(clippy::disallowed_methods, reason = "a benchmark is made of real time")]
fn now() -> Instant {
    Instant::now()
}
