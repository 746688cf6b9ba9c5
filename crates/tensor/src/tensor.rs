//! A dense matrix of `f32`, row after row.

use crate::error::{Result, refused};

/// `[rows, width]` values. A vector is one row.
#[derive(Debug, Clone, PartialEq)]
pub struct Tensor {
    rows: usize,
    width: usize,
    values: Vec<f32>,
}

impl Tensor {
    /// Checks and wraps.
    ///
    /// # Errors
    /// Where there are not `rows × width` values.
    pub fn new(rows: usize, width: usize, values: Vec<f32>) -> Result<Tensor> {
        if rows.checked_mul(width) != Some(values.len()) {
            return refused(
                "tensor",
                format!("{} values do not make [{rows}, {width}]", values.len()),
            );
        }
        Ok(Tensor { rows, width, values })
    }

    /// Zeros.
    pub fn zeros(rows: usize, width: usize) -> Tensor {
        Tensor { rows, width, values: vec![0.0; rows * width] }
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Number of columns.
    pub fn width(&self) -> usize {
        self.width
    }

    /// All values, row after row.
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// All values, to be changed.
    pub fn values_mut(&mut self) -> &mut [f32] {
        &mut self.values
    }

    /// Row `row`.
    ///
    /// # Panics
    /// Where there is no such row.
    pub fn row(&self, row: usize) -> &[f32] {
        &self.values[row * self.width..(row + 1) * self.width]
    }
}
