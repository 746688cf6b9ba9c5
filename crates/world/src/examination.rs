//! How a slate is looked at: which of its places are seen, and what a click there says.

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// The model of examination.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Examination {
    /// Place k (from 1) is seen with `θ_k = k^(−decay·η)`, whatever stands elsewhere; η is the
    /// person's own attention. Clicks are independent (Richardson et al. 2007).
    PositionBased {
        /// 0: every place is seen.
        decay: f32,
    },
    /// From the top, until a click (of one) or until the person leaves: at an item without a click
    /// the person leaves with `P(abandon)` (Craswell et al. 2008, with leaving).
    Cascade {
        /// Go on after a click.
        many: bool,
    },
    /// As position-based; what is seen is clicked with `ε⁺_k·p + ε⁻_k·(1 − p)`, where
    /// `ε⁻_k = noise·k^(−noise_decay)` and `ε⁺_k = 1 − noise + ε⁻_k`: on top people click also what
    /// they do not want (Agarwal et al. 2019).
    TrustBias {
        /// 0: every place is seen.
        decay: f32,
        /// ε⁻ on the first place, 0 to ½.
        noise: f32,
        /// How fast it falls with the place.
        noise_decay: f32,
    },
}

impl Examination {
    /// Chance that place `k` (from 0) is seen, by a person of attention `eta`; `None` in a cascade,
    /// where it depends on what stands above.
    pub fn seen(self, place: usize, eta: f32) -> Option<f32> {
        match self {
            Examination::PositionBased { decay } | Examination::TrustBias { decay, .. } => {
                Some(((place + 1) as f32).powf(-decay * eta))
            }
            Examination::Cascade { .. } => None,
        }
    }

    /// Chance of a click on what is seen at place `k` (from 0) and would be clicked with `click` on
    /// its own.
    pub fn clicked(self, place: usize, click: f32) -> f32 {
        match self {
            Examination::TrustBias { noise, noise_decay, .. } => {
                let minus = noise * ((place + 1) as f32).powf(-noise_decay);
                (1.0 - noise + minus) * click + minus * (1.0 - click)
            }
            _ => click,
        }
    }

    pub(crate) fn check(self) -> Result<()> {
        let (decay, noise, noise_decay) = match self {
            Examination::PositionBased { decay } => (decay, 0.0, 0.0),
            Examination::Cascade { .. } => (0.0, 0.0, 0.0),
            Examination::TrustBias { decay, noise, noise_decay } => (decay, noise, noise_decay),
        };
        for (field, value, high) in [
            ("examination.decay", decay, 10.0),
            ("examination.noise", noise, 0.5),
            ("examination.noise_decay", noise_decay, 10.0),
        ] {
            if !(0.0..=high).contains(&value) {
                let what = format!("{value} is not between 0 and {high}");
                return Err(Error::Setting { field, what });
            }
        }
        Ok(())
    }
}
