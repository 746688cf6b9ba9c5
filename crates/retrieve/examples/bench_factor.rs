//! Our side of `bench/compare als` and `bench/compare ease`: a process that does one measured
//! unit a line read.
//!
//! `bench_factor als FACTORS PAIRS` runs one iteration a `run`; `check` prints the loss.
//! `bench_factor ease L2 PAIRS OUT` fits once a `run`; `check` writes the matrix to OUT as
//! little-endian f32, `[items, items]`. PAIRS is text: user index, item index, value a line.

use std::error::Error;
use std::io::{BufRead, Write};
use std::time::Instant;

use data::{Progress, Sequences};
use retrieve::{AlsConfig, AlsTraining, Ease, EaseConfig};
use serde_json::{Value, json};

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["als", factors, pairs] => als(factors.parse()?, &read(pairs)?),
        ["ease", l2, pairs, out] => ease(l2.parse()?, &read(pairs)?, out),
        _ => Err("bench_factor als FACTORS PAIRS | bench_factor ease L2 PAIRS OUT".into()),
    }
}

fn read(path: &str) -> Result<Sequences, Box<dyn Error>> {
    let mut events = Vec::new();
    for line in std::fs::read_to_string(path)?.lines() {
        let fields: Vec<&str> = line.split(',').collect();
        let [user, item, value] = fields[..] else { return Err("three fields a line".into()) };
        events.push((user.parse()?, item.parse()?, 0, value.parse()?));
    }
    let count = |index: fn(&(u32, u32, i64, f32)) -> u32| {
        events.iter().map(index).max().map_or(0, |most| most + 1)
    };
    let (users, items) = (count(|event| event.0), count(|event| event.1));
    Ok(Sequences::from_events(users as usize, items, &events)?)
}

fn als(factors: u32, train: &Sequences) -> Result<(), Box<dyn Error>> {
    let silent = Progress::silent();
    let config = AlsConfig { factors, ..AlsConfig::default() };
    let mut training = AlsTraining::new(train, &config, 1, &silent)?;
    answer(&json!({"ready": true, "facts": {"l2": config.l2, "alpha": config.alpha}}))?;
    serve(|asked| {
        Ok(match asked {
            "run" => {
                let begin = now();
                training.iterate(&silent)?;
                json!({"seconds": begin.elapsed().as_secs_f64(), "facts": {}})
            }
            _ => json!({"check": training.loss()}),
        })
    })
}

fn ease(l2: f64, train: &Sequences, out: &str) -> Result<(), Box<dyn Error>> {
    let silent = Progress::silent();
    let config = EaseConfig { l2, ..EaseConfig::default() };
    let mut model: Option<Ease> = None;
    answer(&json!({"ready": true, "facts": {"items": train.item_count()}}))?;
    serve(|asked| {
        if asked == "run" || model.is_none() {
            drop(model.take());
            let begin = now();
            model = Some(Ease::fit(train, &config, 1, &silent)?);
            let seconds = begin.elapsed().as_secs_f64();
            if asked == "run" {
                return Ok(json!({"seconds": seconds, "facts": {}}));
            }
        }
        let mut file = std::io::BufWriter::new(std::fs::File::create(out)?);
        if let Some(model) = &model {
            for weight in model.weights() {
                file.write_all(&weight.to_le_bytes())?;
            }
        }
        file.flush()?;
        Ok(json!({"check": out}))
    })
}

/// Answers one line with one line until `quit` or the end.
fn serve(
    mut work: impl FnMut(&str) -> Result<Value, Box<dyn Error>>,
) -> Result<(), Box<dyn Error>> {
    for line in std::io::stdin().lock().lines() {
        match line?.trim() {
            "quit" => break,
            asked => answer(&work(asked)?)?,
        }
    }
    Ok(())
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
