//! A row an id: nothing collides, and the budget must allow it.

use data::KeyedJagged;

use super::config::ViewConfig;
use super::parts::{Part, Parts, Places};
use crate::{Bags, Error, Result, Table};

/// Tables of the features.
pub(super) fn tables(config: &ViewConfig) -> Result<Parts> {
    let mut tables = Vec::new();
    let mut needed = 0usize;
    for (at, feature) in config.features.iter().enumerate() {
        let width = config.columns(at);
        let table = config.table(feature.name.clone(), at, width);
        let Some(cardinality) = feature.cardinality else {
            tables.push(Table::keyed(table, 0)?);
            continue;
        };
        let rows = usize::try_from(cardinality).unwrap_or(usize::MAX);
        needed = needed.saturating_add(rows.saturating_mul(width));
        if needed > config.numbers {
            let what = format!(
                "{} are fewer than the {needed} of a row an id up to feature {:?}",
                config.numbers, feature.name
            );
            return Err(Error::Setting { field: "numbers", what });
        }
        tables.push(Table::dense(table, rows)?);
    }
    let parts = (0..config.features.len())
        .map(|at| Part { feature: at, table: at, places: Places::Own })
        .collect();
    Ok(Parts { parts, tables })
}

/// Rows for keys that have none yet, in their order, while the budget lasts.
pub(super) fn admit(
    parts: &mut Parts,
    features: &KeyedJagged<u64>,
    numbers: usize,
) -> Result<usize> {
    let size = |table: &Table| table.len() * table.config().width;
    let mut left = numbers.saturating_sub(parts.tables.iter().map(size).sum());
    let mut new = 0;
    for (at, table) in parts.tables.iter_mut().enumerate() {
        if table.keys.is_none() {
            continue;
        }
        let width = table.config().width;
        for id in Bags::of(features, at).ids() {
            if left < width {
                break;
            }
            let admitted = table.admit(&[*id])?;
            left -= admitted * width;
            new += admitted;
        }
    }
    Ok(new)
}
