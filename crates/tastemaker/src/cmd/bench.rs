//! `tastemaker bench load`: an open-loop load on a running server.

use anyhow::Result;
use clap::{Args, Subcommand};

use crate::load::{self, LoadArgs};

/// What is on the command line.
#[derive(Debug, Args)]
pub(crate) struct BenchArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Send recommend requests on a schedule and report latencies from the intended time
    Load(LoadArgs),
}

pub(crate) fn run(args: &BenchArgs) -> Result<()> {
    match &args.what {
        What::Load(args) => load::run(args),
    }
}
