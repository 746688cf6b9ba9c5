//! The dense part of a step: embeddings in, their gradient out, the network's own weights moved.

use models::{Dcn, DcnConfig};
use tensor::{Device, Tape, Workspace};

use crate::config::Optimizer;
use crate::updater::Updater;
use crate::{Error, Result};

/// A network above embeddings, and what moves it.
pub struct DenseStep {
    /// The network.
    pub model: Dcn,
    updaters: Vec<Updater>,
    rate: f32,
    workspace: Workspace,
    steps: u64,
}

/// What a step says.
#[derive(Debug, Clone, PartialEq)]
pub struct Stepped {
    /// Mean LogLoss of the batch before the step.
    pub loss: f32,
    /// Gradient of the embeddings, `[samples, embeddings]`.
    pub embeddings: Vec<f32>,
}

impl DenseStep {
    /// Fresh weights.
    ///
    /// # Errors
    /// Where a setting is out of range.
    pub fn new(
        config: &DcnConfig,
        optimizer: &Optimizer,
        rate: f32,
        seed: u64,
        device: Device,
    ) -> Result<DenseStep> {
        if !(rate.is_finite() && rate > 0.0) {
            return Err(Error::setting("rate", format!("{rate} is not finite and above 0")));
        }
        let model = Dcn::init(config, seed)?;
        let updaters = model
            .parameters
            .iter()
            .map(|(_, _, tensor)| Updater::dense(optimizer, tensor.values().len()))
            .collect::<Result<Vec<_>>>()?;
        Ok(DenseStep { model, updaters, rate, workspace: Workspace::new(device), steps: 0 })
    }

    /// One step: `dense [n, dense]`, `embeddings [n, embeddings]`, `labels [n]`. Where it fails, nothing has changed.
    ///
    /// # Errors
    /// Where sizes do not fit, or the loss or a gradient is not finite.
    pub fn step(
        &mut self,
        dense: &[f32],
        embeddings: &[f32],
        labels: &[f32],
    ) -> Result<Stepped> {
        let DenseStep { model, updaters, rate, workspace, steps } = self;
        let [dense_width, width] = widths(model);
        let mut tape = Tape::training(&model.parameters, workspace, *steps);
        let numbers = match dense_width {
            0 => None,
            own => Some(tape.constant(dense, own)?),
        };
        let rows = tape.leaf(embeddings, width)?;
        let logits = model.forward(&mut tape, numbers, rows)?;
        let end = tape.binary_loss(logits, labels)?;
        let loss = tape.value(end)[0];
        if !loss.is_finite() {
            let unknown = || Error::Refused(format!("the loss is {loss}"));
            return Err(tape.first_not_finite().map_or_else(unknown, Error::from));
        }
        let gradients = tape.backward(end)?;
        let none = || Error::Refused("embeddings have no gradient".into());
        let of_rows = gradients.leaf(rows).ok_or_else(none)?.to_vec();
        if !gradients.all().all(|own| own.iter().all(|value| value.is_finite())) {
            return Err(Error::Refused("a gradient is not finite: lower the rate".into()));
        }
        let ids: Vec<_> = model.parameters.iter().map(|(id, _, _)| id).collect();
        for (id, updater) in ids.into_iter().zip(updaters) {
            if let Some(gradient) = gradients.of(id) {
                updater.step(model.parameters.get_mut(id).values_mut(), gradient, *rate)?;
            }
        }
        gradients.recycle(&mut workspace.buffers);
        *steps += 1;
        Ok(Stepped { loss, embeddings: of_rows })
    }

    /// Logits of examples, `[n]`.
    ///
    /// # Errors
    /// Where sizes do not fit.
    pub fn logits(&mut self, dense: &[f32], embeddings: &[f32]) -> Result<Vec<f32>> {
        let DenseStep { model, workspace, .. } = self;
        let [dense_width, width] = widths(model);
        let mut tape = Tape::inference(&model.parameters, workspace);
        let numbers = match dense_width {
            0 => None,
            own => Some(tape.constant(dense, own)?),
        };
        let rows = tape.constant(embeddings, width)?;
        let logits = model.forward(&mut tape, numbers, rows)?;
        Ok(tape.value(logits).to_vec())
    }
}

/// Dense numbers and columns of embeddings.
fn widths(model: &Dcn) -> [usize; 2] {
    [model.config().dense as usize, model.config().embeddings as usize]
}
