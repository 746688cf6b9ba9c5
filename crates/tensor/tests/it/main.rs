//! Tests of `tensor`.

mod scan;
mod gradients;
mod jagged;
mod layers;
mod numbers;
mod peak;
