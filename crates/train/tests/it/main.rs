//! Tests of `train`.

mod sample;
mod frequency;
mod logq;
mod optim;
mod schedule;
mod prefetch;
mod config;
mod golden;
mod example;
mod rank;
mod planted;
mod learn;
mod validate;
mod lines;
mod diverge;
mod resume;
mod damage;
mod killed;
