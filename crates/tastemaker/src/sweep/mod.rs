//! Sweeps: settings in, tried one after another by grid or at random; judged by validation, never
//! by the test part.
//!
//! A [`Sweep`] names what is varied. Each combination with each seed is a trial, which is run
//! once and kept, however the sweep that asks for it is changed.

mod varied;
mod plan;
mod trial;
mod ground;
mod runner;
mod summary;
mod table;
mod plot;

pub(crate) use plan::Sweep;
pub(crate) use plot::svg;
pub(crate) use runner::{Choice, run};
pub(crate) use summary::summarise;
pub(crate) use table::terminal;
