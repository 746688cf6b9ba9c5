//! `tastemaker verify DIR`: every byte of a log and its model versions against its checksum.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Result, bail};
use clap::Args;
use data::{Files, Log, RealFiles};
use serde_json::json;

use crate::continuing;
use crate::terminal::{answer, with_progress};

/// What is on the command line.
#[derive(Debug, Args)]
pub(crate) struct VerifyArgs {
    /// Folder of the log
    dir: PathBuf,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &VerifyArgs) -> Result<()> {
    let files: Arc<dyn Files> = Arc::new(RealFiles);
    let found = with_progress("verify", |_| {
        let mut found: Vec<String> =
            Log::verify(&files, &args.dir).iter().map(ToString::to_string).collect();
        found.extend(continuing::verify(&files, &args.dir));
        found
    });
    if args.json {
        answer(
            &json!({"log": args.dir, "ok": found.is_empty(), "findings": found}).to_string(),
        );
    } else if found.is_empty() {
        answer(&format!("{}: every file is as it was sealed", args.dir.display()));
    } else {
        found.iter().for_each(|finding| answer(finding));
    }
    if !found.is_empty() {
        bail!(
            "{} finding(s)\nhint: import the damaged part again into a new folder, or restore it \
             from a copy; `tastemaker rollback` leaves a damaged model version",
            found.len()
        );
    }
    Ok(())
}
