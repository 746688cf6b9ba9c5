//! How much of freshness a server keeps when a part of what was learned reaches it, now and then.
//!
//! A world drifts: items come and grow old, tastes move. A model is trained on its first days and goes on
//! learning from every minute after them. Servers differ in what they get of it: nothing, all that
//! changed every hour or every minute, or the rows that changed the most within a budget of bytes. Each
//! is asked for the next click before it happens, of the catalogue that it knows.

mod drift;
mod replica;

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use models::{Positions, SasRecConfig, SequenceModelConfig};
use serde::{Deserialize, Serialize};
use tables::Table;
use tensor::{Device, Workspace};
use train::optim::AdamConfig;
use train::sample::{Layout, Negatives};
use train::{Continued, LogQ, Loss, Optimizer, Run, Schedule, SequenceConfig};

use self::drift::Drift;
use self::replica::{Asked, Replica};
use crate::terminal::{note, unseen, with_progress};

/// A world, a model, and how closely it is looked at.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct FreshnessSettings {
    /// People.
    pub(crate) users: u32,
    /// Items at the beginning.
    pub(crate) items: u32,
    pub(crate) arrivals_a_day: f64,
    pub(crate) half_life_days: f32,
    /// Items alive at once, at most.
    pub(crate) alive_max: u32,
    /// Share of a person's taste that is another after a day.
    pub(crate) drift_a_day: f32,
    /// Who makes the slates that are clicked on.
    pub(crate) policy: String,
    /// From how many items a slate is made.
    pub(crate) candidates: usize,
    /// Days that the model is trained on.
    pub(crate) days_before: f64,
    /// Days in which it serves.
    pub(crate) days: f64,
    /// Seconds between two rounds of learning.
    pub(crate) learn_s: u32,
    /// One click in so many is asked for.
    pub(crate) judged_every: usize,
    pub(crate) dim: u32,
    pub(crate) length_max: u32,
    pub(crate) epochs: u32,
    pub(crate) rate: f64,
}

impl Default for FreshnessSettings {
    fn default() -> Self {
        FreshnessSettings {
            users: 2000,
            items: 1500,
            arrivals_a_day: 600.0,
            half_life_days: 1.0,
            alive_max: 3000,
            drift_a_day: 0.05,
            policy: "epsilon:0.2:oracle".into(),
            candidates: 200,
            days_before: 4.0,
            days: 2.0,
            learn_s: 60,
            judged_every: 10,
            dim: 32,
            length_max: 50,
            epochs: 12,
            rate: 1e-3,
        }
    }
}

/// What a server gets.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Ship {
    /// Nothing.
    Never,
    /// So often, of the bytes of what changed so much.
    Every { seconds: i64, share: f64 },
}

/// Servers, by name. The shares of the hourly ones make the curve of size against freshness.
const SERVERS: [(&str, Ship); 9] = [
    ("frozen", Ship::Never),
    ("6-hourly", Ship::Every { seconds: 21_600, share: 1.0 }),
    ("hourly", Ship::Every { seconds: 3600, share: 1.0 }),
    ("hourly-30", Ship::Every { seconds: 3600, share: 0.3 }),
    ("hourly-10", Ship::Every { seconds: 3600, share: 0.1 }),
    ("hourly-3", Ship::Every { seconds: 3600, share: 0.03 }),
    ("10-minutely", Ship::Every { seconds: 600, share: 1.0 }),
    ("minutely", Ship::Every { seconds: 60, share: 1.0 }),
    ("minutely-10", Ship::Every { seconds: 60, share: 0.1 }),
];

struct Server {
    name: &'static str,
    ship: Ship,
    replica: Replica,
    next_ms: i64,
    /// Ids touched since the last delta.
    touched: BTreeSet<u64>,
    deltas: u64,
    rows: u64,
}

/// What came of it, by server and name: `minutely ndcg@10`.
pub(crate) fn run(settings: &FreshnessSettings, seed: u64) -> Result<BTreeMap<String, f64>> {
    let drift = Drift::new(settings, seed)?;
    let config = training(settings);
    let before = drift.until(drift.begin_ms)?;
    note(&format!(
        "  {} clicks before, {} while it serves, {} items",
        before.events(),
        drift.whole.events() - before.events(),
        drift.whole.item_count()
    ));
    let trained = unseen(|progress| {
        train::fit(Run {
            config: &config,
            train: &before,
            held: None,
            seed,
            checkpoints: None,
            resume: false,
            table: None,
            clock: &data::SystemClock,
            progress,
            tell: &mut |report| {
                if let Some(line) = report.line() {
                    note(&format!("  {line}"));
                }
            },
        })
    })?;
    let mut model = Continued::new(&config, trained.model, &trained.items, &before, seed)?;
    let mut servers: Vec<Server> = SERVERS
        .into_iter()
        .map(|(name, ship)| Server::new(name, ship, &mut model, drift.begin_ms))
        .collect();
    let step_ms = i64::from(settings.learn_s) * 1000;
    with_progress("serve", |progress| -> Result<()> {
        let mut workspace = Workspace::new(Device::Cpu);
        let mut counted = 0usize;
        let mut now_ms = drift.begin_ms;
        while now_ms < drift.end_ms {
            let next_ms = (now_ms + step_ms).min(drift.end_ms);
            let coming = drift.between(now_ms, next_ms);
            let asked: Vec<Asked<'_>> = coming
                .iter()
                .filter(|_| {
                    counted += 1;
                    counted.is_multiple_of(settings.judged_every)
                })
                .filter(|it| it.place > 0)
                .map(|it| {
                    let own = drift.whole.user(it.user);
                    Asked {
                        items: &own.items[..it.place],
                        times_ms: &own.times_ms[..it.place],
                        now_ms: own.times_ms[it.place],
                        taken: own.items[it.place],
                    }
                })
                .collect();
            if !asked.is_empty() {
                for server in &mut servers {
                    server.replica.judge(&asked, &mut workspace)?;
                }
            }
            let learned = model.learn(&drift.until(next_ms)?, progress)?;
            for server in &mut servers {
                server.hear(&learned.items);
                server.ship(&mut model, next_ms)?;
            }
            now_ms = next_ms;
            let (done, all) = (now_ms - drift.begin_ms, drift.end_ms - drift.begin_ms);
            progress.step("minutes", done as u64 / 60_000, Some(all as u64 / 60_000))?;
        }
        Ok(())
    })?;
    Ok(numbers(&servers, settings.dim))
}

impl Server {
    fn new(name: &'static str, ship: Ship, model: &mut Continued, begin_ms: i64) -> Server {
        let replica = Replica::new(model.model().clone(), model.matrix().values());
        let next_ms = match ship {
            Ship::Never => i64::MAX,
            Ship::Every { seconds, share } => {
                model.consumer(name, share < 1.0);
                begin_ms + seconds * 1000
            }
        };
        let touched = BTreeSet::new();
        Server { name, ship, replica, next_ms, touched, deltas: 0, rows: 0 }
    }

    fn hear(&mut self, touched: &[u64]) {
        if self.ship != Ship::Never {
            self.touched.extend(touched);
        }
    }

    /// Takes a delta over where it is time for one.
    fn ship(&mut self, model: &mut Continued, now_ms: i64) -> Result<()> {
        let Ship::Every { seconds, share } = self.ship else { return Ok(()) };
        if now_ms < self.next_ms {
            return Ok(());
        }
        self.next_ms += seconds * 1000;
        let width = model.items().config().width;
        // A share of what all of it would take now.
        let whole = self.touched.len() * row_bytes(width);
        let bytes_max = (share < 1.0).then_some((whole as f64 * share) as usize);
        let taken = model.changed(self.name, bytes_max)?;
        let ids = &taken.tables[0].ids;
        self.touched.clear();
        self.replica.take(model.model(), ids, &rows(model.items(), ids));
        self.deltas += 1;
        self.rows += ids.len() as u64;
        model.shipped(self.name, &taken);
        Ok(())
    }
}

/// Bytes of a row with its id, as the budget counts them.
fn row_bytes(width: usize) -> usize {
    width * 4 + 10
}

fn rows(table: &Table, ids: &[u64]) -> Vec<f32> {
    let width = table.config().width;
    let mut rows = vec![0.0; ids.len() * width];
    for (id, row) in ids.iter().zip(rows.chunks_exact_mut(width)) {
        table.row(*id, row);
    }
    rows
}

/// The share of the gain is that of the way from frozen to minutely; bytes are of rows, the network
/// aside, beside those of minutely.
fn numbers(servers: &[Server], dim: u32) -> BTreeMap<String, f64> {
    let ndcg =
        |server: &Server| server.replica.tally.ndcg / server.replica.tally.judged.max(1) as f64;
    let named = |name: &str| servers.iter().find(|server| server.name == name);
    let worst = named("frozen").map_or(0.0, ndcg);
    let best = named("minutely").map_or(0.0, ndcg);
    let all_rows = named("minutely").map_or(1, |server| server.rows.max(1));
    let mut numbers = BTreeMap::new();
    for server in servers {
        let tally = server.replica.tally;
        let mut put = |what: &str, value: f64| {
            numbers.insert(format!("{} {what}", server.name), value);
        };
        put("ndcg@10", ndcg(server));
        put("hr@10", tally.hits / tally.judged.max(1) as f64);
        put("gain", (ndcg(server) - worst) / (best - worst));
        put("rows", server.rows as f64);
        put("deltas", server.deltas as f64);
        put("mib", server.rows as f64 * row_bytes(dim as usize) as f64 / f64::from(1 << 20));
        put("bytes", server.rows as f64 / all_rows as f64);
    }
    numbers.insert(
        "judged".into(),
        servers.first().map_or(0, |it| it.replica.tally.judged) as f64,
    );
    numbers
}

fn training(settings: &FreshnessSettings) -> SequenceConfig {
    SequenceConfig {
        model: SequenceModelConfig::SasRec(SasRecConfig {
            dim: settings.dim,
            hidden: settings.dim * 2,
            length_max: settings.length_max,
            positions: Positions::FromEnd,
            ..SasRecConfig::default()
        }),
        loss: Loss::SampledSoftmax { log_q: LogQ::None, temperature: 1.0 },
        negatives: Negatives::Uniform { count: 128, layout: Layout::Shared, unseen: false },
        optimizer: Optimizer::Adam(AdamConfig { beta_2: 0.98, ..AdamConfig::default() }),
        schedule: Schedule { peak: settings.rate, ..Schedule::default() },
        item_updates: train::ItemUpdates::Keyed,
        item_dropout: 0.0,
        batch_tokens: 8000,
        epochs: settings.epochs,
        ..SequenceConfig::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn in_a_world_that_drifts_the_fresh_model_knows_more() {
        let settings = FreshnessSettings {
            users: 300,
            items: 200,
            arrivals_a_day: 200.0,
            half_life_days: 0.5,
            alive_max: 400,
            days_before: 1.5,
            days: 0.75,
            learn_s: 600,
            judged_every: 4,
            dim: 16,
            length_max: 20,
            epochs: 6,
            rate: 3e-3,
            ..FreshnessSettings::default()
        };
        let found = run(&settings, 3).unwrap();
        let of = |name: &str| found[name];
        assert!(of("judged") > 100.0, "{found:?}");
        assert!(of("10-minutely ndcg@10") > of("frozen ndcg@10"), "{found:?}");
        assert!(of("frozen bytes").abs() < 1e-12);
        assert!(of("hourly-10 bytes") < of("hourly bytes"), "{found:?}");
        assert!(of("hourly bytes") < of("10-minutely bytes"), "{found:?}");
        assert_eq!(run(&settings, 3).unwrap(), found, "a seed decides everything");
    }
}
