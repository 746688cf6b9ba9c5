//! Tests of the crate from outside.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop here")]

mod golden;
mod play;
mod loggers;
mod open_bandit;
mod policy;
mod report;
