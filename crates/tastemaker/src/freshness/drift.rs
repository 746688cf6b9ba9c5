//! A log that drifts: items come and grow old, tastes move.

use anyhow::Result;
use data::Sequences;
use world::{CatalogueConfig, TasteConfig, WorldConfig};

use super::FreshnessSettings;
use crate::hint;
use crate::play::{Clicks, clicks};

/// All clicks of a run, and where the first day of serving begins.
pub(super) struct Drift {
    clicks: Clicks,
    pub(super) whole: Sequences,
    pub(super) begin_ms: i64,
    pub(super) end_ms: i64,
}

/// A click as it comes: whose, and which of theirs.
#[derive(Debug, Clone, Copy)]
pub(super) struct Coming {
    pub(super) user: u32,
    pub(super) place: usize,
}

impl Drift {
    /// Of a world of these settings.
    pub(super) fn new(settings: &FreshnessSettings, seed: u64) -> Result<Drift> {
        let usual = WorldConfig::default();
        let config = WorldConfig {
            users: settings.users,
            items: settings.items,
            tick_s: settings.learn_s.min(3600),
            catalogue: CatalogueConfig {
                arrivals_a_day: settings.arrivals_a_day,
                half_life_days: settings.half_life_days,
                alive_max: settings.alive_max,
                ..usual.catalogue
            },
            taste: TasteConfig { drift_a_day: settings.drift_a_day, ..usual.taste },
            ..usual
        };
        let policy = settings.policy.parse().map_err(|why: String| {
            hint::error(format!("policy: {why}"), "epsilon:0.3:oracle is one")
        })?;
        let days = settings.days_before + settings.days;
        let clicks = clicks(&config, policy, settings.candidates, seed, days)?;
        let items = clicks.born_ms.len() as u32;
        let events: Vec<(u32, u32, i64, f32)> =
            clicks.clicks.iter().map(|(user, item, at)| (*user, *item, *at, 1.0)).collect();
        let whole = Sequences::from_events(clicks.users as usize, items, &events)?;
        let begin_ms = config.start_ms + (settings.days_before * 86_400_000.0) as i64;
        let end_ms = config.start_ms + (days * 86_400_000.0) as i64;
        Ok(Drift { clicks, whole, begin_ms, end_ms })
    }

    /// The log as it was at an instant: clicks before it, and the items that had come.
    pub(super) fn until(&self, now_ms: i64) -> Result<Sequences> {
        let (mut offsets, mut items) = (vec![0], Vec::new());
        let (mut times_ms, mut values) = (Vec::new(), Vec::new());
        for user in 0..self.whole.users() as u32 {
            let own = self.whole.user(user);
            let before = own.times_ms.partition_point(|time_ms| *time_ms < now_ms);
            items.extend_from_slice(&own.items[..before]);
            times_ms.extend_from_slice(&own.times_ms[..before]);
            values.extend_from_slice(&own.values[..before]);
            offsets.push(items.len());
        }
        // Numbers are given in the order of coming.
        let come = self.clicks.born_ms.partition_point(|born_ms| *born_ms < now_ms);
        let most = items.iter().max().map_or(0, |item| item + 1);
        Ok(Sequences::new(offsets, items, times_ms, values, most.max(come as u32))?)
    }

    /// Clicks from `from_ms` on, before `to_ms`.
    pub(super) fn between(&self, from_ms: i64, to_ms: i64) -> Vec<Coming> {
        let of =
            |at_ms: i64| self.clicks.clicks.partition_point(|(_, _, time_ms)| *time_ms < at_ms);
        let coming = self.clicks.clicks[of(from_ms)..of(to_ms)].iter();
        coming
            .filter_map(|(user, item, time_ms)| {
                let own = self.whole.user(*user);
                let first = own.times_ms.partition_point(|own_ms| own_ms < time_ms);
                let same = own.items[first..].iter().position(|own| own == item)?;
                Some(Coming { user: *user, place: first + same })
            })
            .collect()
    }
}
