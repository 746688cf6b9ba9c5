//! One interface over ways to keep embeddings within a budget: a row an id, hashed rows, one unified table, hash
//! embeddings, quotient and remainder. Ids of several features in, `[samples, Σ widths]` out, gradients back.
//!
//! What is kept are [`Table`]s, and a view says which rows an id takes. An empty
//! bag is 0, whatever the view. Salts come of seed, feature name and chunk, and are part of a
//! model for ever.

mod config;
mod salt;
mod parts;
mod per_feature;
mod hashed;
mod unified;
mod hash_embedding;
mod quotient_remainder;

use data::KeyedJagged;

use crate::{Error, Pooling, Result, Table};
use hash_embedding::HashEmbedding;
use parts::Parts;
use quotient_remainder::QuotientRemainder;

pub use config::{Combine, Feature, Salts, ViewConfig, ViewKind};

/// Embeddings of several features.
#[derive(Debug, Clone)]
pub struct FeatureTables {
    config: ViewConfig,
    rows: Rows,
    /// Columns of all features.
    width: usize,
}

#[derive(Debug, Clone)]
enum Rows {
    Summed(Parts),
    Weighted(HashEmbedding),
    Pairs(QuotientRemainder),
}

impl FeatureTables {
    /// Tables as the config says.
    ///
    /// # Errors
    /// Where a setting is out of range, or the budget is too small for the kind.
    pub fn new(config: ViewConfig) -> Result<FeatureTables> {
        config.check()?;
        let rows = match config.kind {
            ViewKind::PerFeature => Rows::Summed(per_feature::tables(&config)?),
            ViewKind::Hashed => Rows::Summed(hashed::tables(&config, config.numbers, 1)?),
            ViewKind::MultiHash { hashes } => {
                Rows::Summed(hashed::tables(&config, config.numbers, hashes)?)
            }
            ViewKind::Unified { tables } => Rows::Summed(unified::tables(&config, tables)?),
            ViewKind::HashEmbedding { hashes, importance } => {
                Rows::Weighted(HashEmbedding::new(&config, hashes, importance)?)
            }
            ViewKind::QuotientRemainder { combine } => {
                Rows::Pairs(QuotientRemainder::new(&config, combine)?)
            }
        };
        let width = parts::columns(&config).1;
        Ok(FeatureTables { config, rows, width })
    }

    /// What it is.
    pub fn config(&self) -> &ViewConfig {
        &self.config
    }

    /// Columns of all features together.
    pub fn width(&self) -> usize {
        self.width
    }

    /// The tables under it, in an order that never changes.
    pub fn tables(&self) -> Vec<&Table> {
        match &self.rows {
            Rows::Summed(parts) => parts.tables.iter().collect(),
            Rows::Weighted(own) => {
                let weights = own.importance.iter().map(|own| &own.table);
                own.components.tables.iter().chain(weights).collect()
            }
            Rows::Pairs(own) => {
                own.pairs.iter().flat_map(|pair| [&pair.quotients, &pair.remainders]).collect()
            }
        }
    }

    /// The same, to be changed.
    pub fn tables_mut(&mut self) -> Vec<&mut Table> {
        match &mut self.rows {
            Rows::Summed(parts) => parts.tables.iter_mut().collect(),
            Rows::Weighted(own) => {
                let weights = own.importance.iter_mut().map(|own| &mut own.table);
                own.components.tables.iter_mut().chain(weights).collect()
            }
            Rows::Pairs(own) => own
                .pairs
                .iter_mut()
                .flat_map(|pair| [&mut pair.quotients, &mut pair.remainders])
                .collect(),
        }
    }

    /// Numbers in use, importance weights counted; optimiser state is not.
    pub fn numbers(&self) -> usize {
        self.tables().iter().map(|table| table.len() * table.config().width).sum()
    }

    /// Gives ids of features without a known cardinality rows, where the kind is [`ViewKind::PerFeature`] and the
    /// budget lasts; says how many. Other kinds have a row for every id already.
    ///
    /// # Errors
    /// Where the features are others.
    pub fn admit(&mut self, features: &KeyedJagged<u64>) -> Result<usize> {
        self.check(features)?;
        match &mut self.rows {
            Rows::Summed(parts) if self.config.kind == ViewKind::PerFeature => {
                per_feature::admit(parts, features, self.config.numbers)
            }
            _ => Ok(0),
        }
    }

    /// Embeddings of a batch into `out` `[samples, width]`.
    ///
    /// # Errors
    /// Where the features are others, or an id is beyond a known cardinality that the kind counts on.
    ///
    /// # Panics
    /// Where `out` has another size.
    pub fn forward(
        &self,
        features: &KeyedJagged<u64>,
        pooling: Pooling,
        out: &mut [f32],
    ) -> Result<()> {
        self.check(features)?;
        assert_eq!(out.len(), features.samples() * self.width, "samples times width");
        match &self.rows {
            Rows::Summed(parts) => {
                parts.forward(&parts.probe(features, pooling, |_, _, _| 1.0)?, out)
            }
            Rows::Weighted(own) => own.forward(features, pooling, out),
            Rows::Pairs(own) => own.forward(features, pooling, out),
        }
    }

    /// One step of every table, by the gradient of what [`FeatureTables::forward`] gave. A row that was taken
    /// several times learns once, from the sum.
    ///
    /// # Errors
    /// As [`FeatureTables::forward`], and where a gradient is not finite; nothing has changed then.
    ///
    /// # Panics
    /// Where `gradient` has another size.
    pub fn update(
        &mut self,
        features: &KeyedJagged<u64>,
        pooling: Pooling,
        gradient: &[f32],
    ) -> Result<()> {
        self.check(features)?;
        assert_eq!(gradient.len(), features.samples() * self.width, "samples times width");
        if let Some(at) = gradient.iter().position(|g| !g.is_finite()) {
            let (sample, column) = (at / self.width, at % self.width);
            let what =
                format!("the gradient of sample {sample}, column {column} is not finite");
            return Err(Error::Input { table: "view".into(), what });
        }
        match &mut self.rows {
            Rows::Summed(parts) => {
                let probed = parts.probe(features, pooling, |_, _, _| 1.0)?;
                parts.check(&probed)?;
                parts.update(&probed, gradient, self.width)
            }
            Rows::Weighted(own) => own.update(features, pooling, gradient),
            Rows::Pairs(own) => own.update(features, pooling, gradient),
        }
    }

    fn check(&self, features: &KeyedJagged<u64>) -> Result<()> {
        let own = self.config.features.iter().map(|feature| &feature.name);
        if features.keys().iter().eq(own) {
            return Ok(());
        }
        let what = format!("features {:?} are not the view's", features.keys());
        Err(Error::Input { table: "view".into(), what })
    }
}
