//! Requests in; slates out, and fresh events back into the log.
//!
//! [`ServeState::open`] reads a log and its current model version; [`serve`] answers until it
//! is asked to stop, then writes what it still has. A recommendation goes through the stages of
//! `pipeline`; what was shown is buffered and flushed by `keeper`, which also watches for new
//! model versions. `/console` shows all of it to people.
#![forbid(unsafe_code)]

mod error;
mod limits;
mod config;
mod stopwatch;
mod problem;
mod strict;
mod wire;
mod world;
mod request_id;
mod admission;
mod buffer;
mod intake;
mod pipeline;
mod search;
mod metrics;
mod traffic;
mod model_watch;
mod follow;
mod reports;
mod keeper;
mod state;
mod api;
mod console;
mod connection;
mod server;

pub use config::ServeConfig;
pub use error::{Error, Result};
pub use server::serve;
pub use state::ServeState;
