//! Alternating: all users with the items held, then all items with the users held.
//!
//! Every row is solved by itself, from the other side's table and its Gram matrix, by one
//! thread; the number of threads changes nothing. Equal seeds give equal models on machines
//! whose registers have the same width.

use std::sync::{Mutex, PoisonError};

use data::{Progress, Sequences};
use pulp::Arch;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use super::Als;
use super::confidence::Confidence;
use super::conjugate::{Conjugate, Problem};
use super::exact::Exact;
use super::loss::loss;
use super::table::Table;
use crate::config::{AlsConfig, AlsSolver};
use crate::{Error, Result};

/// Rows that a thread takes at a time.
const ROWS_AT_A_TIME: usize = 16;

/// A model in the making: one [`AlsTraining::iterate`] after another, and the loss when asked.
pub struct AlsTraining {
    config: AlsConfig,
    users_by_items: Confidence,
    items_by_users: Confidence,
    pub(super) users: Table,
    pub(super) items: Table,
    workers: Vec<Mutex<Worker>>,
    iterations: u32,
}

#[derive(Default)]
struct Worker {
    conjugate: Conjugate,
    exact: Exact,
}

impl AlsTraining {
    /// Reads `train` and draws the first factors.
    ///
    /// # Errors
    /// Where a setting is out of range or a confidence is not finite.
    pub fn new(
        train: &Sequences,
        config: &AlsConfig,
        seed: u64,
        progress: &Progress<'_>,
    ) -> Result<AlsTraining> {
        super::checked(config)?;
        progress.check()?;
        let users_by_items = Confidence::of_users(train, config.alpha)?;
        let items_by_users = users_by_items.transposed();
        let factors = config.factors as usize;
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let users = Table::random(users_by_items.rows(), factors, &mut rng);
        let items = Table::random(items_by_users.rows(), factors, &mut rng);
        let workers = (0..rayon::current_num_threads()).map(|_| Mutex::default()).collect();
        let config = config.clone();
        Ok(AlsTraining {
            config,
            users_by_items,
            items_by_users,
            users,
            items,
            workers,
            iterations: 0,
        })
    }

    /// Solves for all users, then for all items.
    ///
    /// # Errors
    /// On request ([`Progress::check`]), or where the factors grew beyond what f32 holds.
    pub fn iterate(&mut self, progress: &Progress<'_>) -> Result<()> {
        self.iterations += 1;
        self.solve_users(progress)?;
        self.solve_items(progress)
    }

    pub(super) fn solve_users(&mut self, progress: &Progress<'_>) -> Result<()> {
        let AlsTraining { config, workers, users_by_items, users, items, .. } = self;
        half_step(config, workers, users_by_items, users, items, progress)?;
        check_finite("user", users, self.iterations)
    }

    fn solve_items(&mut self, progress: &Progress<'_>) -> Result<()> {
        let AlsTraining { config, workers, items_by_users, users, items, .. } = self;
        half_step(config, workers, items_by_users, items, users, progress)?;
        check_finite("item", items, self.iterations)
    }

    /// The loss that is minimised, over all cells, divided by the sum of all confidences.
    pub fn loss(&self) -> f64 {
        loss(&self.users_by_items, &self.users, &self.items, self.config.l2)
    }

    #[cfg(test)]
    pub(super) fn use_solver(&mut self, solver: AlsSolver) {
        self.config.solver = solver;
    }

    /// The model as it stands.
    pub fn finish(&self) -> Als {
        Als::of_items(&self.items, &self.config)
    }
}

/// Solves for all rows of one side.
fn half_step(
    config: &AlsConfig,
    workers: &[Mutex<Worker>],
    rows: &Confidence,
    solved: &mut Table,
    others: &Table,
    progress: &Progress<'_>,
) -> Result<()> {
    let width = solved.width;
    let l2 = config.l2 as f32;
    let arch = Arch::new();
    let plain = others.gram();
    let mut ridged = plain.clone();
    ridged.iter_mut().step_by(width + 1).for_each(|value| *value += l2);
    let blocks = Mutex::new(solved.values.chunks_mut(ROWS_AT_A_TIME * width).enumerate());
    let next = || blocks.lock().unwrap_or_else(PoisonError::into_inner).next();
    let work = |worker: &Mutex<Worker>| -> Result<()> {
        let mut worker = worker.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some((block, solutions)) = next() {
            progress.check()?;
            for (at, solution) in solutions.chunks_exact_mut(width).enumerate() {
                let index = block * ROWS_AT_A_TIME + at;
                let row = rows.row(index);
                if row.columns.is_empty() {
                    solution.fill(0.0);
                    continue;
                }
                match config.solver {
                    AlsSolver::ConjugateGradient => {
                        let (gram, others) = (&ridged, &others.values);
                        let problem = Problem { gram, others, row, steps: config.cg_steps };
                        worker.conjugate.solve(arch, &problem, solution);
                    }
                    AlsSolver::Cholesky => {
                        let pairs = row.columns.iter().zip(row.confidences);
                        let pairs = pairs.map(|(column, confidence)| {
                            let at = *column as usize * width;
                            (&others.values[at..at + width], *confidence)
                        });
                        if !worker.exact.solve(&plain, l2, pairs, solution) {
                            return Err(not_solvable(config, &format!("row {index}")));
                        }
                    }
                }
            }
        }
        Ok(())
    };
    workers.par_iter().with_max_len(1).map(work).collect()
}

/// The normal equations of a row have no solution in f32.
fn not_solvable(config: &AlsConfig, place: &str) -> Error {
    let AlsConfig { l2, alpha, .. } = config;
    Error::Refused(format!(
        "als: the equations of {place} cannot be solved with 32-bit floats; raise \
         models.als.l2 ({l2}) or lower models.als.alpha ({alpha})"
    ))
}

fn check_finite(side: &str, table: &Table, iteration: u32) -> Result<()> {
    match table.values.iter().position(|value| !value.is_finite()) {
        None => Ok(()),
        Some(at) => Err(Error::Refused(format!(
            "als: the factors of {side} {} are no longer finite in iteration {iteration}; lower \
             models.als.alpha, raise models.als.l2, or use solver = \"cholesky\"",
            at / table.width
        ))),
    }
}
