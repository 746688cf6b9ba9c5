//! The sampler: settings, popularity and seed in; the negatives of any step out.

use super::config::Negatives;
use super::distribution::Distribution;
use super::hard::{self, Mine};
use super::in_batch::{self, InBatch};
use super::lists;
use super::sampled::Sampled;
use super::targets::Targets;
use crate::stream::Stream;
use crate::{Error, Result};

/// Keeps negatives apart from whatever else a run draws with the same seed.
const PURPOSE: u64 = 0x6e65_6761_7469_7665;

/// Draws negatives. It holds no state that drawing changes: the sample of (seed, step, targets)
/// is always the same.
#[derive(Debug, Clone)]
pub struct Sampler {
    config: Negatives,
    distribution: Distribution,
    /// Probability that a target is an item.
    unigram: Vec<f64>,
    seed: u64,
}

impl Sampler {
    /// For a catalogue of `counts.len()` items, of which item i is a target `counts[i]` times in
    /// the training data.
    ///
    /// # Errors
    /// Where a setting is out of range, the catalogue is empty, or popularity is asked for and
    /// nothing was counted.
    pub fn new(config: Negatives, counts: &[u32], seed: u64) -> Result<Sampler> {
        config.check()?;
        if counts.is_empty() {
            return Err(Error::Refused("negatives from a catalogue without an item".into()));
        }
        let total: f64 = counts.iter().map(|count| f64::from(*count)).sum();
        let needs_counts = match config {
            Negatives::Popularity { .. }
            | Negatives::InBatch { .. }
            | Negatives::Mixed { .. } => true,
            Negatives::Hard { power, .. } => power > 0.0,
            Negatives::Uniform { .. } => false,
        };
        if needs_counts && total <= 0.0 {
            let what = "negatives by popularity from training data without an event";
            return Err(Error::Refused(what.into()));
        }
        let distribution = match &config {
            Negatives::Popularity { power, .. } | Negatives::Hard { power, .. }
                if needs_counts =>
            {
                // An item that was never a target stays out, at power 0 too.
                let weight = |count: &u32| match count {
                    0 => 0.0,
                    count => f64::from(*count).powf(*power),
                };
                Distribution::weighted(&counts.iter().map(weight).collect::<Vec<_>>())
            }
            _ => Distribution::Uniform { items: counts.len() },
        };
        let unigram = counts.iter().map(|count| f64::from(*count) / total.max(1.0)).collect();
        Ok(Sampler { config, distribution, unigram, seed })
    }

    /// The settings it draws by.
    pub fn config(&self) -> &Negatives {
        &self.config
    }

    /// Size of the catalogue.
    pub fn item_count(&self) -> usize {
        self.unigram.len()
    }

    /// Takes `q` (by item) for the probability that a target is an item, in place of the
    /// training counts: an estimate of [`crate::frequency`] on data that drifts. It corrects
    /// in-batch and mixed negatives; a sample then depends on (seed, step, targets, q).
    ///
    /// # Errors
    /// Where there is not one probability for every item.
    pub fn set_unigram(&mut self, q: Vec<f64>) -> Result<()> {
        if q.len() != self.unigram.len() || !q.iter().all(|q| (0.0..=1.0).contains(q)) {
            return Err(Error::Refused(format!(
                "{} numbers where {} items need a probability each",
                q.len(),
                self.unigram.len()
            )));
        }
        self.unigram = q;
        Ok(())
    }

    /// The negatives of `step` for `targets`.
    ///
    /// # Errors
    /// Where the targets do not fit together or the catalogue, a user has nothing left to draw,
    /// or hard negatives are asked for: they need [`Sampler::sample_mined`].
    pub fn sample(&self, step: u64, targets: &Targets<'_>) -> Result<Sampled> {
        self.draw(step, targets, None)
    }

    /// The same, with `mine(row, n)` giving the n items that the current model ranks first for
    /// `row`, best first; items that its user interacted with may be among them and are left
    /// out. It is called in the order of the rows, once each, and only for hard negatives.
    ///
    /// # Errors
    /// As [`Sampler::sample`].
    pub fn sample_mined(
        &self,
        step: u64,
        targets: &Targets<'_>,
        mine: &mut dyn FnMut(usize, usize) -> Vec<u32>,
    ) -> Result<Sampled> {
        self.draw(step, targets, Some(mine))
    }

    fn draw(
        &self,
        step: u64,
        targets: &Targets<'_>,
        mine: Option<&mut Mine<'_>>,
    ) -> Result<Sampled> {
        targets.check(self.unigram.len())?;
        let stream = Stream::new(PURPOSE, self.seed, step);
        let share = |count: usize, share: f64| (count as f64 * share).round() as usize;
        match self.config {
            Negatives::Uniform { count, layout, unseen }
            | Negatives::Popularity { count, layout, unseen, .. } => {
                lists::draw(&self.distribution, &stream, targets, count, layout, unseen)
            }
            Negatives::InBatch { count, labels } => {
                let count = count.unwrap_or(usize::MAX);
                let how = InBatch { count, labels, filled_to: 0 };
                in_batch::draw(how, &self.unigram, &stream, targets)
            }
            Negatives::Mixed { count, share: from_batch, labels } => {
                let how = InBatch { count: share(count, from_batch), labels, filled_to: count };
                in_batch::draw(how, &self.unigram, &stream, targets)
            }
            Negatives::Hard { count, share: mined, weight, .. } => {
                let mine = mine.ok_or_else(|| {
                    Error::Refused(
                        "hard negatives need a model to mine with: call sample_mined".into(),
                    )
                })?;
                let how = (count, share(count, mined), weight);
                let from = (&self.distribution, self.unigram.len());
                hard::draw(how, from, &stream, targets, mine)
            }
        }
    }
}
