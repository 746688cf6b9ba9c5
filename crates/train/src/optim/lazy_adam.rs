//! Adam on the touched rows of a table, as `torch.optim.SparseAdam` computes it.
//!
//! When not to use it: where results must equal dense Adam's. A row that is not touched keeps
//! its moments and does not move, so rare rows take larger steps than in dense Adam.

use super::adam::{AdamConfig, WeightDecay};
use super::moments::Moments;
use super::rows::{RowUpdate, Rows};
use crate::{Error, Result};

/// Adam of a table of which every step touches some rows. At step t (of all rows together):
///
/// ```text
/// m <- m + (1 - b1) (g - m)
/// v <- v + (1 - b2) (g g - v)
/// p <- p - r sqrt(1 - b2^t) / (1 - b1^t)  m / (sqrt(v) + eps)
/// ```
///
/// Decoupled decay, where set, is applied to touched rows: `p (1 - r decay)`.
#[derive(Debug, Clone, PartialEq)]
pub struct LazyAdam {
    config: AdamConfig,
    width: usize,
    steps: u64,
    first: Vec<f32>,
    second: Vec<f32>,
}

impl LazyAdam {
    /// For a table of `rows` rows of `width`.
    ///
    /// # Errors
    /// Where a setting is out of range, L2 decay is asked for (a row without a gradient has none
    /// to add it to), or `width` is 0.
    pub fn new(config: AdamConfig, rows: usize, width: usize) -> Result<LazyAdam> {
        config.check()?;
        if config.decay > 0.0 && config.decay_kind == WeightDecay::L2 {
            let what = "l2 decay has no meaning for rows without a gradient; use decoupled";
            return Err(Error::setting("adam.decay_kind", what));
        }
        if width == 0 {
            return Err(Error::Refused("a table of width 0".into()));
        }
        let zeros = vec![0.0; rows * width];
        Ok(LazyAdam { config, width, steps: 0, first: zeros.clone(), second: zeros })
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
        let width = self.width;
        let touched = Rows {
            tables: [parameter, &mut self.first, &mut self.second],
            widths: [width; 3],
            start: 0,
            rows,
            gradient,
        };
        touched.check()?;
        self.steps += 1;
        let AdamConfig { beta_1, beta_2, eps, decay, .. } = self.config;
        let rate = f64::from(rate);
        let (power_1, power_2) =
            (beta_1.powf(self.steps as f64), beta_2.powf(self.steps as f64));
        touched.update(LazyUpdate {
            keep: (1.0 - rate * decay) as f32,
            one_less_beta_1: (1.0 - beta_1) as f32,
            one_less_beta_2: (1.0 - beta_2) as f32,
            eps: eps as f32,
            rate: (rate * (1.0 - power_2).sqrt() / (1.0 - power_1)) as f32,
        });
        Ok(())
    }

    /// Steps and moments (`first`, `second`), for a checkpoint.
    pub fn moments(&self) -> Moments {
        Moments::of(self.steps, &[("first", &self.first), ("second", &self.second)])
    }

    /// Goes on from what [`LazyAdam::moments`] gave.
    ///
    /// # Errors
    /// Where a moment is missing or has another length.
    pub fn load(&mut self, moments: &Moments) -> Result<()> {
        moments.read("first", &mut self.first)?;
        moments.read("second", &mut self.second)?;
        self.steps = moments.steps;
        Ok(())
    }
}

#[derive(Debug, Clone, Copy)]
struct LazyUpdate {
    keep: f32,
    one_less_beta_1: f32,
    one_less_beta_2: f32,
    eps: f32,
    rate: f32,
}

impl RowUpdate for LazyUpdate {
    #[inline(always)]
    fn row(
        self,
        parameter: &mut [f32],
        first: &mut [f32],
        second: &mut [f32],
        gradient: &[f32],
    ) {
        let elements = parameter.iter_mut().zip(first).zip(second).zip(gradient);
        for (((parameter, first), second), gradient) in elements {
            *first += self.one_less_beta_1 * (gradient - *first);
            *second += self.one_less_beta_2 * (gradient * gradient - *second);
            let step = self.rate * *first / (second.sqrt() + self.eps);
            *parameter = *parameter * self.keep - step;
        }
    }
}
