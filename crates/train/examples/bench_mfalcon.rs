//! Both sides of `bench/compare mfalcon`: a process that does one measured unit a line read.
//!
//! Units, all of one HSTU (d 64, 4 blocks, 2 heads of 32) and a history of 1,024 events:
//!
//! - `falcon`: encodes the history and scores 1,024 candidates for what comes next.
//! - `alone`: encodes the history with one candidate after it, for 16 of the candidates; the
//!   seconds are given for 1,024.
//! - `next`: one event more comes, and the last hidden state is asked for.
//! - `fresh`: the same state by encoding the whole history.
//!
//! `check` gives the scores of the first 16 candidates by `falcon` and by `alone`, and the largest
//! difference between `next` and `fresh`.

use std::error::Error;
use std::io::{BufRead, Write};
use std::time::Instant;

use models::{Hstu, HstuCache, HstuConfig, MICRO_BATCH, Past};
use serde_json::{Value, json};
use tensor::{Device, EventRows, Offsets, Tape, Tensor, Workspace};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const EVENTS: usize = 1024;
const CANDIDATES: usize = 1024;
/// Candidates that are scored alone in a unit.
const ALONE: usize = 16;
const DIM: usize = 64;
/// Events that may still come while `next` is measured.
const ROOM: usize = 1024;

struct Bench {
    model: Hstu,
    items: Tensor,
    read: Vec<u32>,
    times_ms: Vec<i64>,
    candidates: Vec<u32>,
    workspace: Workspace,
    /// Of `next`: grows by an event a unit.
    cache: HstuCache,
    count: usize,
}

impl Bench {
    fn new() -> Result<Bench> {
        let config = HstuConfig {
            dim: DIM as u32,
            blocks: 4,
            heads: 2,
            query_width: 32,
            value_width: 32,
            length_max: (EVENTS + ROOM) as u32,
            score_length: (EVENTS + ROOM) as u32,
            ..HstuConfig::default()
        };
        let model = Hstu::init(&config, 1)?;
        let items = Hstu::init_items(&config, 50_000, 1);
        let spread = |at: usize| (at as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40;
        let read = (0..EVENTS + ROOM).map(|at| (spread(at) % 50_000) as u32).collect();
        let times_ms = (0..EVENTS + ROOM).map(|at| (at * at) as i64 * 60_000).collect();
        let candidates =
            (0..CANDIDATES).map(|at| (spread(at + 77_777) % 50_000) as u32).collect();
        let mut bench = Bench {
            model,
            items,
            read,
            times_ms,
            candidates,
            workspace: Workspace::new(Device::Cpu),
            cache: HstuCache::default(),
            count: EVENTS,
        };
        bench.next_state()?;
        Ok(bench)
    }

    /// The first `count` events, asked a second after the last.
    fn past(&self, count: usize) -> Past<'_> {
        let times_ms = &self.times_ms[..count];
        Past { items: &self.read[..count], times_ms, now_ms: times_ms[count - 1] + 1000 }
    }

    /// Scores of all candidates.
    fn falcon(&mut self) -> Result<Vec<f32>> {
        let mut cache = HstuCache::default();
        let Bench { model, items, workspace, candidates, .. } = self;
        let times_ms = &self.times_ms[..EVENTS];
        let now_ms = times_ms[EVENTS - 1] + 1000;
        let past = Past { items: &self.read[..EVENTS], times_ms, now_ms };
        model.ask(workspace, items.values(), &mut cache, &past)?;
        let states =
            model.candidates(workspace, items.values(), &cache, candidates, MICRO_BATCH)?;
        Ok(states.chunks_exact(DIM).map(|state| state.iter().sum()).collect())
    }

    /// Scores of the first candidates, each with the history encoded for it.
    fn alone(&mut self) -> Result<Vec<f32>> {
        let past = self.past(EVENTS);
        let now = models::seconds(past.now_ms);
        let mut happened_at: Vec<i64> =
            past.times_ms.iter().map(|ms| models::seconds(*ms)).collect();
        happened_at.push(now);
        let mut asked_at = happened_at[1..].to_vec();
        asked_at.push(now);
        let offsets = Offsets::from_lengths(&[EVENTS + 1])?;
        let positions: Vec<u32> = (0..=EVENTS as u32).collect();
        let mut scores = Vec::new();
        for candidate in &self.candidates[..ALONE] {
            let index: Vec<u32> =
                self.read[..EVENTS].iter().copied().chain([*candidate]).collect();
            let mut tape = Tape::inference(&self.model.parameters, &mut self.workspace);
            let table = tape.leaf(self.items.values(), DIM)?;
            let rows = EventRows {
                candidates: &[1],
                ..EventRows::histories(&offsets, &happened_at, &asked_at)
            };
            let hidden =
                self.model.forward_events(&mut tape, table, &index, &positions, rows)?;
            scores.push(tape.value(hidden)[EVENTS * DIM..].iter().sum());
        }
        Ok(scores)
    }

    /// One event more; the state after it.
    fn next_state(&mut self) -> Result<Vec<f32>> {
        let Bench { model, items, workspace, cache, count, .. } = self;
        let times_ms = &self.times_ms[..*count];
        let now_ms = times_ms[*count - 1] + 1000;
        let past = Past { items: &self.read[..*count], times_ms, now_ms };
        let state = model.ask(workspace, items.values(), cache, &past)?;
        *count += 1;
        Ok(state)
    }

    fn fresh(&mut self) -> Result<Vec<f32>> {
        let Bench { model, items, workspace, count, .. } = self;
        let times_ms = &self.times_ms[..*count - 1];
        let now_ms = times_ms[*count - 2] + 1000;
        let past = Past { items: &self.read[..*count - 1], times_ms, now_ms };
        Ok(model.ask(workspace, items.values(), &mut HstuCache::default(), &past)?)
    }

    fn unit(&mut self, which: &str) -> Result<f64> {
        let begin = now();
        let times = match which {
            "falcon" => self.falcon().map(|_| 1.0)?,
            "alone" => self.alone().map(|_| CANDIDATES as f64 / ALONE as f64)?,
            "next" => {
                if self.count > EVENTS + ROOM {
                    return Err("no room for one event more".into());
                }
                self.next_state().map(|_| 1.0)?
            }
            _ => self.fresh().map(|_| 1.0)?,
        };
        Ok(begin.elapsed().as_secs_f64() * times)
    }

    fn check(&mut self) -> Result<Value> {
        let falcon = self.falcon()?[..ALONE].to_vec();
        let alone = self.alone()?;
        let (next, fresh) = (self.next_state()?, self.fresh()?);
        let apart = next.iter().zip(&fresh).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        Ok(json!({"falcon": falcon, "alone": alone, "next_apart": apart}))
    }
}

fn main() -> Result<()> {
    let which = std::env::args().nth(1).unwrap_or_default();
    if !["falcon", "alone", "next", "fresh"].contains(&which.as_str()) {
        return Err("bench_mfalcon falcon|alone|next|fresh".into());
    }
    let mut bench = Bench::new()?;
    answer(&json!({"ready": true, "facts": {}}))?;
    for line in std::io::stdin().lock().lines() {
        match line?.trim() {
            "quit" => break,
            "run" => {
                let seconds = bench.unit(&which)?;
                answer(&json!({"seconds": seconds, "facts": {}}))?;
            }
            _ => answer(&json!({"check": bench.check()?}))?,
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
