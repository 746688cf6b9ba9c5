//! For every item a short list of other items with a weight: what item-kNN and the
//! co-visitation graph learn.

use std::sync::atomic::{AtomicU64, Ordering};

use data::Progress;
use rayon::prelude::*;

use crate::Result;
use crate::best::Best;
use crate::tensors::{TensorsIn, TensorsOut};

/// Rows of (item, weight), weights above zero, each row by rising item.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Neighbours {
    /// Row `i` is `pairs[offsets[i]..offsets[i + 1]]`.
    offsets: Vec<u64>,
    pairs: Vec<(u32, f32)>,
}

/// What building takes.
pub(crate) struct Build<'a> {
    /// Number of rows.
    pub(crate) items: u32,
    /// Pairs kept a row: those with the largest weights.
    pub(crate) kept: u32,
    /// Seed of the tie order.
    pub(crate) seed: u64,
    /// For the progress bar.
    pub(crate) what: &'static str,
    pub(crate) progress: &'a Progress<'a>,
}

/// Rows that a thread takes at a time.
const BLOCK: u64 = 32;

type Row = Vec<(u32, f32)>;

impl Neighbours {
    /// Builds all rows in parallel; a row is made by one thread alone, so the number of threads
    /// changes nothing. `row` fills `Best` for one item, working in its thread's `scratch`:
    /// memory is one scratch a thread and the rows that are kept.
    pub(crate) fn build<S>(
        build: &Build<'_>,
        scratch: impl Fn() -> S + Sync,
        row: impl Fn(&mut S, u32, &mut Best) -> Result<()> + Sync,
    ) -> Result<Neighbours> {
        let (taken, done) = (AtomicU64::new(0), AtomicU64::new(0));
        let items = u64::from(build.items);
        let worker = |_| -> Result<Vec<(u64, Vec<Row>)>> {
            let mut scratch = scratch();
            let mut best = Best::new(build.kept as usize, build.seed);
            let mut blocks = Vec::new();
            loop {
                let from = taken.fetch_add(BLOCK, Ordering::Relaxed);
                if from >= items {
                    return Ok(blocks);
                }
                let mut rows = Vec::with_capacity(BLOCK as usize);
                for item in from..items.min(from + BLOCK) {
                    row(&mut scratch, item as u32, &mut best)?;
                    let mut kept = best.take();
                    kept.sort_unstable_by_key(|(item, _)| *item);
                    kept.shrink_to_fit();
                    rows.push(kept);
                }
                let done = done.fetch_add(rows.len() as u64, Ordering::Relaxed);
                build.progress.step(build.what, done + rows.len() as u64, Some(items))?;
                blocks.push((from, rows));
            }
        };
        let mut blocks: Vec<(u64, Vec<Row>)> = (0..rayon::current_num_threads())
            .into_par_iter()
            .with_max_len(1)
            .map(worker)
            .collect::<Result<Vec<_>>>()?
            .into_iter()
            .flatten()
            .collect();
        blocks.sort_unstable_by_key(|(from, _)| *from);
        Ok(Neighbours::from_rows(blocks.into_iter().flat_map(|(_, rows)| rows)))
    }

    fn from_rows(rows: impl Iterator<Item = Row>) -> Neighbours {
        let (mut offsets, mut pairs) = (vec![0], Vec::new());
        for row in rows {
            pairs.extend(row);
            offsets.push(pairs.len() as u64);
        }
        Neighbours { offsets, pairs }
    }

    /// Scales every row to sum to one.
    pub(crate) fn normalise(&mut self) {
        for at in 0..self.offsets.len() - 1 {
            let row = &mut self.pairs[self.offsets[at] as usize..self.offsets[at + 1] as usize];
            let sum: f64 = row.iter().map(|(_, weight)| f64::from(*weight)).sum();
            for (_, weight) in row {
                *weight = (f64::from(*weight) / sum) as f32;
            }
        }
    }

    /// Number of rows.
    pub(crate) fn items(&self) -> u32 {
        (self.offsets.len() - 1) as u32
    }

    /// The row of `item`, which is below [`Neighbours::items`].
    #[inline]
    pub(crate) fn row(&self, item: u32) -> &[(u32, f32)] {
        let at = item as usize;
        &self.pairs[self.offsets[at] as usize..self.offsets[at + 1] as usize]
    }

    /// The weight of the pair, where it was kept.
    pub(crate) fn weight(&self, from: u32, to: u32) -> Option<f32> {
        let row = self.row(from);
        row.binary_search_by_key(&to, |(item, _)| *item).ok().map(|at| row[at].1)
    }

    /// Adds them to a file.
    pub(crate) fn write(&self, file: TensorsOut) -> TensorsOut {
        let (items, weights): (Vec<u32>, Vec<f32>) = self.pairs.iter().copied().unzip();
        file.u64("offsets", &self.offsets).u32("neighbours", &items).f32(
            "weights",
            &[weights.len()],
            &weights,
        )
    }

    /// Reads them from a file.
    ///
    /// # Errors
    /// Where a row is not sorted, an index lies outside, or a weight is not above zero.
    pub(crate) fn read(file: &TensorsIn<'_>) -> Result<Neighbours> {
        let items = file.u32("neighbours", 1 << 32)?;
        let weights = file.f32("weights", &[items.len()])?;
        let offsets = file.offsets("offsets", items.len())?;
        let rows = (offsets.len() - 1) as u64;
        if rows > u64::from(u32::MAX) || items.iter().any(|item| u64::from(*item) >= rows) {
            return Err(file.damaged(format!("a neighbour lies beyond the {rows} items")));
        }
        if let Some(weight) = weights.iter().find(|weight| **weight <= 0.0) {
            return Err(file.damaged(format!("a neighbour has the weight {weight}")));
        }
        let pairs: Vec<(u32, f32)> = items.into_iter().zip(weights).collect();
        let found = Neighbours { offsets, pairs };
        for item in 0..found.items() {
            if !found.row(item).is_sorted_by(|a, b| a.0 < b.0) {
                return Err(
                    file.damaged(format!("the neighbours of item {item} are not sorted"))
                );
            }
        }
        Ok(found)
    }
}
