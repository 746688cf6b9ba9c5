//! Settings of the models and of their merge: `[models]` and `[merge]` of the config file.
//!
//! Everything has a default, an unknown key is refused, and 0 means "off" where that is said.
//! Numbers are checked when a model is fitted, so that the error names the setting.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// Names of all models, in the order in which they are trained and shown.
pub const MODEL_NAMES: [&str; 8] =
    ["popular", "popular-lately", "item-knn", "ease", "als", "walk", "sasrec", "hstu"];

/// `[models]`: which models to train, and how.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ModelsConfig {
    /// Names of the models to train, in this order; see [`MODEL_NAMES`].
    pub train: Vec<String>,
    /// `[models.popular]`.
    pub popular: PopularConfig,
    /// `[models.popular_lately]`.
    pub popular_lately: PopularLatelyConfig,
    /// `[models.item_knn]`.
    pub item_knn: ItemKnnConfig,
    /// `[models.ease]`.
    pub ease: EaseConfig,
    /// `[models.als]`.
    pub als: AlsConfig,
    /// `[models.walk]`.
    pub walk: WalkConfig,
}

impl Default for ModelsConfig {
    fn default() -> Self {
        ModelsConfig {
            // Two networks of one kind cost twice: HSTU is trained where it is asked for.
            train: MODEL_NAMES
                .into_iter()
                .filter(|name| *name != "hstu")
                .map(str::to_owned)
                .collect(),
            popular: PopularConfig::default(),
            popular_lately: PopularLatelyConfig::default(),
            item_knn: ItemKnnConfig::default(),
            ease: EaseConfig::default(),
            als: AlsConfig::default(),
            walk: WalkConfig::default(),
        }
    }
}

/// What makes an item popular.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Count {
    /// How many users took it: one fan who plays a song a thousand times counts once.
    #[default]
    Users,
    /// How many events it has.
    Events,
}

/// `[models.popular]`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PopularConfig {
    /// What is counted.
    pub count: Count,
}

/// `[models.popular_lately]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PopularLatelyConfig {
    /// Length of the window before the end of the training data, at least 1.
    pub days: u32,
    /// What is counted.
    pub count: Count,
}

impl Default for PopularLatelyConfig {
    fn default() -> Self {
        PopularLatelyConfig { days: 7, count: Count::Users }
    }
}

/// How the cells of the user × item matrix are weighted before items are compared.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Similarity {
    /// Counts as they are; angle between item columns.
    Cosine,
    /// Square root of the count times the rarity of the user; angle between item columns.
    #[default]
    TfIdf,
    /// Okapi BM25 of the count, times the rarity of the user; inner product.
    Bm25,
}

/// `[models.item_knn]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ItemKnnConfig {
    /// Weighting and similarity.
    pub similarity: Similarity,
    /// BM25: how slowly a count saturates. At least 0.
    pub bm25_k1: f64,
    /// BM25: how much popular items are held down, 0 to 1.
    pub bm25_b: f64,
    /// Neighbours kept an item, at least 1.
    pub neighbours: u32,
    /// Shared users at which a similarity counts half; 0 = off.
    pub shrinkage: f64,
    /// Days in which an event's weight in the similarities halves; 0 = off.
    pub half_life_days: f64,
    /// Latest events of a user that the similarities see, at least 2.
    pub user_events_max: u32,
    /// Latest events of a history that a query looks at, at least 1.
    pub history_max: u32,
    /// Events in which the weight of a history event halves; 0 = off.
    pub history_half_life_events: f64,
    /// Days in which the weight of a history event halves; 0 = off.
    pub history_half_life_days: f64,
}

impl Default for ItemKnnConfig {
    fn default() -> Self {
        ItemKnnConfig {
            similarity: Similarity::TfIdf,
            bm25_k1: 1.2,
            bm25_b: 0.75,
            neighbours: 50,
            shrinkage: 10.0,
            half_life_days: 0.0,
            user_events_max: 1000,
            history_max: 100,
            history_half_life_events: 10.0,
            history_half_life_days: 0.0,
        }
    }
}

/// `[models.ease]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EaseConfig {
    /// Strength of the ridge penalty, above 0.
    pub l2: f64,
    /// Items at most; the model holds a dense items × items matrix. The most popular are kept.
    pub items_max: u32,
    /// Latest events of a history that a query looks at, at least 1.
    pub history_max: u32,
}

impl Default for EaseConfig {
    fn default() -> Self {
        EaseConfig { l2: 500.0, items_max: 5_000, history_max: 200 }
    }
}

/// How ALS solves for one row.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AlsSolver {
    /// A few conjugate gradient steps from the present row.
    #[default]
    ConjugateGradient,
    /// Exactly, by Cholesky factorisation.
    Cholesky,
}

/// `[models.als]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AlsConfig {
    /// Length of the vectors, at least 1.
    pub factors: u32,
    /// Passes over users and items, at least 1.
    pub iterations: u32,
    /// Strength of the ridge penalty, above 0.
    pub l2: f64,
    /// Confidence of an event is 1 + alpha × value. Above 0.
    pub alpha: f64,
    /// How a row is solved.
    pub solver: AlsSolver,
    /// Conjugate gradient steps a row, at least 1.
    pub cg_steps: u32,
    /// Latest events of a history that a query looks at, at least 1.
    pub history_max: u32,
}

impl Default for AlsConfig {
    fn default() -> Self {
        AlsConfig {
            factors: 64,
            iterations: 15,
            l2: 0.01,
            alpha: 1.0,
            solver: AlsSolver::ConjugateGradient,
            cg_steps: 3,
            history_max: 200,
        }
    }
}

/// `[models.walk]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WalkConfig {
    /// Events at most between the two ends of an edge, plus one: 1 joins neighbours only.
    pub window: u32,
    /// Hours at most between the two ends of an edge; 0 = no limit.
    pub gap_hours_max: f64,
    /// Weight of the edge back to the earlier event, 0 (one-way) to 1 (both ways alike).
    pub backward: f64,
    /// Days in which an edge's weight halves; 0 = off.
    pub half_life_days: f64,
    /// Edges are divided by the popularity of their target to this power, 0 (off) to 1.
    pub popularity_penalty: f64,
    /// Edges kept an item, at least 1.
    pub neighbours: u32,
    /// Probability that the walk starts again, above 0 and below 1.
    pub restart: f64,
    /// Nodes that a query may expand, at least 1: its work bound.
    pub pushes_max: u32,
    /// Latest events of a history that a walk starts from, at least 1.
    pub history_max: u32,
    /// Events in which the weight of a history event halves; 0 = off.
    pub history_half_life_events: f64,
}

impl Default for WalkConfig {
    fn default() -> Self {
        WalkConfig {
            window: 5,
            gap_hours_max: 0.0,
            backward: 0.5,
            half_life_days: 0.0,
            popularity_penalty: 0.2,
            neighbours: 50,
            restart: 0.4,
            pushes_max: 100,
            history_max: 50,
            history_half_life_events: 10.0,
        }
    }
}

/// `[merge]`: several models, one list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MergeConfig {
    /// Share of the candidates that each model may give; any positive scale, 0 = not asked.
    /// Models that were not trained are passed over.
    pub sources: BTreeMap<String, f64>,
    /// Candidates that the sources give in all, at least 1 (twice the asked-for items where
    /// those are more).
    pub candidates: u32,
    /// How flat the weight falls with the rank in a source, at least 0: rank r (from 1) of a
    /// source weighs share / (this + r).
    pub rank_constant: f64,
}

impl Default for MergeConfig {
    fn default() -> Self {
        let sources = [
            ("item-knn", 0.25),
            ("ease", 0.1),
            ("als", 0.1),
            ("walk", 0.25),
            ("sasrec", 0.2),
            ("hstu", 0.2),
            ("popular-lately", 0.1),
        ];
        MergeConfig {
            sources: sources.map(|(name, share)| (name.to_owned(), share)).into(),
            candidates: 300,
            rank_constant: 60.0,
        }
    }
}

/// Refuses a number that is not finite or lies outside `range`; `field` is its full name.
pub(crate) fn check_range(
    field: &str,
    value: f64,
    range: impl std::ops::RangeBounds<f64>,
    wanted: &str,
) -> Result<()> {
    if value.is_finite() && range.contains(&value) {
        return Ok(());
    }
    Err(Error::Setting {
        field: field.to_owned(),
        what: format!("{value} does not do; it must be {wanted}"),
    })
}

/// Refuses a count of zero.
pub(crate) fn at_least_one(model: &str, name: &str, value: u32) -> Result<()> {
    if value > 0 {
        return Ok(());
    }
    Err(Error::Setting {
        field: format!("models.{model}.{name}"),
        what: "0 does not do; it must be at least 1".into(),
    })
}

/// Refuses a half-life that is negative or no number.
pub(crate) fn half_life(model: &str, name: &str, value: f64) -> Result<()> {
    check_range(&format!("models.{model}.{name}"), value, 0.0.., "0 (off) or above")
}
