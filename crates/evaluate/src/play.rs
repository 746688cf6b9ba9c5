//! What two policies did to a world whose truth is known, and what a log would have said of it.

mod kept;
mod measure;
mod page;
mod tables;
mod terminal;
mod words;

use maud::Markup;
use serde::{Deserialize, Serialize};

use crate::Interval;

/// Version of the format of [`PlayReport`].
pub const PLAY_FORMAT: u32 = 1;

/// Two policies, each in a world of its own that begins the same.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PlayReport {
    /// [`PLAY_FORMAT`].
    pub format: u32,
    /// Which world.
    pub world: WorldFacts,
    /// The policy in question, then the one that it is held against.
    pub arms: Vec<ArmReport>,
    /// First arm minus second, by person, with the interval over people.
    pub differences: Vec<Difference>,
    /// What the log of the second arm says of the first, beside the truth.
    pub estimates: Vec<PolicyEstimates>,
    /// Both in one slate; `None` in plays from before there was such a thing.
    #[serde(default)]
    pub interleaved: Option<Interleaved>,
    /// The answer in one or two sentences.
    pub verdict: String,
}

/// The world that was played in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WorldFacts {
    /// Its preset, `short-video`.
    pub preset: String,
    /// Its seed.
    pub seed: u64,
    /// People.
    pub users: u64,
    /// Items at the start.
    pub items: u64,
    /// Places of a slate.
    pub places: u32,
    /// Items that a policy chooses from.
    pub candidates: u32,
    /// Impressions before the arms begin, by a uniformly random policy; models learn from them.
    pub warm_impressions: u64,
    /// Days that the arms played.
    pub days: u32,
}

/// What one policy did.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ArmReport {
    /// As it was named on the command line: `item-knn`, `epsilon:0.1:popular`.
    pub name: String,
    /// Sums over all days.
    pub total: Tally,
    /// Day by day.
    pub days: Vec<Tally>,
    /// Seconds that it took.
    #[serde(deserialize_with = "kept::number")]
    pub seconds: f64,
}

/// What happened in some time.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Tally {
    /// Visits that began.
    pub visits: u64,
    /// Requests, each for a slate.
    pub requests: u64,
    /// Items shown.
    pub impressions: u64,
    /// Clicks.
    pub clicks: u64,
    /// True satisfaction of these clicks, summed: the value that counts. No product sees it.
    #[serde(deserialize_with = "kept::number")]
    pub satisfaction: f64,
    /// Clicks that the slates were expected to bring: the truth without its noise.
    #[serde(deserialize_with = "kept::number")]
    pub expected_clicks: f64,
    /// Seconds watched.
    #[serde(deserialize_with = "kept::number")]
    pub watched_s: f64,
    /// Likes.
    pub likes: u64,
    /// Purchases.
    pub buys: u64,
    /// Visits that ended in the middle of a slate.
    pub abandons: u64,
    /// Items made by people.
    pub creations: u64,
}

/// One quantity by person: first arm minus second.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Difference {
    /// `satisfaction`, `visits`, `creations`.
    pub of: String,
    /// Of the first arm, a person.
    #[serde(deserialize_with = "kept::number")]
    pub first: f64,
    /// Of the second arm, a person.
    #[serde(deserialize_with = "kept::number")]
    pub second: f64,
    /// First minus second.
    #[serde(deserialize_with = "kept::interval")]
    pub difference: Interval,
}

/// The value of the first arm's policy, estimated from the log of the second, beside the truth.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PolicyEstimates {
    /// What is estimated: `click on the first place`, `clicks of a slate`.
    pub of: String,
    /// Requests in the log.
    pub rows: u64,
    /// Of the first arm's policy on these requests.
    #[serde(deserialize_with = "kept::number")]
    pub true_value: f64,
    /// Of the logging policy, as logged.
    #[serde(deserialize_with = "kept::number")]
    pub logged_value: f64,
    /// One an estimator.
    pub estimators: Vec<Estimator>,
    /// Effective sample size over rows, 0 to 1.
    #[serde(deserialize_with = "kept::number")]
    pub effective_share: f64,
    /// Largest weight.
    #[serde(deserialize_with = "kept::number")]
    pub weight_max: f64,
    /// Mean weight, which is 1 where propensities are right.
    #[serde(deserialize_with = "kept::number")]
    pub weight_mean: f64,
    /// Reasons not to trust these numbers; empty where there is none.
    pub alarms: Vec<String>,
}

/// One estimate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Estimator {
    /// `IPS`, `DR`.
    pub name: String,
    /// With its 95 % interval over people.
    #[serde(deserialize_with = "kept::interval")]
    pub value: Interval,
}

/// Team-draft interleaving of the orders of both arms (Radlinski et al. 2008).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Interleaved {
    /// Requests, each answered by both.
    pub requests: u64,
    /// Of these, where the first arm's picks had more clicks.
    pub first_won: u64,
    /// Where the second's had.
    pub second_won: u64,
    /// Clicks on picks of the first minus those of the second, a request; interval over people.
    #[serde(deserialize_with = "kept::interval")]
    pub credit: Interval,
}

impl PlayReport {
    /// As JSON text, in two-space indents. What is no number, or not finite, is `null`.
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).expect("names are text")
    }

    /// As tables for a terminal, the verdict above them.
    pub fn to_terminal(&self) -> String {
        terminal::text(self)
    }

    /// As one self-contained page.
    pub fn to_html(&self) -> String {
        page::document(self).into_string()
    }

    /// The inside of that page, with its own style, to stand in another one.
    pub fn html_body(&self) -> Markup {
        page::body(self)
    }
}

impl Estimator {
    /// Whether the interval holds the truth. One without ends says nothing, and holds nothing.
    pub fn covers(&self, truth: f64) -> bool {
        let Interval { low, high, .. } = self.value;
        low.is_finite() && high.is_finite() && low <= truth && truth <= high
    }
}
