//! Row-wise Adagrad (FBGEMM's EXACT_ROWWISE_ADAGRAD, the usual choice for embedding tables of
//! DLRM): one number of memory a row.
//!
//! When not to use it: where columns of one row differ much in scale.

use serde::{Deserialize, Serialize};

use super::moments::Moments;
use super::rows::{RowUpdate, Rows};
use crate::{Error, Result};

/// Sums of a row are kept in this many lanes, so that the registers' width changes nothing.
const LANES: usize = 16;

/// Settings of [`RowwiseAdagrad`].
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RowwiseAdagradConfig {
    /// Added to the root of the sum of mean squares.
    pub eps: f64,
}

impl Default for RowwiseAdagradConfig {
    fn default() -> Self {
        RowwiseAdagradConfig { eps: 1e-8 }
    }
}

/// Adagrad with one sum a row, on touched rows. For row g of width w:
///
/// ```text
/// s <- s + (1 / w) sum_k g_k g_k
/// p <- p - r g / (sqrt(s) + eps)
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct RowwiseAdagrad {
    config: RowwiseAdagradConfig,
    width: usize,
    steps: u64,
    squares: Vec<f32>,
}

impl RowwiseAdagrad {
    /// For a table of `rows` rows of `width`.
    ///
    /// # Errors
    /// Where `eps` is negative or `width` is 0.
    pub fn new(
        config: RowwiseAdagradConfig,
        rows: usize,
        width: usize,
    ) -> Result<RowwiseAdagrad> {
        if !config.eps.is_finite() || config.eps < 0.0 {
            let what = format!("{} is negative or not finite; it is 0 or more", config.eps);
            return Err(Error::setting("rowwise_adagrad.eps", what));
        }
        if width == 0 {
            return Err(Error::Refused("a table of width 0".into()));
        }
        Ok(RowwiseAdagrad { config, width, steps: 0, squares: vec![0.0; rows] })
    }

    /// One step at rate `rate`: row `rows[k]` (strictly ascending) has gradient
    /// `gradient[k width .. (k + 1) width]`.
    ///
    /// # Errors
    /// Where the rows repeat, are not sorted, or lie beyond the table, or lengths do not fit.
    /// Nothing is changed then.
    pub fn step(
        &mut self,
        parameter: &mut [f32],
        rows: &[u32],
        gradient: &[f32],
        rate: f32,
    ) -> Result<()> {
        let touched = Rows {
            tables: [parameter, &mut self.squares, &mut []],
            widths: [self.width, 1, 0],
            start: 0,
            rows,
            gradient,
        };
        touched.check()?;
        self.steps += 1;
        touched.update(RowwiseUpdate { eps: self.config.eps as f32, rate });
        Ok(())
    }

    /// Steps and moments (`squares`, one a row), for a checkpoint.
    pub fn moments(&self) -> Moments {
        Moments::of(self.steps, &[("squares", &self.squares)])
    }

    /// Goes on from what [`RowwiseAdagrad::moments`] gave.
    ///
    /// # Errors
    /// Where a moment is missing or has another length.
    pub fn load(&mut self, moments: &Moments) -> Result<()> {
        moments.read("squares", &mut self.squares)?;
        self.steps = moments.steps;
        Ok(())
    }
}

#[derive(Debug, Clone, Copy)]
struct RowwiseUpdate {
    eps: f32,
    rate: f32,
}

impl RowUpdate for RowwiseUpdate {
    #[inline(always)]
    fn row(
        self,
        parameter: &mut [f32],
        squares: &mut [f32],
        _second: &mut [f32],
        gradient: &[f32],
    ) {
        let (chunks, rest) = gradient.as_chunks::<LANES>();
        let mut lanes = [0.0f32; LANES];
        for chunk in chunks {
            for (lane, value) in lanes.iter_mut().zip(chunk) {
                *lane += value * value;
            }
        }
        let sum = lanes.iter().sum::<f32>();
        let sum = rest.iter().fold(sum, |sum, value| sum + value * value);
        for squares in squares {
            *squares += sum / gradient.len() as f32;
            let rate = self.rate / (squares.sqrt() + self.eps);
            for (parameter, gradient) in parameter.iter_mut().zip(gradient) {
                *parameter -= rate * gradient;
            }
        }
    }
}

#[cfg(test)]
mod tests;
