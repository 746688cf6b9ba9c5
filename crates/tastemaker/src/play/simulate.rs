//! A log out of a world: slates, events, items and people, and the truth beside them.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result};
use data::{Files, NewEvent, RealFiles, Slate, Writer};
use serde::{Deserialize, Serialize};
use world::{World, WorldConfig, record};

use super::arm::{Arm, Round};
use super::chosen::Chooser;
use super::known::Known;
use super::policy::PolicyName;
use super::truth_file::TruthFile;
use crate::hint;
use crate::scale::peak_mib;
use crate::terminal::{Stopwatch, with_progress};

/// What the folder of a log says of the world that wrote it.
pub(crate) const WORLD_FILE: &str = "world.json";
/// Settings under which models learn from clicks alone, and not from what was skipped.
pub(crate) const SETTINGS_FILE: &str = "settings.toml";
const SETTINGS: &str = "# What a world's people like is what they click: skips and visits that end are events as well.\n\
    [feedback]\npositive = [{ kind = \"click\" }]\n";
/// Impressions between two writes of the log.
const CHUNK: u64 = 250_000;

/// A log to be made.
#[derive(Debug, Clone)]
pub(crate) struct Simulation {
    pub(crate) preset: String,
    pub(crate) config: WorldConfig,
    pub(crate) seed: u64,
    pub(crate) policy: PolicyName,
    pub(crate) candidates: usize,
    /// At least so many, to the end of a round.
    pub(crate) impressions: u64,
    /// Where the log goes; nowhere: only counted.
    pub(crate) into: Option<PathBuf>,
    /// Whether the truth goes there as well.
    pub(crate) truth: bool,
}

/// What a log's world was, so that it can go on from there.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct WorldFile {
    pub(crate) format: u32,
    pub(crate) preset: String,
    pub(crate) config: WorldConfig,
    pub(crate) seed: u64,
    pub(crate) policy: String,
    pub(crate) candidates: usize,
    pub(crate) impressions: u64,
    /// Of everything that happened.
    pub(crate) checksum: String,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Simulated {
    pub(crate) preset: String,
    pub(crate) seed: u64,
    pub(crate) policy: String,
    pub(crate) impressions: u64,
    pub(crate) requests: u64,
    pub(crate) events: u64,
    pub(crate) clicks: u64,
    pub(crate) days: f64,
    pub(crate) items: u32,
    /// Impressions a second of the world alone: requests out, slates in, events out.
    pub(crate) world_impressions_per_s: f64,
    /// With the policy, the checksum and the truth, without the log.
    pub(crate) impressions_per_s: f64,
    /// With everything, the log written.
    pub(crate) total_impressions_per_s: f64,
    /// Most memory that the process had, at a tenth of the way and at its end.
    pub(crate) memory_tenth_mib: f64,
    pub(crate) memory_mib: f64,
    /// BLAKE3 of every request, slate and event: the same for a seed on any number of threads.
    pub(crate) checksum: String,
}

/// Makes it.
pub(crate) fn simulate(simulation: &Simulation) -> Result<Simulated> {
    if let Some(dir) = &simulation.into
        && dir.join(WORLD_FILE).exists()
    {
        return Err(hint::error(
            format!("{}: a world wrote a log here already", dir.display()),
            "name a new folder with --into, or remove this one",
        ));
    }
    with_progress("simulate", |progress| {
        let world = World::new(simulation.config.clone(), simulation.seed)?;
        let mut log = match &simulation.into {
            Some(dir) => Some(LogOfWorld::begin(dir, &world, simulation.truth)?),
            None => None,
        };
        let known = Known::new(simulation.config.users);
        let mut arm = Arm { world, chooser: simulation.chooser(), known };
        let mut sum = Sum::default();
        let begun = Stopwatch::start();
        let mut writing_s = 0.0;
        let mut memory_tenth_mib = 0.0;
        while sum.impressions < simulation.impressions {
            let first = sum.requests;
            let round = arm.round()?;
            sum.add(first, &round);
            if let Some(log) = &mut log {
                let watch = Stopwatch::start();
                log.take(first, &arm, &round)?;
                writing_s += watch.seconds();
            }
            if memory_tenth_mib == 0.0 && sum.impressions * 10 >= simulation.impressions {
                memory_tenth_mib = peak_mib();
            }
            progress.step("impressions", sum.impressions, Some(simulation.impressions))?;
        }
        let seconds = begun.seconds() - writing_s;
        let checksum = sum.hasher.finalize().to_hex().to_string();
        if let Some(log) = log {
            let watch = Stopwatch::start();
            log.finish(&arm, &simulation.file(sum.impressions, &checksum))?;
            writing_s += watch.seconds();
        }
        let rate = |seconds: f64| sum.impressions as f64 / seconds.max(1e-9);
        Ok(Simulated {
            preset: simulation.preset.clone(),
            seed: simulation.seed,
            policy: simulation.policy.to_string(),
            impressions: sum.impressions,
            requests: sum.requests,
            events: sum.events,
            clicks: sum.clicks,
            days: (arm.world.now_ms() - simulation.config.start_ms) as f64 / 86_400_000.0,
            items: arm.world.catalogue().end(),
            world_impressions_per_s: rate(sum.world_ns as f64 / 1e9),
            impressions_per_s: rate(seconds),
            total_impressions_per_s: rate(seconds + writing_s),
            memory_tenth_mib,
            memory_mib: peak_mib(),
            checksum,
        })
    })
}

impl Simulation {
    fn chooser(&self) -> Chooser {
        let plain = Chooser::of_no_model(self.policy.clone(), self.candidates, self.seed);
        Chooser { wants_best: self.truth, ..plain }
    }

    fn file(&self, impressions: u64, checksum: &str) -> WorldFile {
        WorldFile {
            format: 1,
            preset: self.preset.clone(),
            config: self.config.clone(),
            seed: self.seed,
            policy: self.policy.to_string(),
            candidates: self.candidates,
            impressions,
            checksum: checksum.to_owned(),
        }
    }
}

/// What is summed over a run.
#[derive(Default)]
struct Sum {
    impressions: u64,
    requests: u64,
    events: u64,
    clicks: u64,
    world_ns: u64,
    hasher: blake3::Hasher,
    bytes: Vec<u8>,
}

impl Sum {
    fn add(&mut self, first: u64, round: &Round) {
        let bytes = &mut self.bytes;
        bytes.clear();
        for (at, (request, chosen)) in round.requests.iter().zip(&round.chosen).enumerate() {
            bytes.extend_from_slice(&(first + at as u64).to_le_bytes());
            bytes.extend_from_slice(&request.user.unwrap_or(u32::MAX).to_le_bytes());
            bytes.extend_from_slice(&request.time_ms.to_le_bytes());
            bytes.extend_from_slice(request.query.as_deref().unwrap_or("").as_bytes());
            bytes.extend_from_slice(&request.page.unwrap_or(u32::MAX).to_le_bytes());
            for (item, propensity) in chosen.shown.iter().zip(&chosen.propensities) {
                bytes.extend_from_slice(&item.to_le_bytes());
                bytes.extend_from_slice(&propensity.to_le_bytes());
            }
            self.impressions += chosen.shown.len() as u64;
        }
        for event in &round.happened {
            bytes.extend_from_slice(&event.request.to_le_bytes());
            bytes.push(event.kind as u8);
            bytes.extend_from_slice(&event.item.unwrap_or(u32::MAX).to_le_bytes());
            bytes.extend_from_slice(&event.value.unwrap_or(-1.0).to_le_bytes());
            bytes.extend_from_slice(&event.time_ms.to_le_bytes());
            self.clicks += u64::from(event.kind == world::Kind::Click);
        }
        self.hasher.update(bytes);
        self.world_ns += round.world_ns;
        self.requests += round.requests.len() as u64;
        self.events += round.happened.len() as u64;
    }
}

/// A log while it is written, chunk by chunk.
struct LogOfWorld {
    files: Arc<dyn Files>,
    dir: PathBuf,
    events: Vec<NewEvent>,
    slates: Vec<Slate>,
    impressions: u64,
    /// Items that the log has.
    items: u32,
    truth: Option<TruthFile>,
    last_ms: i64,
}

impl LogOfWorld {
    /// The catalogue and everybody go in first, so that numbers of the world are indices of the log.
    fn begin(dir: &Path, world: &World, truth: bool) -> Result<LogOfWorld> {
        let files: Arc<dyn Files> = Arc::new(RealFiles);
        let items: Vec<data::Item> =
            world.catalogue().items().map(|item| record::item(world, item)).collect();
        let users: Vec<data::User> = (0..world.config().users)
            .filter_map(|number| record::user(world, number))
            .collect();
        let at_ms = world.now_ms();
        Writer::open(files.clone(), dir)?.append(&[], &[], &items, &users, at_ms)?;
        Ok(LogOfWorld {
            files,
            dir: dir.to_path_buf(),
            events: Vec::new(),
            slates: Vec::new(),
            impressions: 0,
            items: world.catalogue().end(),
            truth: if truth { Some(TruthFile::begin(dir)?) } else { None },
            last_ms: at_ms,
        })
    }

    fn take(&mut self, first: u64, arm: &Arm, round: &Round) -> Result<()> {
        let mode = arm.world.config().mode;
        let name = arm.chooser.name.to_string();
        for (number, (request, chosen)) in
            (first..).zip(round.requests.iter().zip(&round.chosen))
        {
            let maker = record::Maker {
                name: &name,
                seed: arm.chooser.seed,
                candidates: &chosen.candidates,
                propensities: &chosen.propensities,
            };
            self.slates.push(record::slate(mode, number, request, &chosen.shown, maker));
            self.impressions += chosen.shown.len() as u64;
        }
        for event in &round.happened {
            let at = event.request as usize;
            self.events.push(record::event(first + at as u64, &round.requests[at], event));
            self.last_ms = self.last_ms.max(event.time_ms);
        }
        if let Some(truth) = &mut self.truth {
            truth.take(first, round)?;
        }
        if self.impressions >= CHUNK { self.write(arm) } else { Ok(()) }
    }

    fn write(&mut self, arm: &Arm) -> Result<()> {
        let world = &arm.world;
        let end = world.catalogue().end();
        let new = (self.items..end).filter_map(|id| world.catalogue().get(id));
        let new: Vec<data::Item> = new.map(|item| record::item(world, item)).collect();
        let open = || Writer::open(self.files.clone(), &self.dir);
        if !new.is_empty() {
            open()?.append(&[], &[], &new, &[], self.last_ms)?;
        }
        let appended = open()?.append(&self.events, &self.slates, &[], &[], self.last_ms)?;
        if appended.rejects > 0 {
            anyhow::bail!(
                "{}: the log refused {} rows of the world; its rejects.jsonl says why",
                self.dir.display(),
                appended.rejects
            );
        }
        self.items = end;
        self.events.clear();
        self.slates.clear();
        self.impressions = 0;
        Ok(())
    }

    fn finish(mut self, arm: &Arm, file: &WorldFile) -> Result<()> {
        self.write(arm)?;
        if let Some(truth) = self.truth.take() {
            truth.finish()?;
        }
        let place = self.dir.join(WORLD_FILE);
        let settings = self.dir.join(SETTINGS_FILE);
        std::fs::write(&settings, SETTINGS).with_context(|| settings.display().to_string())?;
        data::sealed::write_checked(self.files.as_ref(), &place, file)?;
        Ok(())
    }
}
