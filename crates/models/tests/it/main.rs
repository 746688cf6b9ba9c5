//! Tests of `models`.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop here")]

mod golden;
mod golden_hstu;
mod hstu_cache;
mod golden_hstu_ranking;
mod parameters;
mod encode;
mod hstu_ranking;
mod init;
mod config;
mod dcn;
