//! `tastemaker inspect DIR`: what a log holds, without reading its events.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Result;
use clap::Args;
use comfy_table::{Table, TableStyle};
use data::{ClockKind, Files, Log, LogManifest, RealFiles, format_ms, grouped};
use retrieve::{TrainingFacts, VersionEntry};
use serde_json::json;

use crate::terminal::answer;

/// What is on the command line.
#[derive(Debug, Args)]
pub(crate) struct InspectArgs {
    /// Folder of the log
    dir: PathBuf,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &InspectArgs) -> Result<()> {
    let files: Arc<dyn Files> = Arc::new(RealFiles);
    let log = Log::open(files.clone(), &args.dir)?;
    let versions = retrieve::list(&files, &log.models_dir())?;
    let report = evaluate::latest(&files, &log.reports_dir())?;
    let play = evaluate::latest_play(&files, &log.plays_dir())?;
    if args.json {
        let versions: Vec<_> = versions
            .iter()
            .map(
                |entry| json!({"id": entry.id, "current": entry.current, "facts": entry.facts}),
            )
            .collect();
        let answered = json!({"log": args.dir, "checksum": log.checksum(),
            "manifest": log.manifest(), "versions": versions,
            "report": report.as_ref().map(|(id, _)| id),
            "play": play.as_ref().map(|(id, _)| id)});
        answer(&answered.to_string());
        return Ok(());
    }
    answer(&facts(&log));
    answer(&imports(log.manifest()));
    if versions.is_empty() {
        answer(&format!("no model version yet: `tastemaker train {}`", args.dir.display()));
    } else {
        answer(&models(&versions));
        let served = versions.iter().filter(|entry| entry.current);
        for model in served.flat_map(|entry| &entry.facts.models) {
            if let Some(training) = &model.training {
                answer(&epochs(&model.name, training));
            }
        }
    }
    match report {
        Some((id, report)) => {
            let page = log.reports_dir().join(&id).join("report.html");
            answer(&format!("evaluation {id}: {}\n  {}", report.verdict, page.display()));
        }
        None => {
            answer(&format!("no evaluation yet: `tastemaker evaluate {}`", args.dir.display()));
        }
    }
    // Most logs are of no simulated world: where nothing was played, nothing is said.
    if let Some((id, play)) = play {
        let page = log.plays_dir().join(&id).join("play.html");
        answer(&format!("play {id}: {}\n  {}", play.verdict, page.display()));
    }
    Ok(())
}

fn facts(log: &Log) -> String {
    let manifest = log.manifest();
    let span = match (manifest.first_ms(), manifest.last_ms()) {
        (Some(first), Some(last)) if manifest.clock != ClockKind::OrderOnly => {
            format!("\n  from {} to {}", format_ms(first), format_ms(last))
        }
        _ => String::new(),
    };
    format!(
        "{}\n  {} events ({}), {} users, {} items, {} slates, clock {}{span}\n  checksum {}",
        log.dir().display(),
        grouped(manifest.events),
        manifest.kinds.join(", "),
        grouped(manifest.users.into()),
        grouped(manifest.items.into()),
        grouped(manifest.slates),
        manifest.clock,
        log.checksum(),
    )
}

fn imports(manifest: &LogManifest) -> String {
    let mut table = Table::new();
    table.load_style(TableStyle::new());
    table.set_header([
        "import",
        "source",
        "received",
        "events",
        "duplicates",
        "rejects",
        "slates",
    ]);
    // A server seals an import every half minute: show the ends of a long list.
    let (all, shown) = (manifest.imports.len(), 20);
    for (at, import) in manifest.imports.iter().enumerate() {
        if all > shown && at == 3 {
            table.add_row([format!("… {} more", all - shown)]);
        }
        if all > shown && (3..all - (shown - 3)).contains(&at) {
            continue;
        }
        table.add_row([
            import.folder.clone(),
            import.source.clone(),
            format_ms(import.received_ms),
            grouped(import.events),
            grouped(import.duplicates),
            grouped(import.rejects),
            grouped(import.slates),
        ]);
    }
    table.to_string()
}

fn models(versions: &[VersionEntry]) -> String {
    let mut table = Table::new();
    table.load_style(TableStyle::new());
    table.set_header(["version", "made", "trained on", "models"]);
    for entry in versions {
        let names: Vec<&str> =
            entry.facts.models.iter().map(|model| model.name.as_str()).collect();
        table.add_row([
            format!("{}{}", entry.id, if entry.current { " *" } else { "" }),
            format_ms(entry.facts.created_ms),
            format!("{} events", grouped(entry.facts.split.train_events)),
            names.join(", "),
        ]);
    }
    table.to_string()
}

/// How a training went, an epoch a row.
fn epochs(name: &str, training: &TrainingFacts) -> String {
    let mut table = Table::new();
    table.load_style(TableStyle::new());
    table.set_header(["epoch", "loss", "NDCG@10 of validation", "seconds"]);
    for epoch in &training.epochs {
        let best = if epoch.epoch == training.best_epoch { " *" } else { "" };
        table.add_row([
            format!("{}{best}", epoch.epoch),
            format!("{:.4}", epoch.loss),
            epoch.ndcg.map_or("–".into(), |ndcg| format!("{ndcg:.4}")),
            format!("{:.2}", epoch.seconds),
        ]);
    }
    let refitted = match training.refitted {
        true => format!(", then {} epochs on all events", training.best_epoch),
        false => String::new(),
    };
    format!("{name}: epoch {} was best{refitted}\n{table}", training.best_epoch)
}
