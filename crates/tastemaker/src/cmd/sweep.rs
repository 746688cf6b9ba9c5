//! `tastemaker sweep FILE`: settings tried one after another, judged by validation.

use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Args;

use crate::experiment::data_folder;
use crate::sweep::{self, Choice, Sweep};
use crate::terminal::{answer, note};

/// What is on the command line.
#[derive(Debug, Args)]
pub(crate) struct SweepArgs {
    /// What to vary over what, TOML (config/sweep.toml explains every part)
    #[arg(value_name = "FILE.toml")]
    file: PathBuf,
    /// Seeds of every combination, in place of the file's
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..=100))]
    seeds: Option<u32>,
    /// Folder of the log to learn from, in place of the file's data
    #[arg(long, value_name = "DIR")]
    log: Option<PathBuf>,
    /// Folder of the data that the file names. Default: TASTEMAKER_DATA, else ../shared/data,
    /// beside the checkout
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Folder in which finished trials of all sweeps are kept, each sweep's in its own
    #[arg(long, value_name = "DIR", default_value = "tastemaker-sweeps")]
    store: PathBuf,
    /// Run nothing: sum up what is finished
    #[arg(long)]
    show: bool,
    /// Print everything as one JSON object
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &SweepArgs) -> Result<()> {
    let sweep = Sweep::read(&args.file)?;
    let choice = Choice {
        seeds: args.seeds,
        data: data_folder(args.data.as_deref()),
        log: args.log.clone(),
        store: args.store.clone(),
    };
    if !args.show {
        sweep::run(&sweep, &choice)?;
    }
    let mut summary = sweep::summarise(&sweep, &choice)?;
    if !summary.combinations.is_empty() {
        let path = choice.store.join(&sweep.name).join("sweep.svg");
        std::fs::write(&path, sweep::svg(&summary))
            .with_context(|| path.display().to_string())?;
        note(&format!("the plot: {}", path.display()));
        summary.plot = Some(path.display().to_string());
    }
    if args.json {
        answer(&serde_json::to_string(&summary)?);
    } else {
        answer(&sweep::terminal(&summary));
    }
    Ok(())
}
