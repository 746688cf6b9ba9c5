//! `tastemaker import FORMAT PATH --into DIR`: a file becomes part of a log.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, Result};
use clap::{Args, ValueEnum};
use data::import::{ColumnMap, Format, ImportSpec, Imported, import};
use data::{Clock, Files, Log, RealFiles, SystemClock, grouped};
use serde_json::json;

use crate::terminal::{Stopwatch, answer, with_progress};

/// What is on the command line.
#[derive(Debug, Args)]
pub(crate) struct ImportArgs {
    /// Format of the source
    #[arg(value_enum)]
    format: FormatName,
    /// The file, or the folder for movielens, sequences and open-bandit; .gz and .zst are read as they are
    path: PathBuf,
    /// Folder of the log; made where there is none
    #[arg(long, value_name = "DIR")]
    into: PathBuf,
    /// TOML file that says which column is what (csv, jsonl, parquet)
    #[arg(long, value_name = "FILE")]
    map: Option<PathBuf>,
    /// Largest share of bad rows that still imports: `1%` or `0.01`
    #[arg(long, value_name = "SHARE", default_value = "1%", value_parser = share)]
    max_rejects: f64,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum FormatName {
    /// A MovieLens folder or ratings file: ratings.dat, u.data, ratings.csv
    Movielens,
    /// One user a line: the user, then its items in order
    Sequences,
    /// A folder of the Open Bandit Dataset, such as random/men: what a policy showed, and clicks
    OpenBandit,
    /// Comma separated values with a header
    Csv,
    /// One JSON object a line
    Jsonl,
    /// Parquet
    Parquet,
}

impl From<FormatName> for Format {
    fn from(name: FormatName) -> Format {
        match name {
            FormatName::Movielens => Format::MovieLens,
            FormatName::Sequences => Format::Sequences,
            FormatName::OpenBandit => Format::OpenBandit,
            FormatName::Csv => Format::Csv,
            FormatName::Jsonl => Format::Jsonl,
            FormatName::Parquet => Format::Parquet,
        }
    }
}

fn share(text: &str) -> Result<f64, String> {
    let (number, unit) = match text.strip_suffix('%') {
        Some(percent) => (percent.trim(), 0.01),
        None => (text, 1.0),
    };
    let share = number.parse::<f64>().map_err(|error| error.to_string())? * unit;
    if (0.0..=1.0).contains(&share) {
        Ok(share)
    } else {
        Err("a share lies between 0 % and 100 %".into())
    }
}

pub(crate) fn run(args: &ImportArgs) -> Result<()> {
    let files: Arc<dyn Files> = Arc::new(RealFiles);
    let watch = Stopwatch::start();
    let map = match &args.map {
        Some(path) => {
            let text = std::fs::read_to_string(path)
                .with_context(|| format!("reading the column map {}", path.display()))?;
            Some(ColumnMap::from_toml(&text, &path.display().to_string())?)
        }
        None => None,
    };
    let spec = ImportSpec {
        format: args.format.into(),
        path: args.path.clone(),
        map,
        max_rejects: args.max_rejects,
        chunk_rows: None,
    };
    let done = with_progress("import", |progress| {
        import(&files, &args.into, &spec, SystemClock.now_ms(), progress)
    })?;
    let log = Log::open(files, &args.into)?;
    let seconds = watch.seconds();
    if args.json {
        answer(
            &json!({"log": args.into, "imported": as_json(&done), "seconds": seconds,
            "events": log.manifest().events, "users": log.manifest().users,
            "items": log.manifest().items, "checksum": log.checksum()})
            .to_string(),
        );
    } else {
        answer(&in_words(&done, &log, seconds));
    }
    Ok(())
}

/// What an import did, for `--json`.
pub(crate) fn as_json(done: &Imported) -> serde_json::Value {
    match done {
        Imported::Added(entry) => json!({"changed": true, "folder": entry.folder,
            "source": entry.source, "clock": entry.clock, "events": entry.events,
            "duplicates": entry.duplicates, "rejects": entry.rejects,
            "users_new": entry.users_new, "items_new": entry.items_new,
            "segments": entry.segments, "first_ms": entry.first_ms, "last_ms": entry.last_ms}),
        Imported::Unchanged { duplicates, rejects } => {
            json!({"changed": false, "events": 0, "duplicates": duplicates, "rejects": rejects})
        }
    }
}

/// What an import did, in a few lines.
pub(crate) fn in_words(done: &Imported, log: &Log, seconds: f64) -> String {
    let manifest = log.manifest();
    let mut lines = match done {
        Imported::Added(entry) => vec![format!(
            "imported {} events from {} in {seconds:.2} s: {} new users, {} new items, \
             {} duplicates, {} rejects",
            grouped(entry.events),
            entry.source,
            grouped(entry.users_new.into()),
            grouped(entry.items_new.into()),
            grouped(entry.duplicates),
            grouped(entry.rejects),
        )],
        Imported::Unchanged { duplicates, .. } => vec![format!(
            "nothing changed: the log has all {} events already",
            grouped(*duplicates)
        )],
    };
    if let Imported::Added(entry) = done
        && entry.rejects > 0
    {
        let rejects = log.dir().join("imports").join(&entry.folder).join("rejects.jsonl");
        lines.push(format!("bad rows, with their reasons: {}", rejects.display()));
    }
    let span = match (manifest.first_ms(), manifest.last_ms()) {
        (Some(first), Some(last)) if manifest.clock != data::ClockKind::OrderOnly => {
            format!(", {} to {}", data::format_ms(first), data::format_ms(last))
        }
        _ => String::new(),
    };
    lines.push(format!(
        "{}: {} events, {} users, {} items, clock {}{span}",
        log.dir().display(),
        grouped(manifest.events),
        grouped(manifest.users.into()),
        grouped(manifest.items.into()),
        manifest.clock,
    ));
    lines.join("\n")
}
