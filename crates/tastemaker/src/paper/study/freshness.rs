//! What servers keep of freshness: see [`crate::freshness`].

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use serde_json::Value;

use super::Measured;
use crate::freshness::{self, FreshnessSettings};

pub(super) fn parse(settings: &Value) -> Result<FreshnessSettings> {
    serde_json::from_value(settings.clone()).context("settings of a study of freshness")
}

/// All servers of one world. Quick: a small world and hours instead of days.
pub(super) fn run(settings: &FreshnessSettings, seed: u64, quick: bool) -> Result<Measured> {
    let mut settings = settings.clone();
    if quick {
        settings.users = settings.users.min(300);
        settings.days_before = settings.days_before.min(1.0);
        settings.days = settings.days.min(0.25);
        settings.epochs = settings.epochs.min(2);
    }
    Ok(Measured { metrics: freshness::run(&settings, seed)?, curves: BTreeMap::new() })
}
