//! `tastemaker evaluate DIR`: models fitted on one part of the log, judged on another.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use data::split::split;
use data::{Clock, SystemClock, order};
use evaluate::{Cases, Report, Setting};
use retrieve::Retriever;
use serde_json::json;

use crate::fitting::{self, Opened};
use crate::sequence::Show;
use crate::settings::{Settings, SettingsArgs, SplitKind};
use crate::terminal::{answer, note, with_progress};

/// What is on the command line.
#[derive(Debug, Args)]
pub(crate) struct EvaluateArgs {
    /// Folder of the log
    dir: PathBuf,
    /// Judge this model only; may be repeated. Default: `models.train` of the settings
    #[arg(long = "model", value_name = "NAME")]
    models: Vec<String>,
    /// How to split, over the settings
    #[arg(long, value_enum, value_name = "KIND")]
    split: Option<SplitKind>,
    /// Where the test begins: a share of all events like 0.9, or an instant like 2018-06-01
    #[arg(long, value_name = "CUT")]
    test_from: Option<String>,
    #[command(flatten)]
    settings: SettingsArgs,
    /// Print the whole report as one JSON object
    #[arg(long)]
    json: bool,
}

/// A report and where it was kept.
pub(crate) struct Judged {
    pub(crate) report: Report,
    pub(crate) html: PathBuf,
    /// Seconds to fit each model on the training part.
    pub(crate) fit_seconds: Vec<(String, f64)>,
}

pub(crate) fn run(args: &EvaluateArgs) -> Result<()> {
    let mut settings = args.settings.resolve()?;
    if let Some(kind) = args.split {
        settings.split.kind = kind;
    }
    if let Some(cut) = &args.test_from {
        settings.split.test_from.clone_from(cut);
    }
    let opened = fitting::open(&args.dir, &settings)?;
    let judged = judge(&opened, &settings, &fitting::names(&args.models, &settings))?;
    if args.json {
        answer(&as_json(&judged)?.to_string());
    } else {
        answer(judged.report.to_terminal().trim_end());
        note(&format!("the same as a page: {}", judged.html.display()));
    }
    Ok(())
}

/// Splits, fits, ranks, measures, and keeps the report with the log.
pub(crate) fn judge(opened: &Opened, settings: &Settings, names: &[String]) -> Result<Judged> {
    let Opened { log, catalogue, sequences } = opened;
    let split = split(sequences, log.manifest().clock, &settings.split.spec()?)?;
    let cases = Cases::new(&split, settings.evaluate.seen)?;
    let fitted =
        fitting::fit(names, settings, &split.train, split.facts.clock, None, Show::Lines)?;
    let ranked = fitting::rank(&cases, &fitted, settings, &split.train)?;
    let setting = Setting {
        catalogue,
        split: &split,
        log_checksum: log.checksum(),
        seed: settings.seed,
        tie_rule: order::TIE_RULE,
        feedback: &settings.feedback,
        created_ms: SystemClock.now_ms(),
    };
    let report = with_progress("measure", |progress| {
        evaluate::evaluate(&cases, &ranked, &setting, &settings.evaluate, progress)
    })?;
    let id = evaluate::save(log.files(), &log.reports_dir(), &report)?;
    let html = log.reports_dir().join(id).join("report.html");
    let fit_seconds =
        fitted.iter().map(|fitted| (fitted.model.name().to_owned(), fitted.seconds)).collect();
    Ok(Judged { report, html, fit_seconds })
}

/// The report with the timings, for `--json`.
pub(crate) fn as_json(judged: &Judged) -> Result<serde_json::Value> {
    let seconds: serde_json::Map<String, serde_json::Value> = judged
        .fit_seconds
        .iter()
        .map(|(name, seconds)| (name.clone(), json!(seconds)))
        .collect();
    Ok(json!({"report": serde_json::to_value(&judged.report)?, "html": judged.html,
        "fit_seconds": seconds}))
}
