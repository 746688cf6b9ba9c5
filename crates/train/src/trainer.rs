//! One step: forward, negatives, loss, backward, update. What a run is between two steps.

use std::borrow::Cow;

use data::Sequences;
use models::{Rows, SequenceModel};
use tensor::{Device, Gradients, SampledLoss, Tape, Tensor, Var, Workspace};

use crate::config::{ItemUpdates, SequenceConfig};
use crate::drawn::Drawer;
use crate::example::Examples;
use crate::mined::Mined;
use crate::optim::{clip, norm};
use crate::touched::Touched;
use crate::updater::Updater;
use crate::{Error, Result};

/// A model in training: its weights, its items, and what moves them.
pub struct Trainer {
    config: SequenceConfig,
    seed: u64,
    /// The model.
    pub model: SequenceModel,
    /// Embeddings of all items, `[items, dim]`.
    pub items: Tensor,
    updaters: Vec<Updater>,
    item_updater: Updater,
    drawer: Drawer,
    /// Memory and meter.
    pub workspace: Workspace,
    touched: Touched,
    /// Values of the touched rows, `[rows, dim]`.
    row_values: Vec<f32>,
    /// Steps taken.
    pub step: u64,
    /// Steps that the schedule counts on.
    pub steps_total: u64,
}

/// What a step says of itself.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StepFacts {
    /// Mean loss over the tokens.
    pub loss: f32,
    /// Norm of all gradients together, before clipping.
    pub gradient_norm: f64,
    /// Tokens.
    pub tokens: usize,
}

/// Why a step was not taken.
enum Refusal {
    /// A gradient is not finite: look again, at every node.
    Gradient,
    Other(Error),
}

impl<E: Into<Error>> From<E> for Refusal {
    fn from(error: E) -> Refusal {
        Refusal::Other(error.into())
    }
}

impl Trainer {
    /// Fresh weights for the catalogue and popularity of `train`.
    ///
    /// # Errors
    /// Where a setting is out of range.
    pub fn new(
        config: &SequenceConfig,
        train: &Sequences,
        seed: u64,
        device: Device,
        steps_total: u64,
    ) -> Result<Trainer> {
        config.check()?;
        let model = SequenceModel::init(&config.model, seed)?;
        let items = SequenceModel::init_items(&config.model, train.item_count(), seed);
        let updaters = model
            .parameters()
            .iter()
            .map(|(_, _, tensor)| Updater::dense(&config.optimizer, tensor.values().len()))
            .collect::<Result<Vec<_>>>()?;
        let item_updater = match config.item_updates {
            ItemUpdates::Dense => Updater::dense(&config.optimizer, items.values().len())?,
            ItemUpdates::Rows => {
                Updater::by_rows(&config.optimizer, items.rows(), items.width())?
            }
        };
        Ok(Trainer {
            config: config.clone(),
            seed,
            model,
            items,
            updaters,
            item_updater,
            drawer: Drawer::new(config, train, seed)?,
            workspace: Workspace::new(device),
            touched: Touched::default(),
            row_values: Vec::new(),
            step: 0,
            steps_total,
        })
    }

    /// The updaters under their parameters' names, the items' last.
    pub(crate) fn updaters(&self) -> impl Iterator<Item = (&str, &Updater)> {
        let names = self.model.parameters().iter().map(|(_, name, _)| name);
        names.zip(&self.updaters).chain([("items", &self.item_updater)])
    }

    /// As [`Trainer::updaters`], to be loaded.
    pub(crate) fn updaters_mut(&mut self) -> impl Iterator<Item = (String, &mut Updater)> {
        let names: Vec<String> =
            self.model.parameters().iter().map(|(_, name, _)| name.to_owned()).collect();
        let items = ("items".to_owned(), &mut self.item_updater);
        names.into_iter().zip(&mut self.updaters).chain([items])
    }

    /// One step. Where it fails, no weight was changed.
    ///
    /// # Errors
    /// Where a number is not finite: it names the first node that made one.
    pub fn step(&mut self, examples: &Examples) -> Result<StepFacts> {
        match self.attempt(examples, false) {
            Ok(facts) => Ok(facts),
            Err(Refusal::Other(error)) => Err(error),
            // The same numbers again, every gradient looked at.
            Err(Refusal::Gradient) => match self.attempt(examples, true) {
                Err(Refusal::Other(error)) => Err(error),
                Ok(_) | Err(Refusal::Gradient) => Err(Error::Refused(
                    "the gradients together are not finite, each alone is: lower the rate"
                        .into(),
                )),
            },
        }
    }

    fn attempt(&mut self, examples: &Examples, check: bool) -> Result<StepFacts, Refusal> {
        let by_rows = self.config.item_updates == ItemUpdates::Rows;
        let (dim, step, device) = (self.items.width(), self.step, self.workspace.device);
        // The dropout masks of this step.
        let seed = self.seed ^ step.wrapping_mul(0xd134_2543_de82_ef95);
        let Trainer { model, items, drawer, workspace, touched, row_values, .. } = self;

        // Hard negatives need the hidden states; all others are drawn before them.
        let mut drawn = match drawer.mines() {
            true => None,
            false => Some(drawer.draw(step, examples, None)?),
        };
        let (mut inputs, mut targets) =
            (Cow::Borrowed(&examples.inputs[..]), Cow::Borrowed(&examples.targets[..]));
        let table = if by_rows {
            // The touched rows alone are the step's table, and all lists say places in it.
            let negatives = drawn.as_ref().map_or(&[][..], |drawn| &drawn.items);
            touched.collect(items.rows(), &[&inputs, &targets, negatives]);
            row_values.clear();
            for row in &touched.rows {
                row_values.extend_from_slice(items.row(*row as usize));
            }
            (inputs, targets) =
                (touched.places(&inputs).into(), touched.places(&targets).into());
            if let Some(drawn) = &mut drawn {
                drawn.items = touched.places(&drawn.items).into();
            }
            touched.forget();
            &row_values[..]
        } else {
            items.values()
        };

        let mut tape = Tape::training(model.parameters(), workspace, seed);
        tape.scope("items");
        let rows = tape.leaf(table, dim)?; // [rows, dim]
        let kept = tape.dropout(rows, self.config.item_dropout)?; // [rows, dim]
        let given = Rows {
            index: &inputs,
            positions: &examples.positions,
            offsets: &examples.offsets,
            happened_at: &examples.happened_at,
            asked_at: &examples.asked_at,
        };
        let hidden = model.forward(&mut tape, kept, given)?; // [tokens, dim]
        tape.scope("");
        let scored = model.scored(&mut tape, kept)?; // [rows, dim]
        let drawn = match drawn {
            Some(drawn) => drawn,
            None => {
                let (states, offsets) = (tape.value(hidden), &examples.offsets);
                let vectors = model.score_vectors(table);
                let mut mined = Mined::new(device, dim, states, offsets, &vectors, seed);
                drawer.draw(step, examples, Some(&mut mined))?
            }
        };
        let contrast = SampledLoss {
            positives: &targets,
            negatives: drawn.lists(&examples.offsets),
            negative_log_q: drawn.negative_log_q.as_deref(),
            positive_log_q: drawn.positive_log_q.as_deref(),
            contrast: drawn.contrast,
            scale: drawn.scale,
        };
        let loss = tape.sampled_loss(hidden, scored, &contrast)?;
        let value = tape.value(loss)[0];
        if !value.is_finite() {
            let first = tape.first_not_finite();
            drop(tape);
            self.check_finite()?;
            let unknown = || Error::Refused(format!("the loss is {value}"));
            return Err(Refusal::Other(first.map_or_else(unknown, Error::from)));
        }
        let mut gradients = tape.backward_checked(loss, check)?;
        let gradient_norm = self.clip(&mut gradients);
        if !gradient_norm.is_finite() {
            gradients.recycle(&mut self.workspace.buffers);
            return Err(Refusal::Gradient);
        }
        self.update(&gradients, rows)?;
        gradients.recycle(&mut self.workspace.buffers);
        self.step += 1;
        Ok(StepFacts { loss: value, gradient_norm, tokens: examples.tokens() })
    }

    /// Refuses weights that are not finite: the first by name, row and column.
    ///
    /// # Errors
    /// [`tensor::Error::NotFinite`].
    pub fn check_finite(&self) -> Result<()> {
        let parameters = self.model.parameters().iter().map(|(_, name, tensor)| (name, tensor));
        for (name, tensor) in parameters.chain([("items", &self.items)]) {
            if let Some(at) = tensor.values().iter().position(|value| !value.is_finite()) {
                let (row, column) = (at / tensor.width(), at % tensor.width());
                let (node, what) = (name.to_owned(), "weight");
                return Err(tensor::Error::NotFinite { node, what, row, column }.into());
            }
        }
        Ok(())
    }

    fn clip(&self, gradients: &mut Gradients) -> f64 {
        if self.config.clip_norm > 0.0 {
            let mut all: Vec<&mut [f32]> = gradients.all_mut().collect();
            clip(&mut all, self.config.clip_norm)
        } else {
            norm(gradients.all())
        }
    }

    fn update(&mut self, gradients: &Gradients, rows: Var) -> Result<()> {
        let rate = self.config.schedule.rate(self.step, self.steps_total);
        let ids: Vec<_> = self.model.parameters().iter().map(|(id, _, _)| id).collect();
        for (id, updater) in ids.into_iter().zip(&mut self.updaters) {
            if let Some(gradient) = gradients.of(id) {
                let parameter = self.model.parameters_mut().get_mut(id);
                updater.step(parameter.values_mut(), gradient, rate)?;
            }
        }
        if let Some(gradient) = gradients.leaf(rows) {
            let table = self.items.values_mut();
            match self.config.item_updates {
                ItemUpdates::Dense => self.item_updater.step(table, gradient, rate)?,
                ItemUpdates::Rows => {
                    self.item_updater.step_rows(table, &self.touched.rows, gradient, rate)?;
                }
            }
        }
        Ok(())
    }
}
