//! Jagged rows in Arrow's list layout: values and `i32` offsets, nothing padded.

use crate::{Error, Result};

/// Rows of different lengths: row `r` is `values[offsets[r]..offsets[r + 1]]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Jagged<T> {
    offsets: Vec<i32>,
    values: Vec<T>,
}

impl<T> Default for Jagged<T> {
    fn default() -> Self {
        Self { offsets: vec![0], values: Vec::new() }
    }
}

impl<T> Jagged<T> {
    /// Checks and wraps. Fails unless `offsets` starts at 0, never falls and ends at
    /// `values.len()`.
    pub fn new(offsets: Vec<i32>, values: Vec<T>) -> Result<Self> {
        check_offsets(&offsets, values.len())?;
        Ok(Self { offsets, values })
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.offsets.len() - 1
    }

    /// Row `row`.
    ///
    /// # Panics
    /// Where there is no such row.
    pub fn row(&self, row: usize) -> &[T] {
        &self.values[self.offsets[row] as usize..self.offsets[row + 1] as usize]
    }

    /// Appends a row.
    ///
    /// # Errors
    /// Where the values in all would pass `i32::MAX`.
    pub fn push(&mut self, row: impl IntoIterator<Item = T>) -> Result<()> {
        self.values.extend(row);
        let end = i32::try_from(self.values.len()).map_err(|_| {
            Error::Refused("a jagged batch holds at most 2^31 - 1 values".into())
        })?;
        self.offsets.push(end);
        Ok(())
    }

    /// All offsets, `rows + 1` of them.
    pub fn offsets(&self) -> &[i32] {
        &self.offsets
    }

    /// All values, row after row.
    pub fn values(&self) -> &[T] {
        &self.values
    }
}

/// Sparse input of a batch: features × samples, each cell a list of ids. Key-major: the cell
/// of feature `f` and sample `s` is row `f * samples + s`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyedJagged<T> {
    keys: Vec<String>,
    samples: usize,
    cells: Jagged<T>,
}

impl<T> KeyedJagged<T> {
    /// Checks and wraps. Fails unless `cells` has `keys × samples` rows and keys are distinct.
    pub fn new(keys: Vec<String>, samples: usize, cells: Jagged<T>) -> Result<Self> {
        if cells.rows() != keys.len() * samples {
            return Err(Error::Refused(format!(
                "{} keys × {samples} samples need {} rows, found {}",
                keys.len(),
                keys.len() * samples,
                cells.rows()
            )));
        }
        if let Some(twice) = keys.iter().enumerate().find(|(at, key)| keys[..*at].contains(key))
        {
            return Err(Error::Refused(format!("feature {:?} appears twice", twice.1)));
        }
        Ok(Self { keys, samples, cells })
    }

    /// Feature names, in order.
    pub fn keys(&self) -> &[String] {
        &self.keys
    }

    /// Number of samples.
    pub fn samples(&self) -> usize {
        self.samples
    }

    /// The ids of feature number `key` of sample `sample`.
    ///
    /// # Panics
    /// Where there is no such cell.
    pub fn cell(&self, key: usize, sample: usize) -> &[T] {
        assert!(sample < self.samples, "sample {sample} of {}", self.samples);
        self.cells.row(key * self.samples + sample)
    }

    /// All cells, key-major.
    pub fn cells(&self) -> &Jagged<T> {
        &self.cells
    }
}

fn check_offsets(offsets: &[i32], values: usize) -> Result<()> {
    let bad = |what: String| Err(Error::Refused(format!("jagged offsets {what}")));
    match (offsets.first(), offsets.last()) {
        (Some(0), Some(&last)) if last as usize == values && last >= 0 => {}
        (None, _) | (_, None) => return bad("are empty; they need at least a 0".into()),
        (Some(first), _) if *first != 0 => return bad(format!("start at {first}, not 0")),
        (_, Some(last)) => return bad(format!("end at {last}, but there are {values} values")),
    }
    match offsets.windows(2).position(|pair| pair[1] < pair[0]) {
        Some(row) => bad(format!("fall at row {row}")),
        None => Ok(()),
    }
}
