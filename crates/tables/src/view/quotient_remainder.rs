//! Quotient and remainder: `v = q·m + r`, two small tables, a code of its own for every id (Shi et al., KDD 2020).
//! Not for ids without an end: it needs to know how many there are.

use data::KeyedJagged;

use super::config::{Combine, ViewConfig};
use super::parts::{self, one_each};
use crate::{Bags, Error, Pooling, Result, Table};

/// Both tables of every feature.
#[derive(Debug, Clone)]
pub(super) struct QuotientRemainder {
    pub(super) pairs: Vec<Pair>,
    combine: Combine,
    columns: Vec<usize>,
    stride: usize,
}

/// The tables of one feature.
#[derive(Debug, Clone)]
pub(super) struct Pair {
    pub(super) quotients: Table,
    pub(super) remainders: Table,
    /// Remainders.
    m: u64,
    cardinality: u64,
}

/// Rows of a feature's ids.
struct Taken {
    /// Row numbers: quotients, remainders.
    rows: [Vec<u64>; 2],
    /// Their values, `[ids, width]` each.
    values: [Vec<f32>; 2],
}

impl QuotientRemainder {
    pub(super) fn new(config: &ViewConfig, combine: Combine) -> Result<QuotientRemainder> {
        let mut cardinalities = Vec::new();
        for (at, feature) in config.features.iter().enumerate() {
            let Some(own) = feature.cardinality else {
                let what = format!("that of feature {:?} must be known", feature.name);
                return Err(Error::Setting { field: "cardinality", what });
            };
            if combine == Combine::Concat && !config.columns(at).is_multiple_of(2) {
                let what = format!("{} columns do not make two halves", config.columns(at));
                return Err(Error::Setting { field: "width", what });
            }
            cardinalities.push(own);
        }
        let width = |at: usize| match combine {
            Combine::Concat => config.columns(at) / 2,
            Combine::Multiply | Combine::Add => config.columns(at),
        };
        let least: Vec<usize> = cardinalities
            .iter()
            .enumerate()
            .map(|(at, own)| fewest(*own) * width(at))
            .collect();
        let given = config.split(config.numbers, &least)?;
        let mut pairs = Vec::new();
        for (at, cardinality) in cardinalities.into_iter().enumerate() {
            let m = remainders(cardinality, (given[at] / width(at)) as u64);
            let name = &config.features[at].name;
            let table = |part: &str, number, rows: u64| {
                let table = config.table(format!("{part} of {name}"), number, width(at));
                Table::dense(table, usize::try_from(rows).unwrap_or(usize::MAX))
            };
            let mut quotients = table("quotients", 2 * at, cardinality.div_ceil(m))?;
            if combine == Combine::Multiply {
                around_one(&mut quotients)?;
            }
            let remainders = table("remainders", 2 * at + 1, m)?;
            pairs.push(Pair { quotients, remainders, m, cardinality });
        }
        let (columns, stride) = parts::columns(config);
        Ok(QuotientRemainder { pairs, combine, columns, stride })
    }

    pub(super) fn forward(
        &self,
        features: &KeyedJagged<u64>,
        pooling: Pooling,
        out: &mut [f32],
    ) -> Result<()> {
        let taken = self.take(features)?;
        out.fill(0.0);
        for (at, (pair, taken)) in self.pairs.iter().zip(&taken).enumerate() {
            let width = pair.remainders.config().width;
            let [quotients, remainders] = &taken.values;
            let mut rows = quotients.chunks(width).zip(remainders.chunks(width));
            let bags = Bags::of(features, at);
            for bag in 0..bags.len() {
                let ids = bags.range(bag).len();
                let share = pooling.share(ids);
                let out = &mut out[bag * self.stride + self.columns[at]..];
                for (q, r) in rows.by_ref().take(ids) {
                    for (column, (q, r)) in q.iter().zip(r).enumerate() {
                        match self.combine {
                            Combine::Multiply => out[column] += share * q * r,
                            Combine::Add => out[column] += share * (q + r),
                            Combine::Concat => {
                                out[column] += share * q;
                                out[width + column] += share * r;
                            }
                        }
                    }
                }
            }
        }
        Ok(())
    }

    /// One step of both tables, each by the other as it was before.
    pub(super) fn update(
        &mut self,
        features: &KeyedJagged<u64>,
        pooling: Pooling,
        gradient: &[f32],
    ) -> Result<()> {
        let taken = self.take(features)?;
        let gradients: Vec<[Vec<f32>; 2]> = (0..self.pairs.len())
            .map(|at| self.of_rows(&taken[at], features, pooling, gradient, at))
            .collect();
        for (pair, own) in self.pairs.iter().zip(&gradients) {
            if let Some(at) = own.iter().flatten().position(|g| !g.is_finite()) {
                return Err(pair.quotients.wrong(format!("gradient {at} is not finite")));
            }
        }
        for ((pair, taken), gradients) in self.pairs.iter_mut().zip(&taken).zip(&gradients) {
            let tables = [&mut pair.quotients, &mut pair.remainders];
            for ((table, rows), gradients) in tables.into_iter().zip(&taken.rows).zip(gradients)
            {
                let each = one_each(table, rows)?;
                let width = table.config().width;
                table.update(&Bags::of(&each, 0), Pooling::Sum, gradients, width, 0)?;
            }
        }
        Ok(())
    }

    /// Gradients of the rows of every id: of a product, each by the other.
    fn of_rows(
        &self,
        taken: &Taken,
        features: &KeyedJagged<u64>,
        pooling: Pooling,
        gradient: &[f32],
        at: usize,
    ) -> [Vec<f32>; 2] {
        let width = self.pairs[at].remainders.config().width;
        let [quotients, remainders] = &taken.values;
        let mut rows = quotients.chunks(width).zip(remainders.chunks(width));
        let (mut first, mut second) = (Vec::new(), Vec::new());
        let bags = Bags::of(features, at);
        for bag in 0..bags.len() {
            let ids = bags.range(bag).len();
            let share = pooling.share(ids);
            let own = &gradient[bag * self.stride + self.columns[at]..];
            for (q, r) in rows.by_ref().take(ids) {
                for column in 0..width {
                    let g = share * own[column];
                    let [of_q, of_r] = match self.combine {
                        Combine::Multiply => [g * r[column], g * q[column]],
                        Combine::Add => [g, g],
                        Combine::Concat => [g, share * own[width + column]],
                    };
                    first.push(of_q);
                    second.push(of_r);
                }
            }
        }
        [first, second]
    }

    fn take(&self, features: &KeyedJagged<u64>) -> Result<Vec<Taken>> {
        let of = |(at, pair): (usize, &Pair)| {
            let ids = Bags::of(features, at).ids();
            if let Some(id) = ids.iter().find(|id| **id >= pair.cardinality) {
                let what = format!("id {id} of {} ids", pair.cardinality);
                return Err(pair.quotients.wrong(what));
            }
            let by = |way: fn(u64, u64) -> u64| -> Vec<u64> {
                ids.iter().map(|id| way(*id, pair.m)).collect()
            };
            let rows = [by(|id, m| id / m), by(|id, m| id % m)];
            let values = |table: &Table, rows: &[u64]| {
                let mut values = vec![0.0; rows.len() * table.config().width];
                table.sequence(rows, &mut values).map(|()| values)
            };
            let values =
                [values(&pair.quotients, &rows[0])?, values(&pair.remainders, &rows[1])?];
            Ok(Taken { rows, values })
        };
        self.pairs.iter().enumerate().map(of).collect()
    }
}

/// Fewest rows that give every one of so many ids its code.
fn fewest(cardinality: u64) -> usize {
    let root = cardinality.isqrt().max(1);
    let rows = |m: u64| m + cardinality.div_ceil(m);
    rows(root).min(rows(root + 1)) as usize
}

/// Most remainders that so many rows allow. There are [`fewest`] at least.
fn remainders(cardinality: u64, rows: u64) -> u64 {
    // More remainders than ids would never be looked at.
    let mut m = cardinality.min(rows.saturating_sub(1)).max(1);
    // ceil(V / m) falls slower than m does: a few steps, for m is near rows unless rows are few.
    while m > 1 && m + cardinality.div_ceil(m) > rows {
        let over = m + cardinality.div_ceil(m) - rows;
        m = m.saturating_sub(over.div_ceil(2).max(1)).max(1);
    }
    m
}

fn around_one(table: &mut Table) -> Result<()> {
    let mut row = vec![0.0; table.config().width];
    for id in 0..table.len() as u64 {
        table.row(id, &mut row);
        row.iter_mut().for_each(|value| *value += 1.0);
        table.set(id, &row)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_remainders_as_the_rows_allow() {
        for cardinality in 1..400 {
            for rows in fewest(cardinality)..2 * cardinality as usize + 4 {
                let m = remainders(cardinality, rows as u64);
                let used = |m: u64| (m + cardinality.div_ceil(m)) as usize;
                assert!(used(m) <= rows, "{cardinality} {rows}: {m}");
                let best = (1..=cardinality).rev().find(|m| used(*m) <= rows).unwrap();
                assert_eq!(m, best, "{cardinality} ids, {rows} rows");
            }
        }
    }
}
