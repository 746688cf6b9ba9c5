//! One step: forward, negatives, loss, backward, update. What a run is between two steps.

use std::borrow::Cow;

use data::Sequences;
use models::{Rows, SequenceModel};
use tensor::{Device, Gradients, SampledLoss, Tape, Var, Workspace};

use crate::config::SequenceConfig;
use crate::drawn::Drawer;
use crate::example::Examples;
use crate::items::Items;
use crate::mined::Mined;
use crate::on_disk::TableTier;
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
    /// Embeddings of all items, `[items, dim]`, and what moves them.
    pub items: Items,
    updaters: Vec<Updater>,
    pub(crate) drawer: Drawer,
    /// Memory and meter.
    pub workspace: Workspace,
    pub(crate) touched: Touched,
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
        Trainer::over(config, train, seed, device, steps_total, None)
    }

    /// As [`Trainer::new`]; with a `tier`, items are rows of a table of which most are on disk.
    ///
    /// # Errors
    /// Where a setting is out of range, the memory does not do, or the disk fails.
    pub fn over(
        config: &SequenceConfig,
        train: &Sequences,
        seed: u64,
        device: Device,
        steps_total: u64,
        tier: Option<&TableTier>,
    ) -> Result<Trainer> {
        config.check()?;
        let model = SequenceModel::init(&config.model, seed)?;
        let items = Items::init(config, train.item_count(), seed, tier)?;
        let updaters = model
            .parameters()
            .iter()
            .map(|(_, _, tensor)| Updater::dense(&config.optimizer, tensor.values().len()))
            .collect::<Result<Vec<_>>>()?;
        Ok(Trainer {
            config: config.clone(),
            seed,
            model,
            items,
            updaters,
            drawer: Drawer::new(config, train, seed)?,
            workspace: Workspace::new(device),
            touched: Touched::default(),
            row_values: Vec::new(),
            step: 0,
            steps_total,
        })
    }

    /// The updaters under their parameters' names, the items' last where they have one: a table
    /// keeps its memory in its rows.
    pub(crate) fn updaters(&self) -> impl Iterator<Item = (&str, &Updater)> {
        let names = self.model.parameters().iter().map(|(_, name, _)| name);
        let items = self.items.updater().map(|updater| ("items", updater));
        names.zip(&self.updaters).chain(items)
    }

    /// As [`Trainer::updaters`], to be loaded.
    pub(crate) fn updaters_mut(&mut self) -> impl Iterator<Item = (String, &mut Updater)> {
        let names: Vec<String> =
            self.model.parameters().iter().map(|(_, name, _)| name.to_owned()).collect();
        let items = self.items.updater_mut().map(|updater| ("items".to_owned(), updater));
        names.into_iter().zip(&mut self.updaters).chain(items)
    }

    /// One step. Where a number is not finite no weight was changed.
    ///
    /// # Errors
    /// Where a number is not finite: it names the first node that made one. Where items are on disk and it
    /// fails: go on from a checkpoint then, some weights may have made the step.
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
        let by_rows = self.items.by_rows();
        let (dim, step, device) = (self.items.dim(), self.step, self.workspace.device);
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
        let whole;
        let table = if by_rows {
            // The touched rows alone are the step's table, and all lists say places in it.
            let negatives = drawn.as_ref().map_or(&[][..], |drawn| &drawn.items);
            touched.collect(items.count() as usize, &[&inputs, &targets, negatives]);
            items.take(&touched.rows, row_values)?;
            (inputs, targets) =
                (touched.places(&inputs).into(), touched.places(&targets).into());
            if let Some(drawn) = &mut drawn {
                drawn.items = touched.places(&drawn.items).into();
            }
            touched.forget();
            &row_values[..]
        } else {
            whole = items.matrix()?;
            whole.values()
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
        let mut hidden = model.forward(&mut tape, kept, given)?; // [tokens, dim]
        tape.scope("");
        if let Some(scored) = &examples.scored {
            hidden = tape.gather(hidden, &scored.places, 1.0)?; // [targets, dim]
        }
        let scored = model.scored(&mut tape, kept)?; // [rows, dim]
        let drawn = match drawn {
            Some(drawn) => drawn,
            None => {
                let (states, offsets) = (tape.value(hidden), examples.target_offsets());
                let vectors = model.score_vectors(table);
                let mut mined = Mined::new(device, dim, states, offsets, &vectors, seed);
                drawer.draw(step, examples, Some(&mut mined))?
            }
        };
        let contrast = SampledLoss {
            positives: &targets,
            negatives: drawn.lists(examples.target_offsets()),
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
    pub fn check_finite(&mut self) -> Result<()> {
        let parameters = self.model.parameters().iter().find_map(|(_, name, tensor)| {
            let at = tensor.values().iter().position(|value| !value.is_finite())?;
            Some((name.to_owned(), at / tensor.width(), at % tensor.width()))
        });
        let found = match parameters {
            Some(found) => Some(found),
            None => {
                let items = self.items.first_not_finite()?;
                items.map(|(row, column)| ("items".to_owned(), row, column))
            }
        };
        match found {
            None => Ok(()),
            Some((node, row, column)) => {
                Err(tensor::Error::NotFinite { node, what: "weight", row, column }.into())
            }
        }
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
            match self.items.by_rows() {
                false => self.items.step(gradient, rate)?,
                true => self.items.step_rows(&self.touched.rows, gradient, rate)?,
            }
        }
        Ok(())
    }
}
