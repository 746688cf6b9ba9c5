//! Papers: a recipe in; cells run, stored and summed up.
//!
//! A [`Recipe`] names data sets, arms (ways to make a model) and grids (arms × seeds on one data
//! set under one split). Every (grid, arm, seed) is a cell, which is run once and kept.

mod recipe;
mod study;
mod embedded;
mod ground;
mod outcome;
mod metric;
mod decile;
mod cell;
mod store;
mod arm;
mod borrow;
mod runner;
mod summary;
mod verdict;
mod reversal;
mod merge;
mod table;
mod reversal_table;

pub(crate) use embedded::{embedded, find};
pub(crate) use recipe::Recipe;
pub(crate) use runner::{Choice, run};
pub(crate) use summary::{Summary, plots, summarise};
pub(crate) use table::{markdown, terminal};
