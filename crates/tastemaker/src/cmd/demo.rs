//! `tastemaker demo`: the whole way on bundled data: import, time split, train, evaluate,
//! serve.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Result;
use clap::Args;
use data::import::{Format, ImportSpec, import};
use data::{Clock, Files, Log, RealFiles, SystemClock};
use serde_json::json;

use crate::bundled;
use crate::cmd::{evaluate, import as import_command, serve, train};
use crate::fitting;
use crate::sequence::Show;
use crate::settings::SettingsArgs;
use crate::terminal::{Stopwatch, answer, note, with_progress};

/// What is on the command line.
#[derive(Debug, Args)]
pub(crate) struct DemoArgs {
    /// Folder for the log and the data it is made from
    #[arg(long, value_name = "DIR", default_value = "tastemaker-data/demo")]
    dir: PathBuf,
    /// Stop before serving
    #[arg(long)]
    once: bool,
    /// Address and port to serve at, over the settings; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
    #[command(flatten)]
    settings: SettingsArgs,
    /// Print one JSON object: models, metrics, intervals, timings
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &DemoArgs) -> Result<()> {
    let mut settings = args.settings.resolve()?;
    if let Some(listen) = args.listen {
        settings.serve.listen = listen;
    }
    let whole = Stopwatch::start();
    note(
        "MovieLens latest-small (GroupLens): 100,836 ratings, 610 users; not for commercial use",
    );
    let source = args.dir.join("source");
    bundled::unpack(&source)?;

    let watch = Stopwatch::start();
    let files: Arc<dyn Files> = Arc::new(RealFiles);
    let log_dir = args.dir.join("log");
    let spec = ImportSpec {
        format: Format::MovieLens,
        path: source,
        map: None,
        max_rejects: 0.0,
        chunk_rows: None,
    };
    let imported = with_progress("import", |progress| {
        import(&files, &log_dir, &spec, SystemClock.now_ms(), progress)
    })?;
    let import_seconds = watch.seconds();
    let log = Log::open(files, &log_dir)?;
    note(&import_command::in_words(&imported, &log, import_seconds));

    let opened = fitting::open(&log_dir, &settings)?;
    let names = fitting::names(&[], &settings);
    let watch = Stopwatch::start();
    note("evaluating: models see what happened before a point in time, the rest judges them");
    let judged = evaluate::judge(&opened, &settings, &names)?;
    let evaluate_seconds = watch.seconds();

    let watch = Stopwatch::start();
    let trained = train::train(&opened, &settings, &names, train::Way::afresh(Show::Lines))?;
    let train_seconds = watch.seconds();
    if args.json {
        let mut whole_answer = evaluate::as_json(&judged)?;
        if let Some(fields) = whole_answer.as_object_mut() {
            fields.insert("import".into(), import_command::as_json(&imported));
            fields.insert("train".into(), train::as_json(&opened, &trained));
            fields.insert(
                "seconds".into(),
                json!({"import": import_seconds, "evaluate": evaluate_seconds,
                    "train": train_seconds, "whole": whole.seconds()}),
            );
        }
        answer(&whole_answer.to_string());
    } else {
        answer(judged.report.to_terminal().trim_end());
        note(&format!("the same as a page: {}", judged.html.display()));
        note(&train::in_words(&opened, &trained));
        note(&format!("all of it took {:.1} s", whole.seconds()));
    }
    if args.once {
        return Ok(());
    }
    serve::serve_log(&log_dir, &settings, args.json)
}
