//! From rankings to a report.

mod world;
mod columns;
mod findings;

use data::split::Split;
use data::{Catalogue, Feedback, Jagged, Progress};

use self::world::World;
use crate::bootstrap::Ratios;
use crate::report::{ModelReport, Report};
use crate::{Cases, Error, EvaluateConfig, Result};

/// What one model answered.
#[derive(Debug, Clone, PartialEq)]
pub struct Ranked {
    /// Its name.
    pub name: String,
    /// Row i: its ranking of the whole catalogue for case i, best first, cut at the longest
    /// list that is measured. A shorter row is a list whose missing places are misses.
    pub items: Jagged<u32>,
    /// Seconds it took for all cases.
    pub seconds: f64,
}

/// Where the rankings come from: recorded with the numbers.
#[derive(Debug, Clone, Copy)]
pub struct Setting<'a> {
    /// Who and what the log knows.
    pub catalogue: &'a Catalogue,
    /// The split.
    pub split: &'a Split,
    /// Checksum of the log's manifest.
    pub log_checksum: &'a str,
    /// Seed of everything random.
    pub seed: u64,
    /// How ties are broken.
    pub tie_rule: &'a str,
    /// Which events count.
    pub feedback: &'a Feedback,
    /// The present, milliseconds since the epoch.
    pub created_ms: i64,
}

/// Measures all `ranked` on the same cases. Every mean gets a user-bootstrap 95 % interval, and
/// the paired difference from `config.baseline` where that model is among them.
///
/// # Errors
/// Where a setting or a ranking is wrong (an unknown item, a seen one that should be excluded,
/// not one row a case), or the user asked to stop.
pub fn evaluate(
    cases: &Cases,
    ranked: &[Ranked],
    setting: &Setting<'_>,
    config: &EvaluateConfig,
    progress: &Progress<'_>,
) -> Result<Report> {
    config.check()?;
    check(cases, ranked, setting)?;
    let world = World::new(cases, setting, config);
    let mut ratios = Ratios::new(cases.len());
    let over = world.denominators(&mut ratios);
    let mut columns = Vec::with_capacity(ranked.len());
    for (at, ranked) in ranked.iter().enumerate() {
        progress.step("models", at as u64, Some(columns.capacity() as u64))?;
        columns.push(world.columns(ranked, &over, &mut ratios));
    }
    let resampled = ratios.resample(config.bootstrap as usize, setting.seed, progress)?;
    let baseline = ranked.iter().position(|ranked| ranked.name == config.baseline);
    let models: Vec<ModelReport> = ranked
        .iter()
        .zip(&columns)
        .enumerate()
        .map(|(at, (ranked, own))| {
            let other = baseline.filter(|other| *other != at).map(|other| &columns[other]);
            world.model(ranked, own, other, &resampled)
        })
        .collect();
    Ok(world.report(models))
}

/// Refuses rankings that cannot be what they are said to be.
fn check(cases: &Cases, ranked: &[Ranked], setting: &Setting<'_>) -> Result<()> {
    if ranked.is_empty() {
        return Err(Error::Refused("no model to measure; name one".into()));
    }
    for (at, Ranked { name, items, .. }) in ranked.iter().enumerate() {
        if ranked[..at].iter().any(|other| other.name == *name) {
            return Err(Error::input(
                name,
                "this model is there twice; give each its own name",
            ));
        }
        if items.rows() != cases.len() {
            let what = format!("{} rankings for {} cases", items.rows(), cases.len());
            return Err(Error::input(name, what));
        }
    }
    let item_count = setting.split.train.item_count();
    for case in 0..cases.len() {
        let seen = cases.seen_items(case);
        for Ranked { name, items, .. } in ranked {
            let place = || format!("{name}, user index {}", cases.user(case));
            for item in items.row(case) {
                if *item >= item_count {
                    let what = format!("ranks item index {item} of {item_count}");
                    return Err(Error::input(place(), what));
                }
                if seen.binary_search(item).is_ok() {
                    let what = format!(
                        "ranks item index {item}, which the user has already seen; filter seen \
                         items or set evaluate.seen = \"include\""
                    );
                    return Err(Error::input(place(), what));
                }
            }
        }
    }
    Ok(())
}
