//! One step of a row: all its gradients summed, then once. State lies beside the row.
//!
//! Row-wise Adagrad as FBGEMM's: one number a row, `v += mean_d(g_d²)`, `w −= lr/(√v + ε)·g`.

use crate::{Error, Result};

/// How rows learn.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Optimiser {
    /// `w −= lr·g`.
    Sgd {
        /// lr.
        rate: f32,
    },
    /// `v += g²`, `w −= lr·g/(√v + ε)` (Duchi et al. 2011).
    Adagrad {
        /// lr.
        rate: f32,
        /// ε.
        epsilon: f32,
    },
    /// Adagrad with the mean of the row's squares: one number a row.
    RowWiseAdagrad {
        /// lr.
        rate: f32,
        /// ε.
        epsilon: f32,
    },
    /// Adam (Kingma and Ba 2015) with decoupled decay (Loshchilov and Hutter 2019), of touched rows alone:
    /// moments of other rows stand still.
    Adam(Adam),
    /// The same with one second moment a row, of the mean of its squares.
    RowWiseAdam(Adam),
}

/// Numbers of Adam.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Adam {
    /// lr.
    pub rate: f32,
    /// β₁, β₂.
    pub betas: [f32; 2],
    /// ε.
    pub epsilon: f32,
    /// Share of a touched row that is taken away in a step, before `rate`.
    pub decay: f32,
}

impl Optimiser {
    /// The same at another learning rate: schedules change it from step to step.
    #[must_use]
    pub fn at_rate(self, rate: f32) -> Optimiser {
        match self {
            Optimiser::Sgd { .. } => Optimiser::Sgd { rate },
            Optimiser::Adagrad { epsilon, .. } => Optimiser::Adagrad { rate, epsilon },
            Optimiser::RowWiseAdagrad { epsilon, .. } => {
                Optimiser::RowWiseAdagrad { rate, epsilon }
            }
            Optimiser::Adam(adam) => Optimiser::Adam(Adam { rate, ..adam }),
            Optimiser::RowWiseAdam(adam) => Optimiser::RowWiseAdam(Adam { rate, ..adam }),
        }
    }

    /// # Errors
    /// Where its numbers would make rows that are not finite: an ε of 0 does, with a gradient of 0.
    pub(crate) fn check(self) -> Result<()> {
        let no_decay = |rate, epsilon| (rate, epsilon, [0.0; 2], 0.0);
        let (rate, epsilon, betas, decay) = match self {
            Optimiser::Sgd { rate } => no_decay(rate, 1.0),
            Optimiser::Adagrad { rate, epsilon }
            | Optimiser::RowWiseAdagrad { rate, epsilon } => no_decay(rate, epsilon),
            Optimiser::Adam(adam) | Optimiser::RowWiseAdam(adam) => {
                (adam.rate, adam.epsilon, adam.betas, adam.decay)
            }
        };
        let wrong = |field, value: f32, needed: &str| {
            Err(Error::Setting { field, what: format!("{value} is not {needed}") })
        };
        if !(rate >= 0.0 && rate.is_finite()) {
            return wrong("rate", rate, "a number from 0 on");
        }
        if !(epsilon > 0.0 && epsilon.is_finite()) {
            return wrong("epsilon", epsilon, "above 0");
        }
        if let Some(beta) = betas.into_iter().find(|beta| !(0.0..1.0).contains(beta)) {
            return wrong("betas", beta, "from 0 to below 1");
        }
        match decay >= 0.0 && decay.is_finite() {
            true => Ok(()),
            false => wrong("decay", decay, "a number from 0 on"),
        }
    }

    /// Numbers of state for a row of this width.
    pub fn state_width(self, width: usize) -> usize {
        match self {
            Optimiser::Sgd { .. } => 0,
            Optimiser::Adagrad { .. } => width,
            Optimiser::RowWiseAdagrad { .. } => 1,
            Optimiser::Adam(_) => 2 * width,
            Optimiser::RowWiseAdam(_) => width + 1,
        }
    }

    /// Step number `step` (from 1) of a row.
    #[inline(always)]
    pub(crate) fn step(self, row: &mut [f32], state: &mut [f32], gradient: &[f32], step: u32) {
        match self {
            Optimiser::Sgd { rate } => {
                row.iter_mut().zip(gradient).for_each(|(w, g)| *w -= rate * g);
            }
            Optimiser::Adagrad { rate, epsilon } => {
                for ((w, v), g) in row.iter_mut().zip(state).zip(gradient) {
                    *v += g * g;
                    *w -= rate * g / (v.sqrt() + epsilon);
                }
            }
            Optimiser::RowWiseAdagrad { rate, epsilon } => {
                state[0] += mean_square(gradient);
                let by = rate / (state[0].sqrt() + epsilon);
                row.iter_mut().zip(gradient).for_each(|(w, g)| *w -= by * g);
            }
            Optimiser::Adam(adam) => {
                let (first, second) = state.split_at_mut(row.len());
                let [by, root] = adam.corrections(step);
                for (((w, m), v), g) in row.iter_mut().zip(first).zip(second).zip(gradient) {
                    *m += (1.0 - adam.betas[0]) * (g - *m);
                    *v += (1.0 - adam.betas[1]) * (g * g - *v);
                    *w -= adam.rate * adam.decay * *w;
                    *w -= by * *m / (v.sqrt() / root + adam.epsilon);
                }
            }
            Optimiser::RowWiseAdam(adam) => {
                let (first, second) = state.split_at_mut(row.len());
                let [by, root] = adam.corrections(step);
                second[0] += (1.0 - adam.betas[1]) * (mean_square(gradient) - second[0]);
                let by = by / (second[0].sqrt() / root + adam.epsilon);
                for ((w, m), g) in row.iter_mut().zip(first).zip(gradient) {
                    *m += (1.0 - adam.betas[0]) * (g - *m);
                    *w -= adam.rate * adam.decay * *w + by * *m;
                }
            }
        }
    }
}

impl Adam {
    /// `lr/(1 − β₁ᵗ)` and `√(1 − β₂ᵗ)`.
    fn corrections(self, step: u32) -> [f32; 2] {
        let one_less = |beta: f32| 1.0 - f64::from(beta).powi(step.min(1 << 30) as i32);
        let by = f64::from(self.rate) / one_less(self.betas[0]);
        [by as f32, one_less(self.betas[1]).sqrt() as f32]
    }
}

/// In sixteen sums side by side, which a machine may add at once; the order is always the same.
#[inline(always)]
fn mean_square(gradient: &[f32]) -> f32 {
    let (parts, rest) = gradient.as_chunks::<16>();
    let mut sums = [0.0f32; 16];
    for part in parts {
        sums.iter_mut().zip(part).for_each(|(sum, g)| *sum += g * g);
    }
    let rest: f32 = rest.iter().map(|g| g * g).sum();
    (sums.iter().sum::<f32>() + rest) / gradient.len() as f32
}
