//! `[evaluate]` of the config.

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// Longest list that is measured.
const K_MAX: u32 = 1000;
/// Most cut-offs in one report: each multiplies its tables.
const CUTS_MAX: usize = 8;
/// Fewest replicates that have a 2.5th percentile, and the most that make sense.
const BOOTSTRAP: std::ops::RangeInclusive<u32> = 40..=100_000;
/// Most buckets over test time.
const TIME_BUCKETS_MAX: u32 = 60;

/// Whether items of a user's training history may be recommended, and count as relevant, again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SeenPolicy {
    /// Seen items are neither ranked nor relevant: films, books.
    #[default]
    Exclude,
    /// Seen items stay: songs, groceries.
    Include,
}

impl std::fmt::Display for SeenPolicy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            SeenPolicy::Exclude => "exclude",
            SeenPolicy::Include => "include",
        })
    }
}

/// What is measured, and how carefully.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EvaluateConfig {
    /// Lengths of list at which the metrics are taken. The first is the headline's.
    pub k: Vec<u32>,
    /// Replicates of the user bootstrap.
    pub bootstrap: u32,
    /// Whether seen items stay.
    pub seen: SeenPolicy,
    /// The model that every other is compared with.
    pub baseline: String,
    /// Buckets of equal length over test time.
    pub time_buckets: u32,
}

impl Default for EvaluateConfig {
    fn default() -> Self {
        Self {
            k: vec![10, 20, 50],
            bootstrap: 1000,
            seen: SeenPolicy::Exclude,
            baseline: "popular-lately".into(),
            time_buckets: 8,
        }
    }
}

impl EvaluateConfig {
    /// Longest list that is measured: what a model is asked for.
    pub fn k_max(&self) -> u32 {
        self.k.iter().copied().max().unwrap_or(0)
    }

    /// Length of the headline's list.
    pub(crate) fn k_headline(&self) -> u32 {
        self.k.first().copied().unwrap_or(0)
    }

    /// # Errors
    /// Names the first setting that nothing can be measured with.
    pub fn check(&self) -> Result<()> {
        let bad = |field, what: String| Err(Error::Setting { field, what });
        if self.k.is_empty() || self.k.len() > CUTS_MAX {
            return bad(
                "k",
                format!(
                    "{} list lengths; give 1 to {CUTS_MAX}, like [10, 20, 50]",
                    self.k.len()
                ),
            );
        }
        for (at, k) in self.k.iter().enumerate() {
            if !(1..=K_MAX).contains(k) {
                return bad("k", format!("a list of {k} items; lengths are 1 to {K_MAX}"));
            }
            if self.k[..at].contains(k) {
                return bad("k", format!("{k} appears twice; name each length once"));
            }
        }
        if !BOOTSTRAP.contains(&self.bootstrap) {
            return bad(
                "bootstrap",
                format!(
                    "{} replicates; a 95 % interval needs {} to {}, 1000 is usual",
                    self.bootstrap,
                    BOOTSTRAP.start(),
                    BOOTSTRAP.end()
                ),
            );
        }
        if !(1..=TIME_BUCKETS_MAX).contains(&self.time_buckets) {
            return bad(
                "time_buckets",
                format!("{} buckets; give 1 to {TIME_BUCKETS_MAX}", self.time_buckets),
            );
        }
        Ok(())
    }
}
