//! `tastemaker world`: a simulated world whose truth is known.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, Result};
use clap::{Args, Subcommand};
use data::{Files, Log, RealFiles};
use evaluate::shape::Calibration;
use world::Preset;

use crate::experiment::data_folder;
use crate::hint;
use crate::play::{
    Look, Play, PolicyName, SETTINGS_FILE, Simulation, WorldArgs, preset, references,
    run as play, shape, simulate,
};
use crate::settings::SettingsArgs;
use crate::terminal::{answer, note};

/// What is on the command line.
#[derive(Debug, Args)]
pub(crate) struct CommandArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Write the log that a product would write, and the truth beside it
    Simulate(SimulateArgs),
    /// Let two policies play in worlds that begin the same, and hold estimates against the truth
    Play(Box<PlayArgs>),
    /// Hold worlds against real logs: reuse of ids, popularity of items, length of visits
    Calibrate(CalibrateArgs),
    /// Print every setting of a world
    Show(ShowArgs),
}

#[derive(Debug, Args)]
struct SimulateArgs {
    #[command(flatten)]
    world: WorldArgs,
    /// Impressions at least; the round in which they are reached is ended
    #[arg(long, value_name = "NUMBER", default_value_t = 1_000_000)]
    impressions: u64,
    /// Who makes the slates: random, popular, oracle, or epsilon:SHARE:POLICY
    #[arg(long, value_name = "POLICY", default_value = "random")]
    policy: PolicyName,
    /// Items that the policy chooses from, drawn for each request
    #[arg(long, value_name = "NUMBER", default_value_t = 30, value_parser = candidates)]
    candidates: u16,
    /// Folder of the log, new or empty; without it nothing is kept
    #[arg(long, value_name = "DIR")]
    into: Option<PathBuf>,
    /// Keep the truth as well, in truth.parquet: a row for each place of each slate
    #[arg(long, requires = "into")]
    truth: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct PlayArgs {
    #[command(flatten)]
    world: WorldArgs,
    /// The policy in question: random, popular, oracle, a model (item-knn, sasrec, …), or
    /// epsilon:SHARE:POLICY, which leaves a share of requests to chance
    #[arg(long, value_name = "POLICY", default_value = "item-knn")]
    policy: PolicyName,
    /// The policy that it is held against, and from whose log it is estimated
    #[arg(long, value_name = "POLICY", default_value = "epsilon:0.2:popular")]
    against: PolicyName,
    /// Days that both play
    #[arg(long, value_name = "NUMBER", default_value_t = 14, value_parser = clap::value_parser!(u32).range(1..=3650))]
    days: u32,
    /// Impressions by a random policy before that; models learn from them
    #[arg(long, value_name = "NUMBER", default_value_t = 1_000_000)]
    warm: u64,
    /// Items that a policy chooses from, drawn for each request
    #[arg(long, value_name = "NUMBER", default_value_t = 30, value_parser = candidates)]
    candidates: u16,
    /// Go on from a log that `world simulate` wrote, with the models of its current version; the
    /// result is kept there, and the console shows it
    #[arg(long, value_name = "DIR")]
    log: Option<PathBuf>,
    /// Write the report as a page
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Settings of models that are trained here, TOML (`tastemaker config` prints all)
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct CalibrateArgs {
    /// Worlds: shop, short-video, music-stream, news-pages, id-growth; all where none is named
    #[arg(long, value_name = "NAME,…", value_delimiter = ',', value_parser = preset)]
    preset: Vec<Preset>,
    /// One setting over those of each preset, as `click.base=-3`; may be repeated
    #[arg(long = "set", value_name = "NAME=VALUE")]
    set: Vec<String>,
    /// Seed of everything in them
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    seed: u64,
    /// Impressions of each at least
    #[arg(long, value_name = "NUMBER", default_value_t = 1_000_000)]
    impressions: u64,
    /// Who makes the slates: random, popular, oracle, or epsilon:SHARE:POLICY
    #[arg(long, value_name = "POLICY", default_value = "epsilon:0.2:popular")]
    policy: PolicyName,
    /// Items that the policy chooses from, drawn for each request
    #[arg(long, value_name = "NUMBER", default_value_t = 30, value_parser = candidates)]
    candidates: u16,
    /// Folder of the real logs. Default: TASTEMAKER_DATA, else ../shared/data; what is not there is
    /// said and left out
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Write plots and tables as a page
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct ShowArgs {
    #[command(flatten)]
    world: WorldArgs,
    /// Print one JSON object in place of TOML
    #[arg(long)]
    json: bool,
}

fn candidates(text: &str) -> Result<u16, String> {
    match text.parse() {
        Ok(count @ 2..=1000) => Ok(count),
        _ => Err("a number between 2 and 1000 is needed".into()),
    }
}

pub(crate) fn run(args: &CommandArgs) -> Result<()> {
    match &args.command {
        Command::Simulate(args) => run_simulate(args),
        Command::Play(args) => run_play(args),
        Command::Calibrate(args) => run_calibrate(args),
        Command::Show(args) => {
            let config = args.world.config()?;
            answer(&match args.json {
                true => serde_json::to_string_pretty(&config)?,
                false => toml::to_string(&config)?,
            });
            Ok(())
        }
    }
}

fn run_simulate(args: &SimulateArgs) -> Result<()> {
    if let crate::play::RankerName::Model(name) = &args.policy.ranker {
        return Err(hint::error(
            format!("{name} has nothing to learn from yet"),
            "simulate with `--policy random`, train on the log, then `tastemaker world play --log`",
        ));
    }
    let found = simulate(&Simulation {
        preset: args.world.preset.name().to_owned(),
        config: args.world.config()?,
        seed: args.world.seed,
        policy: args.policy.clone(),
        candidates: args.candidates.into(),
        impressions: args.impressions,
        into: args.into.clone(),
        truth: args.truth,
    })?;
    if args.json {
        answer(&serde_json::to_string_pretty(&found)?);
        return Ok(());
    }
    answer(&format!(
        "{}, seed {}, policy {}: {} impressions in {} requests, {} events, {} clicks, {:.1} days\n\
         {:.0} impressions/s of the world, {:.0} with the policy, {:.0} in all\n\
         memory {:.0} MiB at a tenth of the way, {:.0} MiB at the end\n\
         checksum {}",
        found.preset,
        found.seed,
        found.policy,
        found.impressions,
        found.requests,
        found.events,
        found.clicks,
        found.days,
        found.world_impressions_per_s,
        found.impressions_per_s,
        found.total_impressions_per_s,
        found.memory_tenth_mib,
        found.memory_mib,
        found.checksum
    ));
    if let Some(dir) = &args.into {
        answer(&format!(
            "the log is in {0}; next: `tastemaker train {0} --config {0}/{SETTINGS_FILE}`, then \
             `tastemaker world play --log {0}`",
            dir.display()
        ));
    }
    Ok(())
}

fn run_calibrate(args: &CalibrateArgs) -> Result<()> {
    if let crate::play::RankerName::Model(name) = &args.policy.ranker {
        return Err(hint::error(
            format!("{name} has nothing to learn from here"),
            "name random, popular or oracle, or epsilon:SHARE: and one of these",
        ));
    }
    let (mut shapes, missing) = references(&data_folder(args.data.as_deref()))?;
    for name in &missing {
        note(&format!("{name} is not there: worlds are not held against it"));
    }
    let all = Preset::ALL;
    for preset in if args.preset.is_empty() { &all[..] } else { &args.preset } {
        let (preset, seed) = (*preset, args.seed);
        let world = WorldArgs { preset, world: None, set: args.set.clone(), seed };
        shapes.push(shape(&Look {
            preset,
            config: world.config()?,
            seed,
            policy: args.policy.clone(),
            candidates: args.candidates.into(),
            impressions: args.impressions,
        })?);
    }
    let held = Calibration::new(shapes, missing);
    if let Some(path) = &args.html {
        std::fs::write(path, held.to_html())
            .with_context(|| format!("writing {}", path.display()))?;
        note(&format!("the page is in {}", path.display()));
    }
    answer(&if args.json { serde_json::to_string_pretty(&held)? } else { held.to_terminal() });
    Ok(())
}

fn run_play(args: &PlayArgs) -> Result<()> {
    let report = play(Play {
        preset: args.world.preset.name().to_owned(),
        config: args.world.config()?,
        seed: args.world.seed,
        policies: [args.policy.clone(), args.against.clone()],
        candidates: args.candidates.into(),
        warm: args.warm,
        days: args.days,
        log: args.log.clone(),
        settings: SettingsArgs { config: args.config.clone(), set: Vec::new(), seed: None }
            .resolve()?,
        live: !args.json,
    })?;
    if let Some(path) = &args.html {
        std::fs::write(path, report.to_html())
            .with_context(|| format!("writing {}", path.display()))?;
        note(&format!("the report is in {}", path.display()));
    }
    if let Some(dir) = &args.log {
        let files: Arc<dyn Files> = Arc::new(RealFiles);
        let log = Log::open(files, dir)?;
        let id = evaluate::save_play(log.files(), &log.plays_dir(), &report)?;
        note(&format!(
            "kept as play {id} of {0}; `tastemaker serve {0}` shows it at /console/worlds",
            dir.display()
        ));
    }
    answer(&if args.json { report.to_json() } else { report.to_terminal() });
    Ok(())
}
