//! Tests of `train`.

mod optim;
mod prefetch;
mod schedule;
