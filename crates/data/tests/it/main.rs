//! Tests of crate `data` through its public door.

mod batch;
mod check;
mod import;
mod jagged;
mod log;
mod order;
mod sealed;
mod split;
