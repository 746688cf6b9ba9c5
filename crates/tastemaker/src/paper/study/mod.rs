//! Studies: papers whose cells are not rankings. An arm at a point with a seed is a cell, and a cell is named
//! numbers; the rest (store, seeds, `--only`, tables) is the same for all kinds.
//!
//! A kind is a file here: it parses its settings, runs one cell, and says what data it needs. To add one,
//! add a variant to [`StudyKind`] and an arm to [`Experiment`].

mod recipe;
mod cell;
mod runner;
mod summary;
mod table;
mod plot;
mod clicks;
mod world;
mod criteo;
mod freshness;
mod offload;

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Result;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::freshness::FreshnessSettings;

pub(super) use cell::{StudyCell, StudyIdentity, place};
pub(super) use plot::svg;
pub(super) use recipe::Study;
pub(super) use runner::{run, tasks};
pub(super) use summary::{StudySummary, keep, summarise};
pub(super) use table::studies;

/// What a cell of a study does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum StudyKind {
    /// A click model above embedding tables.
    Clicks,
    /// Servers that get a part of what a model learns, now and then.
    Freshness,
    /// Rows in a slow tier, beside the same in memory.
    Offload,
}

/// Settings of a cell, parsed.
enum Experiment {
    Clicks(Box<clicks::ClicksSettings>),
    Freshness(Box<FreshnessSettings>),
    Offload(Box<offload::OffloadSettings>),
}

/// What a cell found.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Measured {
    /// Numbers by name.
    pub(crate) metrics: BTreeMap<String, f64>,
    /// Series by name, where a paper draws them.
    pub(crate) curves: BTreeMap<String, Vec<f64>>,
}

impl StudyKind {
    /// Parses the settings of a cell.
    fn experiment(self, settings: &Value) -> Result<Experiment> {
        match self {
            StudyKind::Clicks => Ok(Experiment::Clicks(Box::new(clicks::parse(settings)?))),
            StudyKind::Offload => Ok(Experiment::Offload(Box::new(offload::parse(settings)?))),
            StudyKind::Freshness => {
                Ok(Experiment::Freshness(Box::new(freshness::parse(settings)?)))
            }
        }
    }
}

impl Experiment {
    /// Refuses, with exit status 3, data that is not in the folder.
    fn must_have(&self, data: &Path) -> Result<()> {
        match self {
            Experiment::Clicks(settings) => settings.must_have(data),
            // What these need is made here.
            Experiment::Freshness(_) | Experiment::Offload(_) => Ok(()),
        }
    }

    /// Runs a cell.
    fn run(&self, data: &Path, seed: u64, quick: bool) -> Result<Measured> {
        match self {
            Experiment::Clicks(settings) => clicks::run(settings, data, seed, quick),
            Experiment::Freshness(settings) => freshness::run(settings, seed, quick),
            Experiment::Offload(settings) => offload::run(settings, seed, quick),
        }
    }
}
