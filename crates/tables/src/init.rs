//! What a row is before anybody has updated it: a function of seed and key, so that the order in
//! which rows come, and on which thread, changes nothing.

use crate::mix::mix;
use crate::{Error, Result};

/// How fresh rows begin.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Init {
    /// All 0.
    Zero,
    /// Uniform between −bound and bound.
    Uniform {
        /// Largest number.
        bound: f32,
        /// Another seed, other rows.
        seed: u64,
    },
}

impl Init {
    /// # Errors
    /// Where rows would not be finite.
    pub(crate) fn check(self) -> Result<()> {
        match self {
            Init::Uniform { bound, .. } if !bound.is_finite() => {
                let what = format!("its bound is {bound}");
                Err(Error::Setting { field: "init", what })
            }
            Init::Zero | Init::Uniform { .. } => Ok(()),
        }
    }

    /// Fills a row of the key.
    pub(crate) fn fill(self, key: u64, row: &mut [f32]) {
        match self {
            Init::Zero => row.fill(0.0),
            Init::Uniform { bound, seed } => {
                let mut state = mix(key, mix(seed, 0x9e37_79b9_7f4a_7c15));
                for value in row {
                    state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
                    // 24 bits: exact in f32, and never 1.
                    let share = (mix(state, 0) >> 40) as f32 / (1u32 << 24) as f32;
                    *value = bound * (2.0 * share - 1.0);
                }
            }
        }
    }
}
