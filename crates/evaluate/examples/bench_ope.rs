//! Our side of `bench/compare ope`: a process that does one measured unit a line read.
//!
//! `bench_ope LOG GOLDEN REPLICATES` reads the log that `tastemaker import open-bandit` made of the
//! uniform policy's rows, and both tables of `tests/golden/open_bandit.json`. A `run` is seven
//! values with their intervals; `check` prints them.

use std::collections::BTreeMap;
use std::error::Error;
use std::io::{BufRead, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use data::{Log, Progress, RealFiles};
use evaluate::Interval;
use evaluate::policy::{Logged, Method, PlacePolicy, places, values};
use serde_json::{Value, json};

const SEED: u64 = 1;
const PLACES: u32 = 3;
const METHODS: [(&str, Method); 7] = [
    ("ips", Method::Ips),
    ("snips", Method::Snips),
    ("dm", Method::Dm),
    ("dr", Method::Dr),
    ("sndr", Method::SnDr),
    ("switch-dr-2", Method::SwitchDr(2.0)),
    ("dros-10", Method::DrOs(10.0)),
];

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [log, golden, replicates] = &args[..] else {
        return Err("bench_ope LOG GOLDEN REPLICATES".into());
    };
    let replicates: usize = replicates.parse()?;
    let logged = read(Path::new(log), Path::new(golden))?;
    let methods = METHODS.map(|(_, method)| method);
    let estimate = || values(&logged, &methods, replicates, SEED, &Progress::silent());
    let facts = json!({"rows": logged.len(), "replicates": replicates});
    answer(&json!({"ready": true, "facts": facts}))?;
    for line in std::io::stdin().lock().lines() {
        match line?.trim() {
            "quit" => break,
            "run" => {
                let begin = now();
                estimate()?;
                answer(&json!({"seconds": begin.elapsed().as_secs_f64(), "facts": {}}))?;
            }
            _ => {
                let found = estimate()?;
                let ends = |it: Interval| json!([it.value, it.low, it.high]);
                let named = METHODS.iter().zip(found).map(|((name, _), it)| (*name, ends(it)));
                answer(&json!({"check": named.collect::<BTreeMap<_, _>>()}))?;
            }
        }
    }
    Ok(())
}

/// Rows with the chances of the policy in question, and the reward estimates of the file.
fn read(log: &Path, golden: &Path) -> Result<Logged, Box<dyn Error>> {
    let log = Log::open(Arc::new(RealFiles), log)?;
    let catalogue = log.catalogue()?;
    let golden: Value = serde_json::from_slice(&std::fs::read(golden)?)?;
    let table = |name: &str| serde_json::from_value::<Vec<[f64; 3]>>(golden[name].clone());
    let (mut target, mut estimates) = (PlacePolicy::new(), BTreeMap::new());
    for (item, (chances, rewards)) in
        table("target")?.iter().zip(table("estimates")?).enumerate()
    {
        let index =
            catalogue.items.get(&item.to_string()).ok_or("an item is not in the log")?;
        for place in 0..PLACES {
            target.set(place as u16, index, chances[place as usize]);
            estimates.insert(index * PLACES + place, rewards[place as usize]);
        }
    }
    let mut clicked: BTreeMap<String, Vec<u32>> = BTreeMap::new();
    for event in log.events()? {
        let event = event?;
        if let (Some(request), Some(item)) = (event.request, event.item) {
            clicked.entry(request).or_default().push(item);
        }
    }
    let mut logged = places(&log.slates()?, &clicked, &target)?;
    logged.set_estimates(logged.candidates().iter().map(|label| estimates[label]).collect())?;
    Ok(logged)
}

fn answer(value: &Value) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{value}")?;
    out.flush()
}

#[allow(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
fn now() -> Instant {
    Instant::now()
}
