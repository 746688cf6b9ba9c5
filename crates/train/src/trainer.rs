//! One step: forward, negatives, loss, backward, update. What a run is between two steps.

use data::Sequences;
use models::{Rows, SasRec};
use tensor::{
    Contrast, Device, Gradients, Negatives as Lists, Offsets, SampledLoss, Tape, Tensor, Var,
    Workspace, scores,
};

use crate::config::{ItemUpdates, Loss, SequenceConfig};
use crate::example::Examples;
use crate::optim::{clip, norm};
use crate::sample::{Interacted, Layout, Negatives, Sampled, Sampler, Targets};
use crate::touched::Touched;
use crate::updater::Updater;
use crate::{Error, LogQ, Result, gbce_beta};

/// Log-probability that stands for "never": it leaves `1 - q` at 1.
const NEVER: f32 = -100.0;

/// A model in training: its weights, its items, and what moves them.
pub struct Trainer {
    config: SequenceConfig,
    seed: u64,
    /// The model.
    pub model: SasRec,
    /// Embeddings of all items, `[items, dim]`.
    pub items: Tensor,
    updaters: Vec<Updater>,
    item_updater: Updater,
    sampler: Sampler,
    interacted: Interacted,
    /// Memory and meter.
    pub workspace: Workspace,
    touched: Touched,
    /// Values of the touched rows, `[rows, dim]`.
    row_values: Vec<f32>,
    /// Every item, for the full softmax.
    all: Vec<u32>,
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

/// Negatives as the loss takes them.
struct Drawn {
    layout: Layout,
    count: usize,
    items: Vec<u32>,
    negative_log_q: Option<Vec<f32>>,
    positive_log_q: Option<Vec<f32>>,
    contrast: Contrast,
    scale: f32,
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
        let model = SasRec::init(&config.model, seed)?;
        let items = SasRec::init_items(&config.model, train.item_count(), seed);
        let updaters = model
            .parameters
            .iter()
            .map(|(_, _, tensor)| Updater::dense(&config.optimizer, tensor.values().len()))
            .collect::<Result<Vec<_>>>()?;
        let item_updater = match config.item_updates {
            ItemUpdates::Dense => Updater::dense(&config.optimizer, items.values().len())?,
            ItemUpdates::Rows => {
                Updater::by_rows(&config.optimizer, items.rows(), items.width())?
            }
        };
        let sampler = Sampler::new(config.negatives.clone(), &train.popularity(), seed)?;
        let full = matches!(config.loss, Loss::FullSoftmax { .. });
        Ok(Trainer {
            config: config.clone(),
            seed,
            model,
            items,
            updaters,
            item_updater,
            sampler,
            interacted: Interacted::of(train),
            workspace: Workspace::new(device),
            touched: Touched::default(),
            row_values: Vec::new(),
            all: if full { (0..train.item_count()).collect() } else { Vec::new() },
            step: 0,
            steps_total,
        })
    }

    /// The updaters under their parameters' names, the items' last.
    pub(crate) fn updaters(&self) -> impl Iterator<Item = (&str, &Updater)> {
        let names = self.model.parameters.iter().map(|(_, name, _)| name);
        names.zip(&self.updaters).chain([("items", &self.item_updater)])
    }

    /// As [`Trainer::updaters`], to be loaded.
    pub(crate) fn updaters_mut(&mut self) -> impl Iterator<Item = (String, &mut Updater)> {
        let names: Vec<String> =
            self.model.parameters.iter().map(|(_, name, _)| name.to_owned()).collect();
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
        // Hard negatives need the hidden states; all others are drawn before them.
        let hard = matches!(self.config.negatives, Negatives::Hard { .. });
        let mut drawn = if hard { None } else { Some(self.draw(examples, None)?) };
        let dim = self.items.width();
        let seed = self.seed ^ self.step.wrapping_mul(0xd134_2543_de82_ef95);

        let Trainer { model, items, workspace, touched, row_values, .. } = self;
        let (inputs, targets, table);
        if by_rows {
            let negatives = drawn.as_ref().map_or(&[][..], |drawn| &drawn.items);
            touched.collect(items.rows(), &[&examples.inputs, &examples.targets, negatives]);
            row_values.clear();
            for row in &touched.rows {
                row_values.extend_from_slice(items.row(*row as usize));
            }
            (inputs, targets) =
                (touched.places(&examples.inputs), touched.places(&examples.targets));
            if let Some(drawn) = &mut drawn {
                drawn.items = touched.places(&drawn.items);
            }
            touched.forget();
            table = &row_values[..];
        } else {
            (inputs, targets) = (examples.inputs.clone(), examples.targets.clone());
            table = items.values();
        }

        let mut tape = Tape::training(&model.parameters, workspace, seed);
        let rows = tape.leaf(table, dim)?; // [rows, dim]
        let kept = tape.dropout(rows, self.config.item_dropout)?; // [rows, dim]
        let given =
            Rows { index: &inputs, positions: &examples.positions, offsets: &examples.offsets };
        let hidden = model.forward(&mut tape, kept, given)?; // [tokens, dim]
        tape.scope("");
        let drawn = match drawn {
            Some(drawn) => drawn,
            None => {
                let found = mined(&tape, hidden, &examples.offsets, table, dim)?;
                draw(
                    &self.config,
                    &self.sampler,
                    &self.interacted,
                    &self.all,
                    self.step,
                    examples,
                    Some(found),
                )?
            }
        };
        let negatives = match drawn.layout {
            Layout::Shared => Lists::Shared { items: &drawn.items },
            Layout::PerRow => Lists::PerRow {
                offsets: &examples.offsets,
                count: drawn.count,
                items: &drawn.items,
            },
            Layout::PerToken => Lists::PerToken { count: drawn.count, items: &drawn.items },
        };
        let loss = tape.sampled_loss(
            hidden,
            kept,
            &SampledLoss {
                positives: &targets,
                negatives,
                negative_log_q: drawn.negative_log_q.as_deref(),
                positive_log_q: drawn.positive_log_q.as_deref(),
                contrast: drawn.contrast,
                scale: drawn.scale,
            },
        )?;
        let value = tape.value(loss)[0];
        if !value.is_finite() {
            let first = tape.first_not_finite();
            return Err(Refusal::Other(
                first.map_or_else(
                    || Error::Refused(format!("the loss is {value}")),
                    Error::from,
                ),
            ));
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
        let ids: Vec<_> = self.model.parameters.iter().map(|(id, _, _)| id).collect();
        for (id, updater) in ids.into_iter().zip(&mut self.updaters) {
            if let Some(gradient) = gradients.of(id) {
                updater.step(self.model.parameters.get_mut(id).values_mut(), gradient, rate)?;
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

    fn draw(&self, examples: &Examples, mined: Option<Mined>) -> Result<Drawn> {
        let Trainer { config, sampler, interacted, all, step, .. } = self;
        draw(config, sampler, interacted, all, *step, examples, mined)
    }
}

/// Scores of every item for the last state of each row: `[rows, items]`.
struct Mined {
    scores: Vec<f32>,
    items: usize,
}

fn mined(
    tape: &Tape<'_>,
    hidden: Var,
    offsets: &Offsets,
    table: &[f32],
    dim: usize,
) -> Result<Mined> {
    let hidden = tape.value(hidden);
    let mut last = Vec::with_capacity(offsets.rows() * dim);
    for range in offsets.ranges() {
        // Rows of a batch have a token each.
        let token = range.end.saturating_sub(1);
        last.extend_from_slice(&hidden[token * dim..][..dim]);
    }
    let items = table.len() / dim;
    let mut all = vec![0.0; offsets.rows() * items];
    scores(Device::Cpu, &tensor::Meter::new(), dim, &last, table, &mut all)?;
    Ok(Mined { scores: all, items })
}

impl Mined {
    /// The `n` items of the largest scores of `row`, best first.
    fn best(&self, row: usize, n: usize) -> Vec<u32> {
        let scores = &self.scores[row * self.items..][..self.items];
        let mut found: Vec<u32> = (0..self.items as u32).collect();
        let better = |a: &u32, b: &u32| scores[*b as usize].total_cmp(&scores[*a as usize]);
        if n < found.len() {
            found.select_nth_unstable_by(n, better);
            found.truncate(n);
        }
        found.sort_by(better);
        found
    }
}

fn draw(
    config: &SequenceConfig,
    sampler: &Sampler,
    interacted: &Interacted,
    all: &[u32],
    step: u64,
    examples: &Examples,
    mined: Option<Mined>,
) -> Result<Drawn> {
    if let Loss::FullSoftmax { temperature } = config.loss {
        return Ok(Drawn {
            layout: Layout::Shared,
            count: all.len(),
            items: all.to_vec(),
            negative_log_q: None,
            positive_log_q: None,
            contrast: Contrast::Softmax,
            scale: 1.0 / temperature,
        });
    }
    let targets = Targets {
        users: &examples.users,
        offsets: examples.offsets.as_slice(),
        items: &examples.targets,
        interacted,
    };
    let sampled = match mined {
        None => sampler.sample(step, &targets)?,
        Some(mined) => {
            sampler.sample_mined(step, &targets, &mut |row, n| mined.best(row, n))?
        }
    };
    Ok(weigh(config, sampled, sampler.item_count()))
}

/// The loss's view of a sample: which form of logQ subtracts what.
fn weigh(config: &SequenceConfig, sampled: Sampled, items: usize) -> Drawn {
    let Sampled { layout, count, items: list, log_q, positive_log_q, hits } = sampled;
    let mut drawn = Drawn {
        layout,
        count,
        items: list,
        negative_log_q: None,
        positive_log_q: None,
        contrast: Contrast::Softmax,
        scale: 1.0,
    };
    match config.loss {
        Loss::Gbce { t } => {
            drawn.contrast = Contrast::Binary { beta: gbce_beta(count, items, t) as f32 };
        }
        Loss::SampledSoftmax { log_q: form, temperature } => {
            drawn.scale = 1.0 / temperature;
            match form {
                LogQ::None => {}
                LogQ::Standard => {
                    drawn.negative_log_q = Some(log_q);
                    drawn.positive_log_q = Some(positive_log_q);
                }
                LogQ::NegativesOnly => {
                    let log_n = (count.max(1) as f32).ln();
                    let shifted = log_q.into_iter().map(|log_q| log_q + log_n);
                    drawn.negative_log_q = Some(shifted.collect());
                }
                LogQ::Corrected => {
                    drawn.contrast = Contrast::Corrected;
                    drawn.negative_log_q = Some(log_q);
                    drawn.positive_log_q = Some(if hits {
                        positive_log_q
                    } else {
                        // The target cannot be drawn: 1 - q is 1.
                        vec![NEVER; positive_log_q.len()]
                    });
                }
            }
        }
        Loss::FullSoftmax { .. } => {}
    }
    drawn
}
