//! Our side of `bench/compare topk`: a process that does one measured unit a line read.
//!
//! `bench_scan BATCH K ITEMS QUERIES OUT` searches the first BATCH queries once a `run`;
//! `check` writes the K rows of each query and their scores to OUT: little-endian u32
//! `[BATCH, K]`, then f32 `[BATCH, K]`. ITEMS and QUERIES are little-endian f32 of 64 columns.

use std::error::Error;
use std::io::{BufRead, Write};
use std::time::Instant;

use serde_json::{Value, json};
use tensor::scan::{ItemIndex, Kernel};

/// Columns of both files.
const WIDTH: usize = 64;

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [batch, k, items, queries, out] = &args[..] else {
        return Err("bench_scan BATCH K ITEMS QUERIES OUT".into());
    };
    let (batch, k): (usize, usize) = (batch.parse()?, k.parse()?);
    let items = read(items)?;
    let rows = items.len() / WIDTH;
    let begin = now();
    let index = ItemIndex::new(items, rows, WIDTH)?;
    let built_s = begin.elapsed().as_secs_f64();
    let queries = read(queries)?;
    let queries = queries.get(..batch * WIDTH).ok_or("fewer queries than BATCH")?;
    // The order of ties is no part of the measurement: there are hardly any.
    let tie = |row: u32| u64::from(row);
    let search = || index.search(queries, k, None, &tie);
    answer(&json!({"ready": true, "facts": {
        "rows": rows, "kernel": format!("{:?}", Kernel::best()), "bytes": index.bytes(), "built_s": built_s,
    }}))?;
    for line in std::io::stdin().lock().lines() {
        match line?.trim() {
            "quit" => break,
            "run" => {
                let begin = now();
                let found = search()?;
                let seconds = begin.elapsed().as_secs_f64();
                answer(&json!({"seconds": seconds, "facts": {"queries": found.len()}}))?;
            }
            _ => {
                let found = search()?.concat();
                let rows = found.iter().flat_map(|(row, _)| row.to_le_bytes());
                let scores = found.iter().flat_map(|(_, score)| score.to_le_bytes());
                std::fs::write(out, rows.chain(scores).collect::<Vec<u8>>())?;
                answer(&json!({"check": out}))?;
            }
        }
    }
    Ok(())
}

fn read(path: &str) -> std::io::Result<Vec<f32>> {
    let bytes = std::fs::read(path)?;
    let (values, _) = bytes.as_chunks::<4>();
    Ok(values.iter().map(|value| f32::from_le_bytes(*value)).collect())
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
