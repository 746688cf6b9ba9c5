//! Rows of different lengths, back to back: values and offsets, nothing padded.
//!
//! Layout of FBGEMM and TorchRec (and of Arrow's lists): row `b` is
//! `values[offsets[b]..offsets[b + 1]]`, `offsets[0] = 0`, one number more than there are rows.

use crate::error::{Result, refused};

/// Where jagged rows begin and end, checked once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offsets {
    ends: Vec<i32>,
    longest: usize,
}

impl Offsets {
    /// Checks and wraps: starts at 0, never falls.
    ///
    /// # Errors
    /// Where it is empty, does not start at 0, or falls.
    pub fn new(offsets: Vec<i32>) -> Result<Offsets> {
        if offsets.first() != Some(&0) {
            return refused("offsets", format!("start at {:?}, not at 0", offsets.first()));
        }
        if let Some(row) = offsets.windows(2).position(|pair| pair[1] < pair[0]) {
            let (from, to) = (offsets[row], offsets[row + 1]);
            return refused("offsets", format!("fall from {from} to {to} at row {row}"));
        }
        let lengths = offsets.windows(2).map(|pair| (pair[1] - pair[0]) as usize);
        let longest = lengths.max().unwrap_or(0);
        Ok(Offsets { ends: offsets, longest })
    }

    /// From the length of each row ("complete cumsum").
    ///
    /// # Errors
    /// Where the values in all would pass `i32::MAX`.
    pub fn from_lengths(lengths: &[usize]) -> Result<Offsets> {
        let mut offsets = Vec::with_capacity(lengths.len() + 1);
        offsets.push(0i32);
        let mut end = 0usize;
        for (row, length) in lengths.iter().enumerate() {
            end = end.saturating_add(*length);
            match i32::try_from(end) {
                Ok(end) => offsets.push(end),
                Err(_) => {
                    return refused("offsets", format!("pass 2^31 - 1 values at row {row}"));
                }
            }
        }
        Offsets::new(offsets)
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.ends.len() - 1
    }

    /// Values in all.
    pub fn total(&self) -> usize {
        self.ends[self.ends.len() - 1] as usize
    }

    /// Length of the longest row; 0 where there is none.
    pub fn longest(&self) -> usize {
        self.longest
    }

    /// Length of row `row`.
    ///
    /// # Panics
    /// Where there is no such row.
    #[inline]
    pub fn length(&self, row: usize) -> usize {
        (self.ends[row + 1] - self.ends[row]) as usize
    }

    /// Where row `row` lies among the values.
    ///
    /// # Panics
    /// Where there is no such row.
    #[inline]
    pub fn range(&self, row: usize) -> std::ops::Range<usize> {
        self.ends[row] as usize..self.ends[row + 1] as usize
    }

    /// The range of each row, in order.
    pub fn ranges(&self) -> impl ExactSizeIterator<Item = std::ops::Range<usize>> + '_ {
        (0..self.rows()).map(|row| self.range(row))
    }

    /// The numbers themselves, `rows + 1` of them.
    pub fn as_slice(&self) -> &[i32] {
        &self.ends
    }

    /// Σ n²: what attention over these rows costs, to a factor.
    pub fn squares(&self) -> u64 {
        self.ranges().map(|range| (range.len() as u64).pow(2)).sum()
    }
}

/// A jagged tensor: `[Σ n, width]` values in rows of `offsets`.
#[derive(Debug, Clone, PartialEq)]
pub struct Jagged {
    offsets: Offsets,
    width: usize,
    values: Vec<f32>,
}

impl Jagged {
    /// Checks and wraps.
    ///
    /// # Errors
    /// Where there are not `offsets.total() × width` values.
    pub fn new(offsets: Offsets, width: usize, values: Vec<f32>) -> Result<Jagged> {
        if offsets.total().checked_mul(width) != Some(values.len()) {
            return refused(
                "jagged",
                format!(
                    "{} rows of {width} need as many values, found {}",
                    offsets.total(),
                    values.len()
                ),
            );
        }
        Ok(Jagged { offsets, width, values })
    }

    /// Where its rows lie.
    pub fn offsets(&self) -> &Offsets {
        &self.offsets
    }

    /// Columns.
    pub fn width(&self) -> usize {
        self.width
    }

    /// All values, `[Σ n, width]`.
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// Row `row`, `[n, width]`.
    ///
    /// # Panics
    /// Where there is no such row.
    pub fn row(&self, row: usize) -> &[f32] {
        let range = self.offsets.range(row);
        &self.values[range.start * self.width..range.end * self.width]
    }
}
