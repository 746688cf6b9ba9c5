//! `tastemaker rollback DIR`: an earlier model version becomes the current one.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Result;
use clap::Args;
use data::{Files, Log, RealFiles};
use serde_json::json;

use crate::hint;
use crate::terminal::answer;

/// What is on the command line.
#[derive(Debug, Args)]
pub(crate) struct RollbackArgs {
    /// Folder of the log
    dir: PathBuf,
    /// Version to make current; default: the one before the current one
    #[arg(long, value_name = "VERSION")]
    to: Option<String>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &RollbackArgs) -> Result<()> {
    let files: Arc<dyn Files> = Arc::new(RealFiles);
    let models_dir = Log::open(files.clone(), &args.dir)?.models_dir();
    let (from, to) = match &args.to {
        Some(version) => {
            let from = retrieve::current(&files, &models_dir)?.unwrap_or_default();
            retrieve::set_current(&files, &models_dir, version).map_err(|why| {
                hint::error(why, format!("`tastemaker inspect {}`", args.dir.display()))
            })?;
            (from, version.clone())
        }
        None => retrieve::rollback(&files, &models_dir)?,
    };
    if args.json {
        answer(&json!({"log": args.dir, "from": from, "to": to}).to_string());
    } else {
        answer(&format!(
            "version {to} is current again (was {from}); a running server follows"
        ));
    }
    Ok(())
}
