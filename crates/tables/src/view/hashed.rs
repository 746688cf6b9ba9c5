//! A hashed table a feature: of one row an id, or of several that are summed.

use super::config::ViewConfig;
use super::parts::{Part, Parts, Places};
use super::salt::Hash;
use crate::{Result, Table};

/// Tables of the features within `numbers`, `hashes` rows an id.
pub(super) fn tables(config: &ViewConfig, numbers: usize, hashes: usize) -> Result<Parts> {
    let least: Vec<usize> = (0..config.features.len()).map(|at| config.columns(at)).collect();
    let given = config.split(numbers, &least)?;
    let (mut tables, mut parts) = (Vec::new(), Vec::new());
    for (at, feature) in config.features.iter().enumerate() {
        let width = config.columns(at);
        let rows = given[at] / width;
        tables.push(Table::dense(config.table(feature.name.clone(), at, width), rows)?);
        let hashes: Vec<Hash> = (0..hashes)
            .map(|chunk| Hash::new(config, at, chunk, rows))
            .collect::<Result<_>>()?;
        parts.push(Part { feature: at, table: at, places: Places::Hashed(hashes) });
    }
    Ok(Parts { parts, tables })
}
