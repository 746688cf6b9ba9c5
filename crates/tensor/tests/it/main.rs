//! Tests of `tensor`.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop here")]

mod gradients;
mod jagged;
mod numbers;
