//! `tastemaker bench`: an open-loop load on a running server, and what training costs and brings
//! as models grow.

use anyhow::Result;
use clap::{Args, Subcommand};

use crate::cmd::scale::{self, ScaleArgs};
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
    /// Step a large HSTU, predicted and measured; train HSTUs of several sizes and lay a law
    /// through quality and compute
    Scale(Box<ScaleArgs>),
}

pub(crate) fn run(args: &BenchArgs) -> Result<()> {
    match &args.what {
        What::Load(args) => load::run(args),
        What::Scale(args) => scale::run(args),
    }
}
