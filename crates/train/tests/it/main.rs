//! Tests of `train`.

mod sample;
mod frequency;
mod logq;
mod optim;
mod schedule;
mod prefetch;
