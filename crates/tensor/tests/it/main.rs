//! Tests of `tensor`.

mod scan;
mod gradients;
mod jagged;
mod numbers;
