//! Our side of `bench/compare delta`: a process that does one measured unit a line read.
//!
//! `bench_delta ROWS applying|alone FOLDER` publishes a table of ROWS rows of 64 numbers in f32 and a delta with 1 % of
//! them into FOLDER, and serves it. A `run` makes 20,000 requests of 256 rows (ids anywhere); its seconds are
//! the p99 of a request. With `applying` another thread applies the delta's rows again and again
//! meanwhile, as ever new deltas. `check` says the bytes of snapshot and delta.

use std::error::Error;
use std::io::{BufRead, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use data::{Files, RealFiles};
use serde_json::{Value, json};
use tables::ship::{Contents, DELTA_FIXED_BYTES, Delta, Follower, Publisher, Served, Tracker};
use tables::{Dtype, Init, Optimiser, Table, TableConfig};

const WIDTH: usize = 64;
const REQUESTS: usize = 20_000;
const IDS: usize = 256;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args[..] {
        [rows, how @ ("applying" | "alone"), folder] => {
            bench(rows.parse()?, how == "applying", Path::new(folder))
        }
        _ => Err("bench_delta ROWS applying|alone FOLDER".into()),
    }
}

/// Keys in no order.
fn key(number: u64) -> u64 {
    number.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x5bd1
}

fn bench(rows: u64, applying: bool, folder: &Path) -> Result<()> {
    let files: Arc<dyn Files> = Arc::new(RealFiles);
    let init = Init::Uniform { bound: 0.1, seed: 1 };
    let optimiser = Optimiser::Sgd { rate: 0.0 };
    let (name, dtype) = ("items".into(), Dtype::F32);
    let config = TableConfig { name, width: WIDTH, dtype, init, optimiser };
    let mut table = Table::keyed(config, rows as usize)?;
    let keys: Vec<u64> = (0..rows).map(key).collect();
    table.admit(&keys)?;
    let mut tracker = Tracker::new(1, rows as usize);
    tracker.begin("bench");
    let tables = [&table];
    let contents =
        Contents { model: "bench", parent: None, tables: &tables, dense: &[], state: false };
    let mut publisher = Publisher::begin(files.clone(), folder, contents)?;
    let touched: Vec<u64> = (0..rows / 100).map(|at| key(at * 100)).collect();
    tracker.touch(0, &table, &touched)?;
    let taken = tracker.take("bench", &tables)?;
    let published = publisher.delta(&tables, &taken, None)?;
    drop(table);
    let follower = Follower::open(files, folder)?;
    let begin = now();
    let delta = follower.look(0)?.remove(0);
    let decode = delta.rows() as f64 / begin.elapsed().as_secs_f64();
    let served = Served::of(follower.snapshot())?;
    served.apply(&delta)?;
    answer(&json!({"ready": true, "facts": {"rows": rows, "read_rows_per_s": decode,
        "bytes": served.tables()[0].bytes()}}))?;
    for line in std::io::stdin().lock().lines() {
        match line?.trim() {
            "quit" => break,
            "run" => {
                let ([p50, p99], rate) = run(&served, &delta, applying, rows)?;
                answer(
                    &json!({"seconds": p99, "facts": {"apply_rows_per_s": rate, "p50": p50}}),
                )?;
            }
            _ => answer(&json!({"check": {"snapshot": follower.snapshot().bytes(),
                "delta": published.bytes, "fixed": DELTA_FIXED_BYTES}}))?,
        }
    }
    Ok(())
}

/// The median and p99 of requests, and rows applied in a second meanwhile.
fn run(served: &Served, delta: &Delta, applying: bool, rows: u64) -> Result<([f64; 2], f64)> {
    let table = &served.tables()[0];
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| -> std::result::Result<f64, tables::ship::Error> {
            let mut applied = 0;
            let begin = now();
            let mut next = delta.clone();
            next.sequence = served.sequence();
            while applying && !done.load(Ordering::Relaxed) {
                next.sequence += 1;
                // All deltas say that they follow the one with this checksum, which each has.
                next.previous.clone_from(&delta.checksum);
                served.apply(&next)?;
                applied += next.rows();
            }
            Ok(applied as f64 / begin.elapsed().as_secs_f64())
        });
        let mut out = vec![0.0; IDS * WIDTH];
        let mut state = 1u64;
        let mut times = Vec::with_capacity(REQUESTS);
        let mut ids = vec![0; IDS];
        for _ in 0..REQUESTS {
            for id in &mut ids {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                *id = key((state >> 33) % rows);
            }
            let begin = now();
            let found = table.rows(&ids, &mut out);
            times.push(begin.elapsed().as_secs_f64());
            assert_eq!(found, IDS, "every id has a row");
        }
        done.store(true, Ordering::Relaxed);
        let rate = writer.join().map_err(|_| "the writer panicked")??;
        times.sort_by(f64::total_cmp);
        Ok(([times[REQUESTS / 2], times[REQUESTS * 99 / 100]], rate))
    })
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
