//! Rows of one feature of a table over a slow tier: any number of them, a batch's worth at a time.

use super::ahead::gone;
use super::loading::CHUNK;
use super::record;
use super::tiered::TieredTable;
use crate::{Bags, Pooling, Result};

impl TieredTable {
    /// Rows of `ids` in order, `[ids, width]`, of which there may be more than a batch has.
    ///
    /// # Errors
    /// As [`TieredTable::sequence`].
    ///
    /// # Panics
    /// Where `out` has another size.
    pub fn rows(&mut self, feature: usize, ids: &[u64], out: &mut [f32]) -> Result<()> {
        let (part, width) = (self.config().batch_ids, self.config().width);
        assert_eq!(out.len(), ids.len() * width, "table {}", self.config().name);
        self.check(feature, ids)?;
        let offsets = single(part.min(ids.len()));
        for (ids, out) in ids.chunks(part).zip(out.chunks_mut(part * width)) {
            let bags = Bags::new(&offsets[..=ids.len()], ids)?;
            self.sequence(&[(feature, bags)], out)?;
        }
        Ok(())
    }

    /// One step of the rows of `ids`, which rise, with their gradients `[ids, width]`: to the bit as
    /// [`TieredTable::update`] of all of them at once.
    ///
    /// # Errors
    /// Where ids are not rows or do not rise, or a gradient is not finite, and nothing has changed then;
    /// where the tier fails, and some rows may have made the step.
    ///
    /// # Panics
    /// Where `gradient` has another size.
    pub fn update_rows(&mut self, feature: usize, ids: &[u64], gradient: &[f32]) -> Result<()> {
        let (part, width) = (self.config().batch_ids, self.config().width);
        assert_eq!(gradient.len(), ids.len() * width, "table {}", self.config().name);
        self.check(feature, ids)?;
        if let Some(at) = ids.windows(2).position(|pair| pair[0] >= pair[1]) {
            return Err(self.wrong(format!("id {} after {}", ids[at + 1], ids[at])));
        }
        if let Some(at) = gradient.iter().position(|value| !value.is_finite()) {
            let what = format!("the gradient of id {} is not finite", ids[at / width]);
            return Err(self.wrong(what));
        }
        let offsets = single(part.min(ids.len()));
        // All parts make the same step; the last first, which look-ups have left in the cache where it
        // does not hold them all.
        let before = self.steps[feature];
        for (ids, gradient) in ids.chunks(part).zip(gradient.chunks(part * width)).rev() {
            self.steps[feature] = before;
            let bags = Bags::new(&offsets[..=ids.len()], ids)?;
            self.update(&[(feature, bags)], Pooling::Sum, gradient)?;
        }
        Ok(())
    }

    /// Hands on all rows of a feature as they are now, so many at a time, past the cache: the id of the
    /// first of them, and `[rows, width]`. Those that were never met are as they would begin.
    ///
    /// # Errors
    /// Where there is no such feature, the tier fails, or `each` does.
    ///
    /// # Panics
    /// Where `rows` is 0.
    pub fn blocks<E: From<crate::Error>>(
        &mut self,
        feature: usize,
        rows: usize,
        mut each: impl FnMut(u64, &[f32]) -> std::result::Result<(), E>,
    ) -> std::result::Result<(), E> {
        self.check_feature(feature)?;
        let (width, count) = (self.config().width, self.config().features[feature].rows);
        let init = self.config().features[feature].init;
        let mut block = Vec::with_capacity(rows.min(count as usize) * width);
        self.records(feature, |from, records, known| -> std::result::Result<(), E> {
            let bytes = records.len() / known.len().max(1);
            for (id, (record, known)) in (from..).zip(records.chunks_exact(bytes).zip(known)) {
                let at = block.len();
                block.resize(at + width, 0.0);
                match known {
                    true => record::numbers(record, &mut block[at..]),
                    false => init.fill(id, &mut block[at..]),
                }
                if block.len() == rows * width || id + 1 == count {
                    let rows = (block.len() / width) as u64;
                    each(id + 1 - rows, &block)?;
                    block.clear();
                }
            }
            Ok(())
        })
    }

    /// Hands on the records of all rows of a feature some at a time, as they are now: the id of the first
    /// of them, the records, and which of these rows were ever written.
    pub(crate) fn records<E: From<crate::Error>>(
        &mut self,
        feature: usize,
        mut each: impl FnMut(u64, &[u8], &[bool]) -> std::result::Result<(), E>,
    ) -> std::result::Result<(), E> {
        self.check_feature(feature)?;
        self.wait()?;
        let (first, count) = (self.firsts[feature], self.config().features[feature].rows);
        let engine = self.engine.as_mut().ok_or_else(|| gone("it died"))?;
        engine.write_back(&self.fast)?;
        for from in (0..count).step_by(CHUNK) {
            let to = count.min(from + CHUNK as u64);
            let (records, known) = engine.stored(first + from..first + to)?;
            each(from, records, known)?;
        }
        Ok(())
    }

    /// Takes over records of rows that were not met since the table was opened.
    pub(crate) fn put(&mut self, feature: usize, ids: &[u64], records: &[u8]) -> Result<()> {
        self.check(feature, ids)?;
        self.wait()?;
        let record = self.config().record_bytes();
        let first = self.firsts[feature];
        let engine = self.engine.as_mut().ok_or_else(|| gone("it died"))?;
        if engine.cache.counters.batches > 0 {
            return Err(self.wrong("rows are taken over before the first batch".into()));
        }
        for (ids, records) in ids.chunks(CHUNK).zip(records.chunks(CHUNK * record)) {
            let rows: Vec<u64> = ids.iter().map(|id| first + id).collect();
            engine.tier.write(&rows, records)?;
        }
        Ok(())
    }

    /// Steps that the optimiser of a feature has made.
    ///
    /// # Panics
    /// Where there is no such feature.
    pub fn steps(&self, feature: usize) -> u32 {
        self.steps[feature]
    }

    /// Refuses what is no feature.
    pub(crate) fn check_feature(&self, feature: usize) -> Result<()> {
        self.check(feature, &[])
    }

    pub(crate) fn set_steps(&mut self, feature: usize, steps: u32) {
        self.steps[feature] = steps;
    }
}

/// Offsets of so many bags of one id.
fn single(count: usize) -> Vec<i32> {
    (0..=count as i32).collect()
}
