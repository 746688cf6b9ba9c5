//! A finished cell of a study.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::StudyKind;
use crate::experiment::Machine;

/// Version of the file; another is run again.
pub(crate) const STUDY_VERSION: u32 = 1;

/// What makes a cell what it is. Equal identity, equal numbers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct StudyIdentity {
    pub(crate) version: u32,
    pub(crate) paper: String,
    pub(crate) study: String,
    pub(crate) kind: StudyKind,
    /// `ARM` or `ARM-POINT`.
    pub(crate) arm: String,
    pub(crate) seed: u64,
    pub(crate) quick: bool,
    /// As the recipe has them.
    pub(crate) settings: Value,
}

/// The file of a cell.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct StudyCell {
    pub(crate) identity: StudyIdentity,
    /// Numbers by name.
    pub(crate) metrics: BTreeMap<String, f64>,
    /// Series by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) curves: BTreeMap<String, Vec<f64>>,
    pub(crate) seconds: f64,
    pub(crate) machine: Machine,
    pub(crate) finished_ms: i64,
}

/// Where it is kept. A folder deeper than cells of grids, which are looked for one folder down.
pub(crate) fn place(study: &str, arm: &str, seed: u64) -> PathBuf {
    Path::new("studies").join(study).join(format!("{arm}-{seed}.json"))
}
