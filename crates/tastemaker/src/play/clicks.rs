//! Clicks of a world and nothing else: who, on what, when.

use anyhow::Result;
use world::{Kind, World, WorldConfig};

use super::arm::Arm;
use super::chosen::Chooser;
use super::known::Known;
use super::policy::PolicyName;
use crate::terminal::with_progress;

/// What a world's people clicked in some days.
#[derive(Debug, Clone)]
pub(crate) struct Clicks {
    pub(crate) users: u32,
    /// (person, item, when in milliseconds), by time.
    pub(crate) clicks: Vec<(u32, u32, i64)>,
    /// When each item came, by its number.
    pub(crate) born_ms: Vec<i64>,
}

/// Days of a world in which `policy` makes slates from so many `candidates`.
pub(crate) fn clicks(
    config: &WorldConfig,
    policy: PolicyName,
    candidates: usize,
    seed: u64,
    days: f64,
) -> Result<Clicks> {
    let until_ms = config.start_ms + (days * 86_400_000.0) as i64;
    with_progress("world", |progress| {
        let world = World::new(config.clone(), seed)?;
        let chooser = Chooser::of_no_model(policy, candidates, seed);
        let known = Known::new(config.users);
        let mut arm = Arm { world, chooser, known };
        let mut all = Clicks { users: config.users, clicks: Vec::new(), born_ms: Vec::new() };
        while arm.world.now_ms() < until_ms {
            let round = arm.round()?;
            let catalogue = arm.world.catalogue();
            for number in all.born_ms.len() as u32..catalogue.end() {
                // One that is gone before it was seen here was never shown either.
                all.born_ms.push(catalogue.get(number).map_or(i64::MAX, |item| item.born_ms));
            }
            for event in round.happened.iter().filter(|event| event.kind == Kind::Click) {
                let user = round.requests[event.request as usize].user;
                if let (Some(user), Some(item)) = (user, event.item) {
                    all.clicks.push((user, item, event.time_ms));
                }
            }
            let passed = (arm.world.now_ms() - config.start_ms).max(0) as u64;
            let total = (until_ms - config.start_ms) as u64;
            progress.step("milliseconds", passed.min(total), Some(total))?;
        }
        // Rounds of people who are here at once overlap in time.
        all.clicks.sort_by_key(|(user, item, time_ms)| (*time_ms, *user, *item));
        Ok(all)
    })
}
