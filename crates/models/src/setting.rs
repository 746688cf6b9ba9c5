//! Ranges that settings of models lie in.

use crate::{Error, Result};

/// The checks.
pub(crate) struct Ranges;

impl Ranges {
    /// Whole numbers from 1 to the most that is sensible.
    pub(crate) fn whole(settings: &[(&'static str, u32, u32)]) -> Result<()> {
        for &(field, value, most) in settings {
            if value == 0 || value > most {
                let what = format!("{value} is not in 1 to {most}");
                return Err(Error::Setting { field, what });
            }
        }
        Ok(())
    }

    /// A share that is dropped.
    pub(crate) fn rate(field: &'static str, rate: f32) -> Result<()> {
        if (0.0..1.0).contains(&rate) {
            return Ok(());
        }
        Err(Error::Setting { field, what: format!("{rate} is not in [0, 1)") })
    }

    /// What is added to a variance.
    pub(crate) fn eps(field: &'static str, eps: f32) -> Result<()> {
        if eps > 0.0 && eps < 1.0 {
            return Ok(());
        }
        Err(Error::Setting { field, what: format!("{eps} is not in (0, 1)") })
    }
}
