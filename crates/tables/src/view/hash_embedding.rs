//! Hash embeddings: `e(v) = Σ_j p_{v,j} E[h_j(v)]` with importance weights p that are learnt (Svenstrup et al.
//! 2017). Values that share one component row are told apart by the others and by their weights.

use data::KeyedJagged;

use super::config::ViewConfig;
use super::hashed;
use super::parts::{self, Parts, Probed, one_each};
use super::salt::Hash;
use crate::{Bags, Pooling, Result, Table};

/// Component rows of all features, and importance weights of each.
#[derive(Debug, Clone)]
pub(super) struct HashEmbedding {
    pub(super) components: Parts,
    pub(super) importance: Vec<Importance>,
    hashes: usize,
    /// First column of each feature, then the sum.
    columns: Vec<usize>,
    stride: usize,
}

/// Importance weights of a feature, `[rows, hashes]`.
#[derive(Debug, Clone)]
pub(super) struct Importance {
    pub(super) table: Table,
    /// `None`: there is room for every id.
    hash: Option<Hash>,
}

/// What a batch takes of it.
struct Taken {
    probed: Probed,
    /// Rows of importance of each feature's ids.
    rows: Vec<Vec<u64>>,
}

impl HashEmbedding {
    pub(super) fn new(config: &ViewConfig, hashes: usize, share: f64) -> Result<HashEmbedding> {
        let weights = (config.numbers as f64 * share) as usize;
        let given = config.split(weights, &vec![hashes; config.features.len()])?;
        let mut importance = Vec::new();
        let mut used = 0;
        for (at, feature) in config.features.iter().enumerate() {
            let rows = given[at] / hashes;
            let all = feature.cardinality.and_then(|all| usize::try_from(all).ok());
            let own = all.filter(|all| *all <= rows);
            let hash = match own {
                Some(_) => None,
                None => Some(Hash::new(config, at, hashes, rows)?),
            };
            let rows = own.unwrap_or(rows);
            used += rows * hashes;
            let name = format!("importance of {}", feature.name);
            let mut table = config.table(name, config.features.len() + at, hashes);
            if let crate::Init::Uniform { bound, .. } = &mut table.init {
                // Of the size of 1, so that components are not drowned.
                *bound = 1.0;
            }
            importance.push(Importance { table: Table::dense(table, rows)?, hash });
        }
        let components = hashed::tables(config, config.numbers - used, hashes)?;
        let (columns, stride) = parts::columns(config);
        Ok(HashEmbedding { components, importance, hashes, columns, stride })
    }

    fn take(&self, features: &KeyedJagged<u64>, pooling: Pooling) -> Result<Taken> {
        let mut rows = Vec::new();
        let mut weights = Vec::new();
        for (at, own) in self.importance.iter().enumerate() {
            let ids = Bags::of(features, at).ids().iter();
            let of: Vec<u64> = match own.hash {
                Some(hash) => ids.map(|id| hash.row(*id)).collect(),
                None => ids.copied().collect(),
            };
            let mut values = vec![0.0; of.len() * self.hashes];
            own.table.sequence(&of, &mut values)?;
            rows.push(of);
            weights.push(values);
        }
        let starts: Vec<usize> =
            (0..self.importance.len()).map(|at| Bags::of(features, at).whole().start).collect();
        let weight = |part: usize, at: usize, slot: usize| {
            weights[part][(at - starts[part]) * self.hashes + slot]
        };
        Ok(Taken { probed: self.components.probe(features, pooling, weight)?, rows })
    }

    pub(super) fn forward(
        &self,
        features: &KeyedJagged<u64>,
        pooling: Pooling,
        out: &mut [f32],
    ) -> Result<()> {
        self.components.forward(&self.take(features, pooling)?.probed, out)
    }

    /// One step of components and of weights, each by the other as it was before.
    pub(super) fn update(
        &mut self,
        features: &KeyedJagged<u64>,
        pooling: Pooling,
        gradient: &[f32],
    ) -> Result<()> {
        let taken = self.take(features, pooling)?;
        let gradients: Vec<Vec<f32>> = (0..self.importance.len())
            .map(|at| self.of_weights(&taken.probed, features, pooling, gradient, at))
            .collect::<Result<_>>()?;
        for (own, gradients) in self.importance.iter().zip(&gradients) {
            if let Some(at) = gradients.iter().position(|g| !g.is_finite()) {
                return Err(own.table.wrong(format!("gradient {at} is not finite")));
            }
        }
        self.components.update(&taken.probed, gradient, self.stride)?;
        for ((own, gradients), rows) in
            self.importance.iter_mut().zip(&gradients).zip(&taken.rows)
        {
            let each = one_each(&own.table, rows)?;
            let bags = Bags::of(&each, 0);
            own.table.update(&bags, Pooling::Sum, gradients, self.hashes, 0)?;
        }
        Ok(())
    }

    /// `∂/∂p_{v,j}`: the gradient of the bag along component j, `[ids, hashes]`.
    fn of_weights(
        &self,
        probed: &Probed,
        features: &KeyedJagged<u64>,
        pooling: Pooling,
        gradient: &[f32],
        at: usize,
    ) -> Result<Vec<f32>> {
        let table = &self.components.tables[at];
        let width = table.config().width;
        let rows = probed.bags(at)?.ids();
        let mut components = vec![0.0; rows.len() * width];
        table.sequence(rows, &mut components)?;
        let mut components = components.chunks(width);
        let bags = Bags::of(features, at);
        let mut gradients = Vec::with_capacity(rows.len());
        for bag in 0..bags.len() {
            let ids = bags.range(bag).len();
            let of_bag = &gradient[bag * self.stride + self.columns[at]..][..width];
            for component in components.by_ref().take(ids * self.hashes) {
                let along: f32 = component.iter().zip(of_bag).map(|(e, g)| e * g).sum();
                gradients.push(pooling.share(ids) * along);
            }
        }
        Ok(gradients)
    }
}
