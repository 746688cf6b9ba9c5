//! How much each item of a history weighs in a query.
//!
//! An item that happened `n` events and `d` days before the newest event of the history weighs
//! 2^(-n / half_life_events - d / half_life_days). Days count from the newest event and not
//! from the query's instant: that would multiply all weights of a query by one number, which
//! changes no ranking but would let the weights of a user who was away for years vanish.

use data::History;

use crate::Result;
use crate::config::{at_least_one, half_life};
use crate::scratch::Scratch;

const DAY_MS: f64 = 86_400_000.0;

/// What a query takes from a history.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Recency {
    history_max: usize,
    half_life_events: f64,
    half_life_days: f64,
}

impl Recency {
    /// Checked settings of the model `[models.{model}]`; a half-life of 0 is none.
    pub(crate) fn new(
        model: &str,
        history_max: u32,
        half_life_events: f64,
        half_life_days: f64,
    ) -> Result<Recency> {
        at_least_one(model, "history_max", history_max)?;
        half_life(model, "history_half_life_events", half_life_events)?;
        half_life(model, "history_half_life_days", half_life_days)?;
        Ok(Recency { history_max: history_max as usize, half_life_events, half_life_days })
    }

    /// The distinct items below `items` among the latest events, newest first, each with the
    /// weight of its latest event.
    pub(crate) fn weigh(
        &self,
        history: History<'_>,
        items: u32,
        scratch: &mut Scratch,
    ) -> Vec<(u32, f32)> {
        let latest = history.last(self.history_max);
        let newest_ms = latest.times_ms.last().copied().unwrap_or(0);
        scratch.new_round();
        // Powers by repeated multiplication: a query may look at thousands of events.
        let step = match self.half_life_events {
            0.0 => 1.0,
            events => (-1.0 / events).exp2(),
        };
        let mut by_place = 1.0;
        let mut weighed = Vec::with_capacity(latest.len());
        for (item, time_ms) in latest.items.iter().zip(latest.times_ms).rev() {
            if *item < items && scratch.mark(*item) {
                let age_ms = newest_ms.saturating_sub(*time_ms);
                let weight = (by_place * decay(age_ms, self.half_life_days)) as f32;
                if weight > 0.0 {
                    weighed.push((*item, weight));
                }
            }
            by_place *= step;
        }
        weighed
    }
}

/// What is left of an event's weight `age_ms` after it; a half-life of 0 is none.
pub(crate) fn decay(age_ms: i64, half_life_days: f64) -> f64 {
    // An event of the future is new.
    let days = age_ms.max(0) as f64 / DAY_MS;
    if half_life_days > 0.0 { (-days / half_life_days).exp2() } else { 1.0 }
}
