//! Tests of `tensor`.

mod gradients;
mod jagged;
mod numbers;
