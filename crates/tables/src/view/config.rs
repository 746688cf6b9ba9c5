//! What a view is made of: features, a budget, and how rows stand for ids.

use crate::mix::mix;
use crate::{Dtype, Error, Init, Optimiser, Result, TableConfig};

/// A categorical feature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Feature {
    /// Its name. Its salts come of it: they hold for ever, whatever features come or go beside it.
    pub name: String,
    /// Chunks of its embedding, 1 to 16.
    pub probes: usize,
    /// Its ids are below this, where that is known.
    pub cardinality: Option<u64>,
}

/// How rows stand for ids.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ViewKind {
    /// A row an id: dense where the cardinality is known, by key ([`crate::Table::keyed`]) where not.
    PerFeature,
    /// A table a feature, the budget split by cardinality; ids are hashed into it.
    Hashed,
    /// All features share `tables` tables of equal rows; chunk number c over all features is of
    /// table c mod `tables` (Coleman et al. 2023).
    Unified {
        /// Physical tables.
        tables: usize,
    },
    /// As [`ViewKind::Hashed`], and an embedding is the sum of several rows.
    MultiHash {
        /// Rows of an id, 1 to 16.
        hashes: usize,
    },
    /// As that, each row by an importance that the id has learnt (Svenstrup et al. 2017).
    HashEmbedding {
        /// Rows of an id, 1 to 16.
        hashes: usize,
        /// Share of the budget that importance weights take, above 0 and below 1. An id has its own weights
        /// where there is room for all ids of its feature, hashed ones elsewhere.
        importance: f64,
    },
    /// `v = q·m + r`, and an embedding is made of row q of one table and row r of another: every id has a
    /// code of its own (Shi et al. 2020). Needs cardinalities.
    QuotientRemainder {
        /// How it is made.
        combine: Combine,
    },
}

/// How two rows make an embedding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Combine {
    /// `q ⊙ r`; quotient rows begin around 1.
    Multiply,
    /// `q + r`.
    Add,
    /// Side by side, each of half the width.
    Concat,
}

/// Whether features hash apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Salts {
    /// A salt a feature and chunk.
    Own,
    /// A salt a chunk, so that equal ids of all features collide: to show what that costs.
    Shared,
}

/// A view.
#[derive(Debug, Clone, PartialEq)]
pub struct ViewConfig {
    /// How rows stand for ids.
    pub kind: ViewKind,
    /// The features, in the order of their columns.
    pub features: Vec<Feature>,
    /// Numbers of a chunk: a feature has `probes · width` columns.
    pub width: usize,
    /// Numbers in all, importance weights counted: never passed.
    pub numbers: usize,
    /// Of salts and first rows. It is part of what is kept: another seed finds other rows.
    pub seed: u64,
    /// Whether features hash apart.
    pub salts: Salts,
    /// How rows are kept.
    pub dtype: Dtype,
    /// First rows are uniform between −bound and bound.
    pub bound: f32,
    /// How rows learn.
    pub optimiser: Optimiser,
}

/// Most chunks of a feature, and most rows of an id.
const PROBES_MAX: usize = 16;

/// Most ids of a feature: the sum over all features stays a number.
const CARDINALITY_MAX: u64 = 1 << 48;

impl ViewConfig {
    /// Columns of a feature.
    pub fn columns(&self, feature: usize) -> usize {
        self.features[feature].probes * self.width
    }

    /// Numbers of a row an id, where all cardinalities are known: what a budget is a share of.
    pub fn collisionless(&self) -> Option<usize> {
        let of = |(at, feature): (usize, &Feature)| {
            usize::try_from(feature.cardinality?).ok()?.checked_mul(self.columns(at))
        };
        self.features
            .iter()
            .enumerate()
            .map(of)
            .try_fold(0usize, |sum, own| sum.checked_add(own?))
    }

    pub(super) fn check(&self) -> Result<()> {
        let wrong = |field, what: String| Err(Error::Setting { field, what });
        if self.features.is_empty() {
            return wrong("features", "a view has one at least".into());
        }
        for (at, feature) in self.features.iter().enumerate() {
            let name = &feature.name;
            if self.features[..at].iter().any(|other| other.name == *name) {
                return wrong("features", format!("two are called {name:?}"));
            }
            if !(1..=PROBES_MAX).contains(&feature.probes) {
                let what = format!("{} of {name:?}; 1 to {PROBES_MAX} are", feature.probes);
                return wrong("probes", what);
            }
            if feature.cardinality.is_some_and(|own| own > CARDINALITY_MAX) {
                let what = format!("more than {CARDINALITY_MAX} of {name:?}; leave it open");
                return wrong("cardinality", what);
            }
            if feature.cardinality == Some(0) {
                return wrong("cardinality", format!("feature {name:?} has no id"));
            }
        }
        if !(1..=4096).contains(&self.width) {
            return wrong("width", format!("{} is not in 1 to 4096", self.width));
        }
        if !(self.bound.is_finite() && self.bound >= 0.0) {
            return wrong("bound", format!("{} is not finite and at least 0", self.bound));
        }
        match self.kind {
            ViewKind::MultiHash { hashes } | ViewKind::HashEmbedding { hashes, .. }
                if !(1..=PROBES_MAX).contains(&hashes) =>
            {
                wrong("hashes", format!("{hashes} is not in 1 to {PROBES_MAX}"))
            }
            ViewKind::HashEmbedding { importance, .. }
                if !(importance > 0.0 && importance < 1.0) =>
            {
                wrong("importance", format!("{importance} is not a share above 0 and below 1"))
            }
            _ => Ok(()),
        }
    }

    /// What a table under the view is. `number` gives it other first rows than its neighbours.
    pub(super) fn table(&self, name: String, number: usize, width: usize) -> TableConfig {
        let init = Init::Uniform { bound: self.bound, seed: mix(self.seed, number as u64 + 1) };
        TableConfig { name, width, dtype: self.dtype, init, optimiser: self.optimiser }
    }

    /// Numbers of each feature: by cardinality, but `least` at least. An unknown cardinality counts as the mean of
    /// the known ones.
    pub(super) fn split(&self, total: usize, least: &[usize]) -> Result<Vec<usize>> {
        let needed: usize = least.iter().sum();
        if needed > total {
            let what = format!("{total} are fewer than the {needed} that these features need");
            return Err(Error::Setting { field: "numbers", what });
        }
        let known: Vec<u64> = self.features.iter().filter_map(|own| own.cardinality).collect();
        let mean = known.iter().sum::<u64>() as f64 / known.len().max(1) as f64;
        let weight = |at: usize| {
            let own = self.features[at].cardinality.map_or(mean.max(1.0), |own| own as f64);
            own * self.features[at].probes as f64
        };
        // Who would get less than its least gets that, and the others share what is left.
        let mut given: Vec<Option<usize>> = vec![None; least.len()];
        loop {
            let fixed: usize = given.iter().flatten().sum();
            let open: Vec<usize> = (0..given.len()).filter(|at| given[*at].is_none()).collect();
            let weights: f64 = open.iter().map(|at| weight(*at)).sum();
            let part = |at: usize| ((total - fixed) as f64 * (weight(at) / weights)) as usize;
            let short: Vec<usize> =
                open.iter().copied().filter(|at| part(*at) < least[*at]).collect();
            if short.is_empty() {
                let parts: Vec<usize> =
                    (0..given.len()).map(|at| given[at].unwrap_or_else(|| part(at))).collect();
                return Ok(parts);
            }
            short.into_iter().for_each(|at| given[at] = Some(least[at]));
        }
    }
}
