//! Tests of `models`.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop here")]

mod golden;
mod golden_hstu;
mod hstu_cache;
mod parameters;
mod encode;
mod init;
mod config;
