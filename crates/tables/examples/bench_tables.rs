//! Our side of `bench/compare lookup`, `update` and `growth`: a process that does one measured unit a
//! line read.
//!
//! `bench_tables lookup KIND ROWS IDS OUT` pools 26 features of 4,096 bags of 20 ids (IDS: little-endian u64
//! `[26, 4096, 20]`) from 26 tables of ROWS rows of 64 numbers; KIND is `dense-f32`, `dense-bf16` or
//! `keyed-f32`. `check` writes what the last run made, little-endian f32 `[4096, 26 × 64]`.
//!
//! `bench_tables update OPTIMISER ROWS IDS OUT` pools, and takes the gradient of `Σ ½·out²` back;
//! OPTIMISER is `row-wise` or `adagrad`. `check` writes what is pooled after all runs so far.
//!
//! `bench_tables growth KEYS WIDTH ABOUT`: a `run` admits KEYS new keys to an empty table, which has been told
//! of ABOUT.
//!
//! Column c of row r is `((31·r + 17·c) mod 256 − 128)/1024`, which is the same in every format.

use std::error::Error;
use std::io::{BufRead, Write};
use std::time::Instant;

use data::{Jagged, KeyedJagged};
use rayon::prelude::*;
use serde_json::{Value, json};
use tables::{Bags, Dtype, Init, Optimiser, Pooling, Table, TableConfig};

const FEATURES: usize = 26;
const BATCH: usize = 4096;
const IDS: usize = 20;
const WIDTH: usize = 64;
/// Numbers of a cache line.
const LINE: usize = 16;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args[..] {
        ["lookup", kind, rows, ids, out] => lookup(kind, rows.parse()?, ids, out),
        ["update", optimiser, rows, ids, out] => update(optimiser, rows.parse()?, ids, out),
        ["growth", keys, width, about] => growth(keys.parse()?, width.parse()?, about.parse()?),
        _ => {
            Err("bench_tables lookup|update KIND ROWS IDS OUT, or growth KEYS WIDTH ABOUT"
                .into())
        }
    }
}

fn lookup(kind: &str, rows: usize, ids: &str, out: &str) -> Result<()> {
    let (dtype, keyed) = match kind {
        "dense-f32" => (Dtype::F32, false),
        "dense-bf16" => (Dtype::Bf16, false),
        "keyed-f32" => (Dtype::F32, true),
        _ => return Err(format!("kind {kind}").into()),
    };
    let tables = tables(rows, dtype, Optimiser::Sgd { rate: 0.0 }, keyed)?;
    let features = features(ids)?;
    // From the beginning of a cache line on, where torch's tensors begin too.
    let mut pooled = vec![0.0; BATCH * FEATURES * WIDTH + LINE];
    let from = pooled.as_ptr().align_offset(LINE * size_of::<f32>()).min(LINE);
    let mut pooled = &mut pooled[from..][..BATCH * FEATURES * WIDTH];
    let bytes: usize = tables.iter().map(Table::bytes).sum();
    answer(&json!({"ready": true, "facts": {"rows": rows * FEATURES, "bytes": bytes,
        "load": tables[0].load()}}))?;
    serve(
        &mut pooled,
        |pooled| {
            let bags: Vec<_> =
                tables.iter().enumerate().map(|(at, t)| (t, Bags::of(&features, at))).collect();
            Ok(Table::pooled(&bags, Pooling::Sum, pooled)?)
        },
        |pooled| write(out, pooled),
    )
}

fn update(optimiser: &str, rows: usize, ids: &str, out: &str) -> Result<()> {
    let (rate, epsilon) = (0.01, 1e-8);
    let optimiser = match optimiser {
        "row-wise" => Optimiser::RowWiseAdagrad { rate, epsilon },
        "adagrad" => Optimiser::Adagrad { rate, epsilon },
        _ => return Err(format!("optimiser {optimiser}").into()),
    };
    let tables = tables(rows, Dtype::F32, optimiser, false)?;
    let features = features(ids)?;
    answer(&json!({"ready": true, "facts": {"rows": rows * FEATURES}}))?;
    let mut state = (tables, vec![0.0f32; BATCH * FEATURES * WIDTH]);
    let pool = |tables: &[Table], pooled: &mut [f32]| -> Result<()> {
        let bags: Vec<_> =
            tables.iter().enumerate().map(|(at, t)| (t, Bags::of(&features, at))).collect();
        Ok(Table::pooled(&bags, Pooling::Sum, pooled)?)
    };
    serve(
        &mut state,
        |(tables, pooled)| {
            pool(tables, pooled)?;
            // The gradient of half the square is what was pooled.
            let gradient: &[f32] = pooled;
            tables.par_iter_mut().enumerate().try_for_each(|(at, table)| {
                let bags = Bags::of(&features, at);
                table.update(&bags, Pooling::Sum, gradient, FEATURES * WIDTH, at * WIDTH)
            })?;
            Ok(())
        },
        |(tables, pooled)| {
            pool(tables, pooled)?;
            write(out, pooled)
        },
    )
}

fn growth(keys: u64, width: usize, about: usize) -> Result<()> {
    answer(&json!({"ready": true, "facts": {"keys": keys}}))?;
    let ids: Vec<u64> =
        (0..keys).map(|key| key.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x5bd1).collect();
    let mut load = 0.0;
    serve(
        &mut load,
        |load| {
            let mut table =
                Table::keyed(config(width, Dtype::F32, Optimiser::Sgd { rate: 0.0 }), about)?;
            for some in ids.chunks(100_000) {
                table.admit(some)?;
            }
            *load = table.load();
            Ok(())
        },
        |load| Ok(json!({"load": *load})),
    )
}

/// Answers lines until there are none; only the run itself is timed.
fn serve<S>(
    state: &mut S,
    run: impl Fn(&mut S) -> Result<()>,
    check: impl Fn(&mut S) -> Result<Value>,
) -> Result<()> {
    for line in std::io::stdin().lock().lines() {
        match line?.trim() {
            "quit" => break,
            "run" => {
                let begin = now();
                run(state)?;
                let seconds = begin.elapsed().as_secs_f64();
                answer(&json!({"seconds": seconds, "facts": {}}))?;
            }
            _ => {
                let check = check(state)?;
                answer(&json!({ "check": check }))?;
            }
        }
    }
    Ok(())
}

fn config(width: usize, dtype: Dtype, optimiser: Optimiser) -> TableConfig {
    let init = Init::Uniform { bound: 0.1, seed: 1 };
    TableConfig { name: "bench".into(), width, dtype, init, optimiser }
}

/// Another key for every id.
fn key(id: u64) -> u64 {
    id.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(17)
}

fn tables(rows: usize, dtype: Dtype, optimiser: Optimiser, keyed: bool) -> Result<Vec<Table>> {
    let make = |_| -> std::result::Result<Table, tables::Error> {
        let config = TableConfig { init: Init::Zero, ..config(WIDTH, dtype, optimiser) };
        let mut table = match keyed {
            true => Table::keyed(config, rows)?,
            false => Table::dense(config, rows)?,
        };
        let mut values = [0.0f32; WIDTH];
        for row in 0..rows {
            for (column, value) in values.iter_mut().enumerate() {
                *value = ((31 * row + 17 * column) % 256) as f32 / 1024.0 - 0.125;
            }
            let id = if keyed { key(row as u64) } else { row as u64 };
            if keyed {
                table.admit(&[id])?;
            }
            table.set(id, &values)?;
        }
        Ok(table)
    };
    Ok((0..FEATURES).into_par_iter().map(make).collect::<std::result::Result<Vec<_>, _>>()?)
}

fn features(path: &str) -> Result<KeyedJagged<u64>> {
    let bytes = std::fs::read(path)?;
    let (values, _) = bytes.as_chunks::<8>();
    let values: Vec<u64> = values.iter().map(|value| u64::from_le_bytes(*value)).collect();
    if values.len() != FEATURES * BATCH * IDS {
        return Err(format!("{} ids in {path}", values.len()).into());
    }
    let offsets = (0..=FEATURES * BATCH).map(|bag| (bag * IDS) as i32).collect();
    let names = (0..FEATURES).map(|at| format!("f{at}")).collect();
    Ok(KeyedJagged::new(names, BATCH, Jagged::new(offsets, values)?)?)
}

fn write(path: &str, values: &[f32]) -> Result<Value> {
    let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    std::fs::write(path, bytes)?;
    Ok(path.into())
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
