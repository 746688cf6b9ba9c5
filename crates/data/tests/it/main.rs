//! Tests of crate `data` through its public door.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop here")]

mod batch;
mod check;
mod import;
mod jagged;
mod log;
mod order;
mod sealed;
mod split;
mod random;
