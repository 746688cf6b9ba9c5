//! One parameter and the optimiser that moves it.

use crate::config::Optimizer;
use crate::optim::{Adagrad, Adam, LazyAdam, Moments, RowwiseAdagrad, RowwiseAdagradConfig};
use crate::{Error, Result};

/// The optimiser of one parameter, or of one table by rows.
#[derive(Debug, Clone)]
pub(crate) enum Updater {
    Adam(Adam),
    Adagrad(Adagrad),
    LazyAdam(LazyAdam),
    RowwiseAdagrad(RowwiseAdagrad),
}

impl Updater {
    /// Of a parameter of `length` numbers.
    pub(crate) fn dense(optimizer: &Optimizer, length: usize) -> Result<Updater> {
        Ok(match optimizer {
            Optimizer::Adam(config) => Updater::Adam(Adam::new(*config, length)?),
            Optimizer::Adagrad(config) => Updater::Adagrad(Adagrad::new(*config, length)?),
        })
    }

    /// Of a table whose steps touch some of its rows.
    pub(crate) fn by_rows(optimizer: &Optimizer, rows: usize, width: usize) -> Result<Updater> {
        Ok(match optimizer {
            Optimizer::Adam(config) => Updater::LazyAdam(LazyAdam::new(*config, rows, width)?),
            Optimizer::Adagrad(config) => {
                let config = RowwiseAdagradConfig { eps: config.eps };
                Updater::RowwiseAdagrad(RowwiseAdagrad::new(config, rows, width)?)
            }
        })
    }

    /// One step with the gradient of every number.
    pub(crate) fn step(
        &mut self,
        parameter: &mut [f32],
        gradient: &[f32],
        rate: f32,
    ) -> Result<()> {
        match self {
            Updater::Adam(adam) => adam.step(parameter, gradient, rate),
            Updater::Adagrad(adagrad) => adagrad.step(parameter, gradient, rate),
            Updater::LazyAdam(_) | Updater::RowwiseAdagrad(_) => {
                return Err(Error::Refused("a table by rows has no dense step".into()));
            }
        }
        Ok(())
    }

    /// One step with the gradients of `rows`, ascending.
    pub(crate) fn step_rows(
        &mut self,
        table: &mut [f32],
        rows: &[u32],
        gradient: &[f32],
        rate: f32,
    ) -> Result<()> {
        match self {
            Updater::LazyAdam(adam) => adam.step(table, rows, gradient, rate),
            Updater::RowwiseAdagrad(adagrad) => adagrad.step(table, rows, gradient, rate),
            Updater::Adam(_) | Updater::Adagrad(_) => {
                Err(Error::Refused("a dense parameter has no step by rows".into()))
            }
        }
    }

    pub(crate) fn moments(&self) -> Moments {
        match self {
            Updater::Adam(own) => own.moments(),
            Updater::Adagrad(own) => own.moments(),
            Updater::LazyAdam(own) => own.moments(),
            Updater::RowwiseAdagrad(own) => own.moments(),
        }
    }

    pub(crate) fn load(&mut self, moments: &Moments) -> Result<()> {
        match self {
            Updater::Adam(own) => own.load(moments),
            Updater::Adagrad(own) => own.load(moments),
            Updater::LazyAdam(own) => own.load(moments),
            Updater::RowwiseAdagrad(own) => own.load(moments),
        }
    }
}
