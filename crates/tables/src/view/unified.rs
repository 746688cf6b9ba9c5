//! Unified embedding: all features in one table, or in a few of equal rows, apart by their salts alone (Coleman et
//! al., NeurIPS 2023). Two values of one feature that share a row cannot be told apart, but the
//! budget is one, so that is rare; values of different features that share a row are read through weights of
//! their own.

use super::config::ViewConfig;
use super::parts::{Part, Parts, Places};
use super::salt::Hash;
use crate::{Error, Result, Table};

/// The shared tables.
pub(super) fn tables(config: &ViewConfig, count: usize) -> Result<Parts> {
    if !(1..=1024).contains(&count) {
        let what = format!("{count} is not in 1 to 1024");
        return Err(Error::Setting { field: "tables", what });
    }
    let rows = config.numbers / count / config.width;
    if rows == 0 {
        let what = format!("{} make no row a table of {count}", config.numbers);
        return Err(Error::Setting { field: "numbers", what });
    }
    let tables = (0..count)
        .map(|at| Table::dense(config.table(format!("unified {at}"), at, config.width), rows))
        .collect::<Result<Vec<_>>>()?;
    let mut parts = Vec::new();
    for (at, feature) in config.features.iter().enumerate() {
        for chunk in 0..feature.probes {
            let places = Places::Hashed(vec![Hash::new(config, at, chunk, rows)?]);
            parts.push(Part { feature: at, table: parts.len() % count, places });
        }
    }
    Ok(Parts { parts, tables })
}
