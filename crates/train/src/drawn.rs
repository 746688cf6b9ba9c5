//! What a step tells its positives from: negatives, and what the loss makes of them.

use std::borrow::Cow;

use data::Sequences;
use tensor::{Contrast, Negatives as Lists, Offsets};

use crate::config::{Loss, SequenceConfig};
use crate::example::Examples;
use crate::mined::Mined;
use crate::sample::{Interacted, Layout, Negatives, Sampled, Sampler, Targets};
use crate::{LogQ, Result, gbce_beta};

/// Log-probability that stands for "never": it leaves `1 - q` at 1.
const NEVER: f32 = -100.0;

/// Draws for one training set and one loss.
#[derive(Debug)]
pub(crate) struct Drawer {
    loss: Loss,
    sampler: Sampler,
    interacted: Interacted,
    /// Every item, for the full softmax.
    all: Vec<u32>,
}

/// Negatives as the loss takes them.
#[derive(Debug)]
pub(crate) struct Drawn<'a> {
    layout: Layout,
    count: usize,
    /// Rows of the items' matrix.
    pub(crate) items: Cow<'a, [u32]>,
    pub(crate) negative_log_q: Option<Vec<f32>>,
    pub(crate) positive_log_q: Option<Vec<f32>>,
    pub(crate) contrast: Contrast,
    pub(crate) scale: f32,
}

impl Drawer {
    /// By the popularity and the histories of `train`.
    pub(crate) fn new(config: &SequenceConfig, train: &Sequences, seed: u64) -> Result<Drawer> {
        let full = matches!(config.loss, Loss::FullSoftmax { .. });
        Ok(Drawer {
            loss: config.loss.clone(),
            sampler: Sampler::new(config.negatives.clone(), &train.popularity(), seed)?,
            interacted: Interacted::of(train),
            all: if full { (0..train.item_count()).collect() } else { Vec::new() },
        })
    }

    /// Whether it draws what the model ranks high, so that hidden states are needed first.
    pub(crate) fn mines(&self) -> bool {
        let full = matches!(self.loss, Loss::FullSoftmax { .. });
        !full && matches!(self.sampler.config(), Negatives::Hard { .. })
    }

    /// The negatives of `step`; `mined` where it mines.
    pub(crate) fn draw(
        &self,
        step: u64,
        examples: &Examples,
        mined: Option<&mut Mined<'_>>,
    ) -> Result<Drawn<'_>> {
        if let Loss::FullSoftmax { temperature } = self.loss {
            return Ok(Drawn {
                layout: Layout::Shared,
                count: self.all.len(),
                items: Cow::Borrowed(&self.all),
                negative_log_q: None,
                positive_log_q: None,
                contrast: Contrast::Softmax,
                scale: 1.0 / temperature,
            });
        }
        let targets = Targets {
            users: &examples.users,
            offsets: examples.target_offsets().as_slice(),
            items: &examples.targets,
            interacted: &self.interacted,
        };
        let sampled = match mined {
            None => self.sampler.sample(step, &targets)?,
            Some(mined) => {
                let mut mine = |row: usize, n: usize| mined.best(row, n);
                self.sampler.sample_mined(step, &targets, &mut mine)?
            }
        };
        Ok(self.weigh(sampled))
    }

    /// The loss's view of a sample: which form of logQ subtracts what.
    fn weigh(&self, sampled: Sampled) -> Drawn<'_> {
        let Sampled { layout, count, items, log_q, positive_log_q, hits } = sampled;
        let mut drawn = Drawn {
            layout,
            count,
            items: Cow::Owned(items),
            negative_log_q: None,
            positive_log_q: None,
            contrast: Contrast::Softmax,
            scale: 1.0,
        };
        match self.loss {
            Loss::Gbce { t } => {
                let beta = gbce_beta(count, self.sampler.item_count(), t) as f32;
                drawn.contrast = Contrast::Binary { beta };
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
}

impl Drawn<'_> {
    /// The lists, for tokens that lie in the rows of `offsets`.
    pub(crate) fn lists<'l>(&'l self, offsets: &'l Offsets) -> Lists<'l> {
        let (count, items) = (self.count, &*self.items);
        match self.layout {
            Layout::Shared => Lists::Shared { items },
            Layout::PerRow => Lists::PerRow { offsets, count, items },
            Layout::PerToken => Lists::PerToken { count, items },
        }
    }
}
