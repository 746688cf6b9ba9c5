//! What an evaluation found. It is a file format: fields may be added, never change meaning.

use std::collections::BTreeMap;

use data::Feedback;
use data::split::SplitFacts;
use serde::{Deserialize, Serialize};

use crate::SeenPolicy;
use crate::bootstrap::Interval;

/// Version of the report format that this program writes, and the newest it reads.
pub const REPORT_FORMAT: u32 = 1;
/// Below this many users a report says that it cannot rank models.
pub const TOO_FEW_USERS: usize = 200;

/// One evaluation of several models on one log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// Version of this format.
    pub format: u32,
    /// Why the numbers are too good, where the split is leaky: the first thing a reader sees.
    pub leaky: Option<String>,
    /// Whether anything beats the baseline, in plain words.
    pub verdict: String,
    /// What else a reader must know.
    pub notes: Vec<String>,
    /// What was measured, on what.
    pub setting: SettingFacts,
    /// How many users each group has.
    pub groups: Vec<GroupSize>,
    /// The models, in the order they were given.
    pub models: Vec<ModelReport>,
}

/// What was measured, on what.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SettingFacts {
    /// When, milliseconds since the epoch.
    pub created_ms: i64,
    /// Checksum of the log's manifest, which holds those of all data.
    pub log_checksum: String,
    /// The split.
    pub split: SplitFacts,
    /// What a user's history is while it is judged.
    pub histories: String,
    /// The catalogue that was ranked.
    pub catalogue: CatalogueFacts,
    /// Whether seen items may be ranked and count.
    pub seen: SeenPolicy,
    /// Which events count.
    pub feedback: Feedback,
    /// Seed of ties, models and bootstrap.
    pub seed: u64,
    /// How ties are broken.
    pub tie_rule: String,
    /// Cut-offs, the headline's first.
    pub k: Vec<u32>,
    /// The model that the others are compared with.
    pub baseline: String,
    /// Bootstrap replicates.
    pub bootstrap: u32,
}

/// The catalogue that was ranked: all of it, for every user.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CatalogueFacts {
    /// Users of the log.
    pub users: u32,
    /// Items of the log, each of which could be ranked.
    pub items: u32,
    /// Items with a training event.
    pub items_in_training: u32,
    /// User-item pairs that models had to find.
    pub relevant: u64,
    /// Those of them whose item has no training event: out of reach for collaborative models.
    pub relevant_new: u64,
}

/// A group of users.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Group {
    /// Everybody.
    All,
    /// With a history at the split.
    Warm,
    /// Without one.
    Cold,
}

impl Group {
    /// All of them, in the order of a report.
    pub const EVERY: [Group; 3] = [Group::All, Group::Warm, Group::Cold];
}

impl std::fmt::Display for Group {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Group::All => "all users",
            Group::Warm => "warm users",
            Group::Cold => "cold users",
        })
    }
}

/// Size of a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupSize {
    /// Which.
    pub group: Group,
    /// Users in it.
    pub users: usize,
}

/// A metric of accuracy.
#[allow(clippy::disallowed_methods, reason = "the derived order of a closed set is total")]
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Metric {
    /// [`ndcg`](crate::ranking::ndcg).
    Ndcg,
    /// [`recall`](crate::ranking::recall).
    Recall,
    /// [`precision`](crate::ranking::precision).
    Precision,
    /// [`hit_rate`](crate::ranking::hit_rate).
    HitRate,
    /// [`reciprocal_rank`](crate::ranking::reciprocal_rank).
    Mrr,
    /// [`average_precision`](crate::ranking::average_precision).
    Map,
}

impl Metric {
    /// All of them, in the order of a report.
    pub const EVERY: [Metric; 6] = [
        Metric::Ndcg,
        Metric::Recall,
        Metric::Precision,
        Metric::HitRate,
        Metric::Mrr,
        Metric::Map,
    ];

    /// Its value for one user.
    pub(crate) fn of(self, hits: &[bool], relevant: usize, k: usize) -> f64 {
        let metric = match self {
            Metric::Ndcg => crate::ranking::ndcg,
            Metric::Recall => crate::ranking::recall,
            Metric::Precision => crate::ranking::precision,
            Metric::HitRate => crate::ranking::hit_rate,
            Metric::Mrr => crate::ranking::reciprocal_rank,
            Metric::Map => crate::ranking::average_precision,
        };
        metric(hits, relevant, k).unwrap_or(0.0)
    }
}

impl std::fmt::Display for Metric {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Metric::Ndcg => "NDCG",
            Metric::Recall => "Recall",
            Metric::Precision => "Precision",
            Metric::HitRate => "HR",
            Metric::Mrr => "MRR",
            Metric::Map => "MAP",
        })
    }
}

/// All that was measured of one model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelReport {
    /// Its name.
    pub name: String,
    /// Seconds to rank for all cases.
    pub rank_seconds: f64,
    /// Cases for whom it found nothing at all.
    pub empty_lists: usize,
    /// Accuracy, by group of users; groups without a user are left out.
    pub groups: Vec<GroupRow>,
    /// What accuracy does not say, at each cut-off, over all users.
    pub beyond: Vec<Beyond>,
    /// The headline metric by length of history.
    pub by_history: Vec<Slice>,
    /// Share of relevant items found at the headline's k, by their popularity in training.
    pub by_popularity: Vec<Slice>,
    /// Share of relevant items found at the headline's k, by when they were met.
    pub over_time: Vec<Slice>,
}

/// Accuracy over one group.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GroupRow {
    /// Which.
    pub group: Group,
    /// Users in it.
    pub users: usize,
    /// At each cut-off, the headline's first.
    pub at: Vec<At>,
}

/// Accuracy at one cut-off.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct At {
    /// Length of the list.
    pub k: u32,
    /// Means over users.
    pub metrics: BTreeMap<Metric, Measured>,
}

/// A mean over users with its 95 % interval, and how it differs from the baseline's.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// Mean and interval.
    #[serde(flatten)]
    pub mean: Interval,
    /// This minus the baseline, paired; `None` for the baseline itself, and without one.
    pub difference: Option<Interval>,
}

/// What accuracy does not say, at one cut-off.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Beyond {
    /// Length of the list.
    pub k: u32,
    /// [`debiased_hits`](crate::beyond::debiased_hits).
    pub debiased_hit_rate: Option<Interval>,
    /// [`coverage`](crate::beyond::coverage).
    pub coverage: Option<f64>,
    /// [`gini`](crate::beyond::gini).
    pub gini: Option<f64>,
    /// [`novelty`](crate::beyond::novelty), bits, over users with a list.
    pub novelty: Option<Interval>,
    /// [`intra_list_diversity`](crate::beyond::intra_list_diversity), over users with a list
    /// that has categories.
    pub diversity: Option<Interval>,
}

/// One slice.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Slice {
    /// What it holds, in words.
    pub label: String,
    /// Where it begins, for slices of time, milliseconds since the epoch.
    pub from_ms: Option<i64>,
    /// Users (by history) or relevant pairs (by popularity, over time) in it.
    pub n: usize,
    /// The number; `None` where it holds nothing.
    pub value: Option<Interval>,
}

impl Report {
    /// Length of the headline's list.
    pub fn k(&self) -> u32 {
        self.setting.k.first().copied().unwrap_or(0)
    }

    /// Users of a group.
    pub fn users(&self, group: Group) -> usize {
        self.groups.iter().find(|size| size.group == group).map_or(0, |size| size.users)
    }

    /// The model called `name`.
    pub fn model(&self, name: &str) -> Option<&ModelReport> {
        self.models.iter().find(|model| model.name == name)
    }

    /// The first line of every form of the report.
    pub fn first_line(&self) -> &str {
        self.leaky.as_deref().unwrap_or(&self.verdict)
    }

    /// As JSON text, in two-space indents.
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).expect("names are text and numbers are finite")
    }

    /// As a table for a terminal, with what a reader must know above it.
    pub fn to_terminal(&self) -> String {
        crate::terminal::text(self)
    }

    /// As one self-contained page.
    pub fn to_html(&self) -> String {
        crate::page::document(self).into_string()
    }

    /// The inside of that page, with its own style, to stand in another one.
    pub fn html_body(&self) -> maud::Markup {
        crate::page::body(self)
    }
}

impl ModelReport {
    /// A metric over a group at a cut-off.
    pub fn metric(&self, group: Group, k: u32, metric: Metric) -> Option<&Measured> {
        let row = self.groups.iter().find(|row| row.group == group)?;
        row.at.iter().find(|at| at.k == k)?.metrics.get(&metric)
    }

    /// What accuracy does not say, at a cut-off.
    pub fn beyond_at(&self, k: u32) -> Option<&Beyond> {
        self.beyond.iter().find(|beyond| beyond.k == k)
    }
}
