//! Which negatives to draw: one of a closed set.

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// Largest share of mined negatives: beyond it, training collapses onto the false negatives that
/// every log is full of.
pub const HARD_SHARE_MAX: f64 = 0.3;

/// Who shares a list of negatives.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Layout {
    /// One list for the whole batch.
    #[default]
    Shared,
    /// One list a row (a user's sequence), for all its positions.
    PerRow,
    /// One list a token.
    PerToken,
}

/// How the targets of a batch become negatives.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Labels {
    /// Each item once, however often it is a target: in the list with probability
    /// `1 - (1 - q)^B` for B targets.
    #[default]
    Unique,
    /// As often as it is a target: each place is a draw from q.
    Repeated,
}

/// How mined negatives are weighted against the drawn rest.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HardWeight {
    /// As if drawn uniformly, so that each stands for as many items as a uniform draw does.
    /// Biased on purpose: the loss over-weights what the model ranks high.
    #[default]
    Uniform,
    /// With what they were drawn with: a mined item is in the list for certain. A corrected loss
    /// stays unbiased, with less variance where the softmax has its mass.
    Drawn,
}

/// A negative sampler's settings. `count` is the length of each list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Negatives {
    /// Every item alike, with replacement. SASRec: 1, per token, unseen. SASRec+ 3000: per row,
    /// unseen. gSASRec: 256, per token.
    Uniform {
        /// Length of each list.
        count: usize,
        /// Who shares one.
        #[serde(default)]
        layout: Layout,
        /// Only items that the row's user has not interacted with; not for shared lists.
        #[serde(default)]
        unseen: bool,
    },
    /// By `training count ^ power`, with replacement. word2vec's power is 0.75.
    Popularity {
        /// Length of each list.
        count: usize,
        /// 1 is popularity, 0 is uniform over the items of the training data.
        #[serde(default = "one")]
        power: f64,
        /// Who shares one.
        #[serde(default)]
        layout: Layout,
        /// Only items that the row's user has not interacted with; not for shared lists.
        #[serde(default)]
        unseen: bool,
    },
    /// The targets of the batch, shared.
    InBatch {
        /// A random subset of so many where there are more; all where absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        count: Option<usize>,
        /// Each item once, or as often as it is a target.
        #[serde(default)]
        labels: Labels,
    },
    /// Targets of the batch and uniform items, shared (Yang et al., WWW 2020).
    Mixed {
        /// Length of the list.
        count: usize,
        /// Share of it that comes from the batch; where the batch has fewer, uniform items fill.
        share: f64,
        /// Each item once, or as often as it is a target.
        #[serde(default)]
        labels: Labels,
    },
    /// Items that the model ranks high for the row, and drawn ones, per row; none that its user
    /// has interacted with.
    Hard {
        /// Length of each list.
        count: usize,
        /// Share of it that is mined, at most [`HARD_SHARE_MAX`].
        share: f64,
        /// How the mined ones are weighted.
        #[serde(default)]
        weight: HardWeight,
        /// The rest is drawn by `training count ^ power`: 0 is uniform, 1 is what targets of a
        /// batch are draws of.
        #[serde(default)]
        power: f64,
    },
}

fn one() -> f64 {
    1.0
}

impl Negatives {
    /// Refuses what cannot be drawn.
    ///
    /// # Errors
    /// [`Error::Setting`] with the name of the field.
    pub fn check(&self) -> Result<()> {
        let count = match self {
            Negatives::InBatch { count, .. } => count.unwrap_or(1),
            Negatives::Uniform { count, .. }
            | Negatives::Popularity { count, .. }
            | Negatives::Mixed { count, .. }
            | Negatives::Hard { count, .. } => *count,
        };
        if count == 0 {
            return Err(Error::setting("negatives.count", "0 negatives; at least 1"));
        }
        match self {
            Negatives::Uniform { layout: Layout::Shared, unseen: true, .. }
            | Negatives::Popularity { layout: Layout::Shared, unseen: true, .. } => {
                let what = "a list shared by all users has no user whose items it could leave \
                            out; use layout = \"per-row\" or \"per-token\"";
                Err(Error::setting("negatives.unseen", what))
            }
            Negatives::Popularity { power, .. } | Negatives::Hard { power, .. }
                if !power.is_finite() || *power < 0.0 =>
            {
                let what = format!("{power} is negative or not finite; 0 to 1 is usual");
                Err(Error::setting("negatives.power", what))
            }
            Negatives::Mixed { share, .. } if !(0.0..=1.0).contains(share) => {
                Err(Error::setting("negatives.share", format!("{share} is no share, 0 to 1")))
            }
            Negatives::Hard { share, .. } if !(0.0..=HARD_SHARE_MAX).contains(share) => {
                let what = format!("{share} of mined negatives; 0 to {HARD_SHARE_MAX}");
                Err(Error::setting("negatives.share", what))
            }
            _ => Ok(()),
        }
    }
}
