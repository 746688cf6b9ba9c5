//! `tastemaker serve DIR`: answers over HTTP until it is asked to stop.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::Args;
use data::{Files, RealFiles, SystemClock};
use serde_json::json;
use serve::ServeState;

use crate::settings::{Settings, SettingsArgs};
use crate::terminal::{answer, note, stopped};

/// What is on the command line.
#[derive(Debug, Args)]
pub(crate) struct ServeArgs {
    /// Folder of the log
    dir: PathBuf,
    /// Address and port, over the settings; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
    /// Take over what `train --delta-every` learns while it serves
    #[arg(long)]
    follow: bool,
    #[command(flatten)]
    settings: SettingsArgs,
    /// Print one JSON object with the URL once it answers
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &ServeArgs) -> Result<()> {
    let mut settings = args.settings.resolve()?;
    if let Some(listen) = args.listen {
        settings.serve.listen = listen;
    }
    settings.serve.follow |= args.follow;
    serve_log(&args.dir, &settings, args.json)
}

/// Serves the log in `dir` until Ctrl-C or SIGTERM.
pub(crate) fn serve_log(dir: &Path, settings: &Settings, json: bool) -> Result<()> {
    let files: Arc<dyn Files> = Arc::new(RealFiles);
    let listen = settings.serve.listen;
    let state = ServeState::open(
        files,
        dir,
        settings.feedback.clone(),
        settings.serve.clone(),
        Arc::new(SystemClock),
    )?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("starting the server's threads")?;
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind(listen)
            .await
            .with_context(|| format!("listening on {listen}"))?;
        let url = format!("http://{}", listener.local_addr()?);
        if json {
            answer(&json!({"url": url, "console": format!("{url}/console")}).to_string());
        } else {
            answer(&format!("serving {} at {url}; console: {url}/console", dir.display()));
            note("Ctrl-C stops it; what it logged is flushed first");
        }
        serve::serve(state, listener, asked_to_stop()).await?;
        Ok(())
    })
}

/// Ends when the user asked to stop (the signal is heard outside the runtime).
async fn asked_to_stop() {
    while !stopped() {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
