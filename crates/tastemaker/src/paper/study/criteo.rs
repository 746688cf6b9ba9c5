//! Criteo's clicks from Parquet: a label, 13 counts, 26 categories, each a list of one or none.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use arrow_array::cast::AsArray;
use arrow_array::types::{Float32Type, Float64Type, Int32Type, Int64Type};
use arrow_array::{Array, ArrayRef};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use train::Clicks;

use super::clicks::Examples;
use crate::hint;

const COUNTS: usize = 13;
const CATEGORIES: usize = 26;

fn path(data: &Path) -> PathBuf {
    data.join("criteo-80k/criteo.parquet")
}

/// Refuses, with exit status 3, a data folder without the file.
pub(super) fn must_exist(data: &Path) -> Result<()> {
    let path = path(data);
    if path.exists() {
        return Ok(());
    }
    Err(hint::missing(
        format!("{} (Criteo, 80,000 rows) is not there", path.display()),
        "put it there, or say with --data DIR or TASTEMAKER_DATA=DIR where it lies; the paper's README.md \
         says where it comes from, and `--only world` runs what needs no data",
    ))
}

/// A fifth of the rows, by a hash that is the same for all seeds, is the test; ids that training never saw are
/// none in it. Counts become log(1 + x), a missing one 0. With `quick`, a tenth of the rows.
pub(super) fn examples(data: &Path, _seed: u64, quick: bool) -> Result<Examples> {
    let path = path(data);
    let columns = read(&path).with_context(|| path.display().to_string())?;
    let column = |name: &str| -> Result<&Vec<Option<i64>>> {
        columns.get(name).with_context(|| format!("{}: no column {name:?}", path.display()))
    };
    let labels = column("label")?;
    let rows = if quick { labels.len() / 10 } else { labels.len() };
    let is_test = |row: usize| data::order::tie(row as u32, 7).is_multiple_of(5);
    let rows_of = |test: bool| (0..rows).filter(move |row| is_test(*row) == test);
    let counts: Vec<&Vec<Option<i64>>> =
        (1..=COUNTS).map(|at| column(&format!("i{at}"))).collect::<Result<_>>()?;
    let names: Vec<String> = (1..=CATEGORIES).map(|at| format!("c{at}")).collect();
    let categories: Vec<&Vec<Option<i64>>> =
        names.iter().map(|name| column(name)).collect::<Result<_>>()?;
    // Ids in the order in which training meets them.
    let mut cardinalities = Vec::new();
    let mut known: Vec<BTreeMap<i64, u64>> = Vec::new();
    for own in &categories {
        let mut ids = BTreeMap::new();
        for row in rows_of(false) {
            if let Some(value) = own[row] {
                let next = ids.len() as u64;
                ids.entry(value).or_insert(next);
            }
        }
        cardinalities.push((ids.len() as u64).max(1));
        known.push(ids);
    }
    let part = |test: bool| {
        let ids = categories.iter().zip(&known).map(|(own, known)| {
            rows_of(test).map(|row| known.get(&own[row]?).copied()).collect()
        });
        let dense = rows_of(test).flat_map(|row| {
            counts.iter().map(move |own| own[row].map_or(0.0, |x| (x.max(0) as f32).ln_1p()))
        });
        Clicks {
            names: names.clone(),
            ids: ids.collect(),
            dense: dense.collect(),
            dense_width: COUNTS,
            labels: rows_of(test).map(|row| labels[row] == Some(1)).collect(),
        }
    };
    Ok(Examples { train: part(false), test: part(true), cardinalities, bayes: None })
}

/// All columns by name, each cell one whole number or none.
fn read(path: &Path) -> Result<BTreeMap<String, Vec<Option<i64>>>> {
    let file = File::open(path)?;
    let reader = ParquetRecordBatchReaderBuilder::try_new(file)?.build()?;
    let mut columns: BTreeMap<String, Vec<Option<i64>>> = BTreeMap::new();
    for batch in reader {
        let batch = batch?;
        for (field, array) in batch.schema().fields().iter().zip(batch.columns()) {
            let own = columns.entry(field.name().clone()).or_default();
            cells(array, own).with_context(|| format!("column {:?}", field.name()))?;
        }
    }
    let rows = columns.get("label").map_or(0, Vec::len);
    ensure!(rows > 0, "no rows with a label");
    Ok(columns)
}

fn cells(array: &ArrayRef, out: &mut Vec<Option<i64>>) -> Result<()> {
    let Some(lists) = array.as_list_opt::<i32>() else {
        out.extend(numbers(array)?);
        return Ok(());
    };
    let all = numbers(lists.values())?;
    for range in lists.offsets().windows(2) {
        let own = &all[range[0] as usize..range[1] as usize];
        ensure!(own.len() < 2, "a list of {}", own.len());
        out.push(own.first().copied().flatten());
    }
    Ok(())
}

fn numbers(array: &ArrayRef) -> Result<Vec<Option<i64>>> {
    // A category may be any number: its bits name it.
    if let Some(own) = array.as_primitive_opt::<Int64Type>() {
        return Ok(own.iter().collect());
    }
    if let Some(own) = array.as_primitive_opt::<Int32Type>() {
        return Ok(own.iter().map(|value| value.map(i64::from)).collect());
    }
    if let Some(own) = array.as_primitive_opt::<Float32Type>() {
        return Ok(own.iter().map(|value| value.map(|value| value as i64)).collect());
    }
    if let Some(own) = array.as_primitive_opt::<Float64Type>() {
        return Ok(own.iter().map(|value| value.map(|value| value as i64)).collect());
    }
    bail!("{} are no numbers", array.data_type())
}
