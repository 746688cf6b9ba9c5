//! `tastemaker train DIR`: models on the whole log, sealed as a version that `serve` loads.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use data::split::everything;
use data::{Clock, SystemClock, bytes_in_words, grouped};
use retrieve::{Model, Retriever, VersionFacts};
use serde_json::json;
use tables::MemoryBudget;

use crate::continuing::{self, Rhythm};
use crate::fitting::{self, Fitted, Opened};
use crate::hint;
use crate::period::Period;
use crate::sequence::{self, Place, Show};
use crate::settings::{Settings, SettingsArgs};
use crate::terminal::{answer, note};

/// What is on the command line.
#[derive(Debug, Args)]
pub(crate) struct TrainArgs {
    /// Folder of the log
    dir: PathBuf,
    /// Train this model only; may be repeated. Default: `models.train` of the settings
    #[arg(long = "model", value_name = "NAME")]
    models: Vec<String>,
    /// Go on with a training of sasrec or hstu that was stopped, from its last checkpoint
    #[arg(long)]
    resume: bool,
    /// Bytes of memory (256MiB) that the rows of sasrec's or hstu's items and what their optimiser
    /// remembers of them may take; the others are on disk, beside the checkpoints. The result is the
    /// same as with `item_updates = "keyed"`, which it implies. On top come the finished model, what the
    /// system keeps of files, and some MiB while a checkpoint is written
    #[arg(long, value_name = "SIZE", conflicts_with = "delta_every")]
    table_memory: Option<MemoryBudget>,
    /// Then go on: look at the log so often (30s, 1m, 2h), learn from what is new, and ship it as
    /// a delta that `serve --follow` takes over
    #[arg(long, value_name = "PERIOD")]
    delta_every: Option<Period>,
    /// Bytes of the rows of a delta, at most: those that changed the most go first, the others wait
    #[arg(long, value_name = "BYTES", requires = "delta_every",
        value_parser = clap::value_parser!(u64).range(1..))]
    delta_bytes: Option<u64>,
    /// End after so many deltas. Default: when it is stopped
    #[arg(long, value_name = "NUMBER", requires = "delta_every",
        value_parser = clap::value_parser!(u32).range(1..))]
    deltas: Option<u32>,
    /// Do not train first: go on with the current version, after its last delta
    #[arg(long = "continue", requires = "delta_every", conflicts_with = "resume")]
    going_on: bool,
    /// Tell of a training in lines, also at a terminal, where it would be drawn
    #[arg(long)]
    plain: bool,
    #[command(flatten)]
    settings: SettingsArgs,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// In which way a training is done.
#[derive(Clone, Copy)]
pub(crate) struct Way {
    /// A training in epochs goes on from its last checkpoint.
    pub(crate) resume: bool,
    /// What items' rows may take; none: all are in memory.
    pub(crate) table_memory: Option<MemoryBudget>,
    /// How it is seen.
    pub(crate) show: Show,
}

impl Way {
    /// From the beginning, in memory.
    pub(crate) fn afresh(show: Show) -> Way {
        Way { resume: false, table_memory: None, show }
    }
}

/// What a training published.
pub(crate) struct Trained {
    pub(crate) version: String,
    pub(crate) fitted: Vec<Fitted>,
}

pub(crate) fn run(args: &TrainArgs) -> Result<()> {
    let mut settings = args.settings.resolve()?;
    let opened = fitting::open(&args.dir, &settings)?;
    let names = fitting::names(&args.models, &settings);
    let show = if args.plain || args.json { Show::Lines } else { Show::Screen };
    if let Some(name) = names.iter().find(|_| args.delta_every.is_some() && !in_epochs(&names))
    {
        return Err(hint::error(
            format!("--delta-every: {name} does not go on learning"),
            "sasrec and hstu do: `--model sasrec --delta-every 1m`",
        ));
    }
    let version = if args.going_on {
        let models_dir = opened.log.models_dir();
        retrieve::current(opened.log.files(), &models_dir)?.ok_or_else(|| {
            hint::error(
                format!("{}: no model version to go on with", models_dir.display()),
                "leave --continue out, so that one is trained first",
            )
        })?
    } else {
        let (resume, table_memory) = (args.resume, args.table_memory);
        if table_memory.is_some() {
            in_tables(&names, &mut settings)?;
        }
        let way = Way { resume, table_memory, show };
        let trained = train(&opened, &settings, &names, way)?;
        if args.json {
            answer(&as_json(&opened, &trained).to_string());
        } else {
            answer(&in_words(&opened, &trained));
        }
        trained.version
    };
    if let Some(every) = args.delta_every {
        let (bytes_max, deltas_max) = (args.delta_bytes, args.deltas);
        let rhythm = Rhythm { every, bytes_max, deltas_max, json: args.json };
        continuing::go_on(&opened, &version, &settings, rhythm)?;
    }
    Ok(())
}

fn in_epochs(names: &[String]) -> bool {
    names.iter().any(|name| sequence::is_sequence(name))
}

/// Has items of all models that are trained in epochs in tables.
fn in_tables(names: &[String], settings: &mut Settings) -> Result<()> {
    if !in_epochs(names) {
        return Err(hint::error(
            "--table-memory: none of these models has a table that can be on disk",
            "sasrec and hstu do: `--model sasrec --table-memory 256MiB`",
        ));
    }
    for name in names {
        let Some(own) = settings.sequence_mut(name) else { continue };
        if own.keep_items_in_a_table() {
            note(&format!(
                "{name}: items are rows of a table (item_updates = keyed), as --table-memory needs"
            ));
        }
    }
    Ok(())
}

/// Trains on everything the log has and makes the result the current version.
pub(crate) fn train(
    opened: &Opened,
    settings: &Settings,
    names: &[String],
    Way { resume, table_memory, show }: Way,
) -> Result<Trained> {
    let Opened { log, catalogue, sequences } = opened;
    let in_epochs = in_epochs(names);
    if resume && !in_epochs {
        return Err(hint::error(
            "--resume: none of these models is trained in epochs",
            "leave it out, or name the model that was stopped: `--model sasrec --resume`",
        ));
    }
    let place =
        if in_epochs { Some(Place::below(log, names, resume, table_memory)?) } else { None };
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
        .map(|fitted| {
            let (name, seconds) = (fitted.model.name(), fitted.seconds);
            match &fitted.table {
                Some(table) => json!({"name": name, "seconds": seconds, "table": table}),
                None => json!({"name": name, "seconds": seconds}),
            }
        })
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
    let tables = trained.fitted.iter().filter_map(|fitted| {
        let (name, table) = (fitted.model.name(), fitted.table?);
        Some(format!(
            "\nitems of {name}: {} rows take {}, in memory {} of {}, where steps missed {:.1} % of theirs",
            grouped(table.rows),
            bytes_in_words(table.bytes),
            bytes_in_words(table.memory_bytes as u64),
            bytes_in_words(table.memory_budget as u64),
            100.0 * table.missed as f64 / table.asked.max(1) as f64,
        ))
    });
    format!(
        "trained on {} events: {}{}\nversion {} is current; `tastemaker serve {}` answers with it",
        grouped(opened.sequences.events() as u64),
        models.join(", "),
        tables.collect::<String>(),
        trained.version,
        opened.log.dir().display(),
    )
}
