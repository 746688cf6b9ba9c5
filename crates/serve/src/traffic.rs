//! Recommendations a second over the last minutes, for the console.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

/// Points that are kept.
const POINTS: usize = 120;
/// Seconds between two points.
pub(crate) const POINT_SECONDS: u64 = 5;

/// A short memory of rates.
#[derive(Debug, Default)]
pub(crate) struct Traffic(Mutex<Memory>);

#[derive(Debug, Default)]
struct Memory {
    last_count: u64,
    points: VecDeque<f32>,
}

impl Traffic {
    /// Notes the count of recommendations so far; called every [`POINT_SECONDS`].
    pub(crate) fn note(&self, count: u64) {
        let mut memory = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let rate = count.saturating_sub(memory.last_count) as f32 / POINT_SECONDS as f32;
        memory.last_count = count;
        if memory.points.len() == POINTS {
            memory.points.pop_front();
        }
        memory.points.push_back(rate);
    }

    /// Rates, the oldest first.
    pub(crate) fn points(&self) -> Vec<f32> {
        let memory = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        memory.points.iter().copied().collect()
    }
}
