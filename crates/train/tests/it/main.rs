//! Tests of `train`.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop here")]

mod click;
mod sample;
mod frequency;
mod logq;
mod optim;
mod schedule;
mod prefetch;
mod config;
mod golden;
mod histories;
mod example;
mod window;
mod stochastic_length;
mod rank;
mod planted;
mod unsynced;
mod trainer;
mod weighed;
mod learn;
mod continued;
mod validate;
mod lines;
mod diverge;
mod resume;
mod damage;
mod on_disk;
mod killed;
