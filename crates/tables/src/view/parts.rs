//! Columns that are sums of rows: what all views but quotient and remainder come to. A part is a chunk of
//! a feature; several parts may take their rows from one table, which then learns from all of them at once.

use data::{Jagged, KeyedJagged};

use super::config::ViewConfig;
use super::salt::Hash;
use crate::{Bags, Error, Pooling, Result, Table};

/// Where the rows of an id lie.
#[derive(Debug, Clone)]
pub(super) enum Places {
    /// The id itself.
    Own,
    /// One row a hash, summed.
    Hashed(Vec<Hash>),
}

/// A chunk of a feature.
#[derive(Debug, Clone)]
pub(super) struct Part {
    pub(super) feature: usize,
    pub(super) table: usize,
    pub(super) places: Places,
}

/// All chunks, in the order of their columns.
#[derive(Debug, Clone)]
pub(super) struct Parts {
    pub(super) parts: Vec<Part>,
    pub(super) tables: Vec<Table>,
}

/// Rows that a batch takes, a key a part.
#[derive(Debug)]
pub(super) struct Probed {
    rows: KeyedJagged<u64>,
    weights: Vec<f32>,
}

impl Part {
    fn places(&self) -> usize {
        match &self.places {
            Places::Own => 1,
            Places::Hashed(hashes) => hashes.len(),
        }
    }

    fn row(&self, id: u64, slot: usize) -> u64 {
        match &self.places {
            Places::Own => id,
            Places::Hashed(hashes) => hashes[slot].row(id),
        }
    }
}

impl Parts {
    /// The rows of a batch. Each weighs its share of the bag, times what `weight` says of (part, id among all
    /// values, slot).
    pub(super) fn probe(
        &self,
        features: &KeyedJagged<u64>,
        pooling: Pooling,
        weight: impl Fn(usize, usize, usize) -> f32,
    ) -> Result<Probed> {
        let samples = features.samples();
        let mut cells = Jagged::default();
        let mut weights = Vec::new();
        for (number, part) in self.parts.iter().enumerate() {
            let bags = Bags::of(features, part.feature);
            let slots = part.places();
            for bag in 0..samples {
                let range = bags.range(bag);
                let share = pooling.share(range.len());
                let each = range.clone().flat_map(|at| (0..slots).map(move |slot| (at, slot)));
                weights.extend(each.map(|(at, slot)| share * weight(number, at, slot)));
                let ids = range.map(|at| bags.id(at));
                let rows = ids.flat_map(|id| (0..slots).map(move |slot| part.row(id, slot)));
                cells.push(rows).map_err(|why| self.too_many(&why))?;
            }
        }
        let keys = (0..self.parts.len()).map(|part| part.to_string()).collect();
        let rows = KeyedJagged::new(keys, samples, cells).map_err(|why| self.too_many(&why))?;
        Ok(Probed { rows, weights })
    }

    fn too_many(&self, why: &data::Error) -> Error {
        self.tables[0].wrong(why.to_string())
    }

    /// Pools into `out` `[samples, Σ widths]`.
    pub(super) fn forward(&self, probed: &Probed, out: &mut [f32]) -> Result<()> {
        let parts: Vec<(&Table, Bags<'_>)> = (0..self.parts.len())
            .map(|at| Ok((&self.tables[self.parts[at].table], probed.bags(at)?)))
            .collect::<Result<_>>()?;
        Table::pooled(&parts, Pooling::Sum, out)
    }

    /// Refuses rows that are not there, before anything is changed.
    pub(super) fn check(&self, probed: &Probed) -> Result<()> {
        (0..self.parts.len())
            .try_for_each(|at| self.tables[self.parts[at].table].check(probed.bags(at)?.ids()))
    }

    /// One step of every table. `gradient` `[samples, stride]` is finite, and rows were checked.
    pub(super) fn update(
        &mut self,
        probed: &Probed,
        gradient: &[f32],
        stride: usize,
    ) -> Result<()> {
        let mut at = 0;
        let mut columns = Vec::new();
        for part in &self.parts {
            columns.push(at);
            at += self.tables[part.table].config().width;
        }
        for (number, table) in self.tables.iter_mut().enumerate() {
            let own: Vec<usize> =
                (0..self.parts.len()).filter(|at| self.parts[*at].table == number).collect();
            match own[..] {
                [] => {}
                [part] => {
                    let bags = probed.bags(part)?;
                    table.update(&bags, Pooling::Sum, gradient, stride, columns[part])?;
                }
                // A row that several parts share learns once, from the sum of all.
                _ => {
                    let width = table.config().width;
                    let (rows, weights) =
                        probed.together(&own).map_err(|why| table.wrong(why))?;
                    let mut gathered = Vec::with_capacity(rows.samples() * width);
                    for part in &own {
                        let of = |sample: &[f32]| sample[columns[*part]..][..width].to_vec();
                        gradient.chunks(stride).for_each(|sample| gathered.extend(of(sample)));
                    }
                    let bags = Bags::of(&rows, 0).weighted(&weights)?;
                    table.update(&bags, Pooling::Sum, &gathered, width, 0)?;
                }
            }
        }
        Ok(())
    }
}

impl Probed {
    pub(super) fn bags(&self, part: usize) -> Result<Bags<'_>> {
        Bags::of(&self.rows, part).weighted(&self.weights)
    }

    /// Bags of these parts one after another, as one feature of `parts · samples` samples.
    fn together(
        &self,
        parts: &[usize],
    ) -> std::result::Result<(KeyedJagged<u64>, Vec<f32>), String> {
        let mut cells = Jagged::default();
        let mut weights = Vec::new();
        for part in parts {
            let bags = Bags::of(&self.rows, *part);
            weights.extend_from_slice(&self.weights[bags.whole()]);
            for bag in 0..bags.len() {
                let rows = bags.range(bag).map(|at| bags.id(at));
                cells.push(rows).map_err(|why| why.to_string())?;
            }
        }
        let samples = cells.rows();
        let rows = KeyedJagged::new(vec!["together".into()], samples, cells);
        Ok((rows.map_err(|why| why.to_string())?, weights))
    }
}

/// One bag an id.
pub(super) fn one_each(table: &Table, ids: &[u64]) -> Result<KeyedJagged<u64>> {
    let mut cells = Jagged::default();
    let wrong = |why: data::Error| table.wrong(why.to_string());
    ids.iter().try_for_each(|id| cells.push([*id])).map_err(wrong)?;
    KeyedJagged::new(vec!["each".into()], ids.len(), cells).map_err(wrong)
}

/// Columns of every feature, and their sum.
pub(super) fn columns(config: &ViewConfig) -> (Vec<usize>, usize) {
    let mut at = 0;
    let mut columns = Vec::new();
    for feature in 0..config.features.len() {
        columns.push(at);
        at += config.columns(feature);
    }
    (columns, at)
}
