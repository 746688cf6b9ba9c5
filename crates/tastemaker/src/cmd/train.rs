//! `tastemaker train DIR`: models on the whole log, sealed as a version that `serve` loads.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use data::split::everything;
use data::{Clock, SystemClock, grouped};
use retrieve::{Model, Retriever, VersionFacts};
use serde_json::json;

use crate::fitting::{self, Fitted, Opened};
use crate::hint;
use crate::sequence::{self, Place, Show};
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
    /// Go on with a training of sasrec that was stopped, from its last checkpoint
    #[arg(long)]
    resume: bool,
    /// Tell of a training in lines, also at a terminal, where it would be drawn
    #[arg(long)]
    plain: bool,
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
    let show = if args.plain || args.json { Show::Lines } else { Show::Screen };
    let trained = train(&opened, &settings, &names, args.resume, show)?;
    if args.json {
        answer(&as_json(&opened, &trained).to_string());
    } else {
        answer(&in_words(&opened, &trained));
    }
    Ok(())
}

/// Trains on everything the log has and makes the result the current version.
/// With `resume`, a training of sasrec goes on from its last checkpoint. `show`: how it is seen.
pub(crate) fn train(
    opened: &Opened,
    settings: &Settings,
    names: &[String],
    resume: bool,
    show: Show,
) -> Result<Trained> {
    let Opened { log, catalogue, sequences } = opened;
    let in_epochs = names.iter().any(|name| sequence::is_sequence(name));
    if resume && !in_epochs {
        return Err(hint::error(
            "--resume: none of these models is trained in epochs",
            "leave it out, or name the model that was stopped: `--model sasrec --resume`",
        ));
    }
    let place = if in_epochs { Some(Place::below(log, names, resume)?) } else { None };
    let clock = log.manifest().clock;
    let fitted = fitting::fit(names, settings, sequences, clock, place.as_ref(), show)?;
    let facts = VersionFacts {
        created_ms: SystemClock.now_ms(),
        log_checksum: log.checksum().to_owned(),
        split: everything(sequences, clock),
        feedback: settings.feedback.clone(),
        models_config: settings.models.clone(),
        merge_config: settings.merge.clone(),
        seed: settings.seed,
        models: fitted.iter().map(Fitted::facts).collect(),
        ..VersionFacts::of_catalogue(catalogue)
    };
    let models: Vec<&Model> = fitted.iter().map(|fitted| fitted.model.as_ref()).collect();
    let version = retrieve::publish(log.files(), &log.models_dir(), &models, facts)?;
    // Only now: until it is published, a training that was cut off can go on.
    if let Some(place) = &place {
        place.clear(names)?;
    }
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
