//! The command line of Tastemaker: one file a command, in the order in which they are used.

mod terminal;
mod hint;
mod dashboard;
mod sequence;
mod settings;
mod fitting;
mod period;
mod continuing;
mod freshness;
mod load;
mod bundled;
mod experiment;
mod paper;
mod sweep;
mod scale;
mod play;
mod cmd {
    pub(crate) mod bench;
    pub(crate) mod demo;
    pub(crate) mod evaluate;
    pub(crate) mod import;
    pub(crate) mod inspect;
    pub(crate) mod paper;
    pub(crate) mod policy;
    pub(crate) mod recommend;
    pub(crate) mod rollback;
    pub(crate) mod serve;
    pub(crate) mod scale;
    pub(crate) mod sweep;
    pub(crate) mod train;
    pub(crate) mod verify;
    pub(crate) mod world;
}

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

/// An event log in; honestly evaluated recommendations out.
#[derive(Debug, Parser)]
#[command(version, about, max_term_width = 100)]
#[command(after_help = "Begin with `tastemaker demo`. Settings, each with its meaning: \
    `tastemaker config`. Answers go to stdout, everything else to stderr.")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Import the bundled MovieLens, train, evaluate, and serve it with a console
    Demo(cmd::demo::DemoArgs),
    /// Make a file part of a log
    Import(cmd::import::ImportArgs),
    /// Train models on the whole log and publish them as a version
    Train(cmd::train::TrainArgs),
    /// Judge models on what happened after a point in time
    Evaluate(cmd::evaluate::EvaluateArgs),
    /// Answer requests over HTTP, with a console to look at
    Serve(cmd::serve::ServeArgs),
    /// Recommend for one user
    Recommend(cmd::recommend::RecommendArgs),
    /// Say what is in a log: imports, model versions, evaluations
    Inspect(cmd::inspect::InspectArgs),
    /// Check every byte of a log against its checksum
    Verify(cmd::verify::VerifyArgs),
    /// Go back to an earlier model version
    Rollback(cmd::rollback::RollbackArgs),
    /// Print the settings that hold: the commented defaults, or what a file and the
    /// environment made of them
    Config(settings::ConfigArgs),
    /// Measure a running server, or what training costs and brings as models grow
    Bench(cmd::bench::BenchArgs),
    /// Try settings one after another, by grid or at random, judged by validation
    Sweep(cmd::sweep::SweepArgs),
    /// Simulate people whose true preferences are known, and let policies play with them
    World(cmd::world::CommandArgs),
    /// Estimate what another policy would have earned, from what a log showed with which chance
    Policy(cmd::policy::PolicyArgs),
    /// Make a paper's numbers again: every model, every seed, beside what was published
    Paper(cmd::paper::PaperArgs),
}

fn main() -> ExitCode {
    match run(&Cli::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            terminal::note(&format!("error: {error:#}\nhint: {}", hint::of(&error)));
            ExitCode::from(if terminal::stopped() { 130 } else { hint::status(&error) })
        }
    }
}

fn run(command: &Command) -> Result<()> {
    terminal::hear_stop()?;
    match command {
        Command::Demo(args) => cmd::demo::run(args),
        Command::Import(args) => cmd::import::run(args),
        Command::Train(args) => cmd::train::run(args),
        Command::Evaluate(args) => cmd::evaluate::run(args),
        Command::Serve(args) => cmd::serve::run(args),
        Command::Recommend(args) => cmd::recommend::run(args),
        Command::Inspect(args) => cmd::inspect::run(args),
        Command::Verify(args) => cmd::verify::run(args),
        Command::Rollback(args) => cmd::rollback::run(args),
        Command::Config(args) => settings::run(args),
        Command::Bench(args) => cmd::bench::run(args),
        Command::Sweep(args) => cmd::sweep::run(args),
        Command::World(args) => cmd::world::run(args),
        Command::Policy(args) => cmd::policy::run(args),
        Command::Paper(args) => cmd::paper::run(args),
    }
}
