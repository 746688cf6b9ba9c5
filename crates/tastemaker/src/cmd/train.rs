//! `tastemaker train DIR`: models on the whole log, sealed as a version that `serve` loads.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use data::split::everything;
use data::{Clock, SystemClock, grouped};
use retrieve::{Model, ModelFacts, Retriever, VersionFacts};
use serde_json::json;

use crate::fitting::{self, Fitted, Opened};
use crate::settings::{Settings, SettingsArgs};
use crate::terminal::answer;

/// What is on the command line.
#[derive(Debug, Args)]
pub(crate) struct TrainArgs {
    /// Folder of the log
    dir: PathBuf,
    /// Train this model only; may be repeated. Default: `models.train` of the settings
    #[arg(long = "model", value_name = "NAME")]
    models: Vec<String>,
    #[command(flatten)]
    settings: SettingsArgs,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// What a training published.
pub(crate) struct Trained {
    pub(crate) version: String,
    pub(crate) fitted: Vec<Fitted>,
}

pub(crate) fn run(args: &TrainArgs) -> Result<()> {
    let settings = args.settings.resolve()?;
    let opened = fitting::open(&args.dir, &settings)?;
    let names = fitting::names(&args.models, &settings);
    let trained = train(&opened, &settings, &names)?;
    if args.json {
        answer(&as_json(&opened, &trained).to_string());
    } else {
        answer(&in_words(&opened, &trained));
    }
    Ok(())
}

/// Trains on everything the log has and makes the result the current version.
pub(crate) fn train(opened: &Opened, settings: &Settings, names: &[String]) -> Result<Trained> {
    let Opened { log, catalogue, sequences } = opened;
    let now_ms = sequences.last_ms().unwrap_or(0);
    let fitted = fitting::fit(names, settings, sequences, now_ms)?;
    let facts = VersionFacts {
        created_ms: SystemClock.now_ms(),
        log_checksum: log.checksum().to_owned(),
        split: everything(sequences, log.manifest().clock),
        feedback: settings.feedback.clone(),
        models_config: settings.models.clone(),
        merge_config: settings.merge.clone(),
        seed: settings.seed,
        models: fitted
            .iter()
            .map(|Fitted { model, seconds }| ModelFacts::of(model, *seconds))
            .collect(),
        ..VersionFacts::of_catalogue(catalogue)
    };
    let models: Vec<&Model> = fitted.iter().map(|fitted| fitted.model.as_ref()).collect();
    let version = retrieve::publish(log.files(), &log.models_dir(), &models, facts)?;
    Ok(Trained { version, fitted })
}

/// What a training did, for `--json`.
pub(crate) fn as_json(opened: &Opened, trained: &Trained) -> serde_json::Value {
    let models: Vec<_> = trained
        .fitted
        .iter()
        .map(|fitted| json!({"name": fitted.model.name(), "seconds": fitted.seconds}))
        .collect();
    json!({"log": opened.log.dir(), "version": trained.version, "models": models,
        "events": opened.sequences.events()})
}

/// What a training did, in a few lines.
pub(crate) fn in_words(opened: &Opened, trained: &Trained) -> String {
    let models: Vec<String> = trained
        .fitted
        .iter()
        .map(|fitted| format!("{} {:.2} s", fitted.model.name(), fitted.seconds))
        .collect();
    format!(
        "trained on {} events: {}\nversion {} is current; `tastemaker serve {}` answers with it",
        grouped(opened.sequences.events() as u64),
        models.join(", "),
        trained.version,
        opened.log.dir().display(),
    )
}
