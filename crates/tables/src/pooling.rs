//! Rows of bags, pooled.

use std::ops::Range;

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use crate::gather::{Found, Gather, Numbered, Source};
use crate::rows::{Format, One, Rows, Weight};
use crate::slab::Visitor;
use crate::table::UNKNOWN;
use crate::{Bags, Result, Table};

/// What becomes of the rows of a bag. An empty bag is 0; an id without a row adds nothing, but
/// counts in a mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pooling {
    /// `Σ_i weight_i · row_i`.
    Sum,
    /// That over the number of ids.
    Mean,
}

/// Bags that one thread takes at a time, feature by feature, at least and at most: enough that rows
/// which many of them share stay in its cache meanwhile. Threads walk through the features side by side and
/// find in the cache that they share what others brought.
const BAGS: [usize; 2] = [32, 2048];

impl Pooling {
    /// What the sum of a bag of so many ids is multiplied with.
    #[inline]
    pub(crate) fn share(self, ids: usize) -> f32 {
        match self {
            Pooling::Sum => 1.0,
            Pooling::Mean => 1.0 / ids.max(1) as f32,
        }
    }
}

/// Samples of one thread, from number `from` on.
struct Part<'a> {
    features: &'a [(&'a Table, Bags<'a>)],
    pooling: Pooling,
    from: usize,
    width: usize,
    out: &'a mut [f32],
}

impl WithSimd for Part<'_> {
    /// Ids that have no row.
    type Output = usize;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> usize {
        let Part { features, pooling, from, width: stride, out } = self;
        let (mut at, mut unknown, mut found) = (0, 0, Vec::new());
        for (table, bags) in features {
            let width = table.config.width;
            let out = Columns { values: out, stride, at, width };
            let samples = from..from + out.rows();
            if let Some(keys) = &table.keys {
                keys.index.rows_of(simd, bags.ids_of(&samples), &mut found);
            }
            let found = table.keys.as_ref().map(|_| &found[..]);
            unknown += table.slab.visit(Feature { bags, found, pooling, samples, out });
            at += width;
        }
        unknown
    }
}

/// Columns `at..at + width` of a matrix whose rows are `stride` wide.
struct Columns<'a> {
    values: &'a mut [f32],
    stride: usize,
    at: usize,
    width: usize,
}

impl Columns<'_> {
    fn rows(&self) -> usize {
        self.values.len() / self.stride
    }

    #[inline(always)]
    fn row(&mut self, row: usize) -> &mut [f32] {
        &mut self.values[row * self.stride + self.at..][..self.width]
    }
}

/// These samples of one feature.
struct Feature<'a> {
    bags: &'a Bags<'a>,
    /// Rows of the samples' ids, where ids are keys.
    found: Option<&'a [u32]>,
    pooling: Pooling,
    samples: Range<usize>,
    out: Columns<'a>,
}

impl Visitor for Feature<'_> {
    /// Ids without a row.
    type Output = usize;

    #[inline(always)]
    fn visit<F: Format>(self, rows: Rows<'_, F>) -> usize {
        match self.out.width {
            16 => self.pool_fixed::<F, 16>(&rows),
            32 => self.pool_fixed::<F, 32>(&rows),
            64 => self.pool_fixed::<F, 64>(&rows),
            128 => self.pool_fixed::<F, 128>(&rows),
            width => match self.found {
                Some(found) => self.pool(Gather::new(Found { rows: &rows }, found, width)),
                None => {
                    let (rows, ids) = (rows.first(), self.bags.ids_of(&self.samples));
                    self.pool(Gather::new(Numbered::<F, 1> { rows }, ids, width))
                }
            },
        }
    }
}

impl Feature<'_> {
    /// Where the width is known to the compiler, sums stay in registers.
    #[inline(always)]
    fn pool_fixed<F: Format, const WIDTH: usize>(self, rows: &Rows<'_, F>) -> usize {
        match self.found {
            Some(found) => self.pool_by::<_, WIDTH>(Gather::new(Found { rows }, found, WIDTH)),
            None => {
                let (rows, ids) = (rows.first(), self.bags.ids_of(&self.samples));
                self.pool_by::<_, WIDTH>(Gather::new(Numbered::<F, WIDTH> { rows }, ids, WIDTH))
            }
        }
    }

    #[inline(always)]
    fn pool_by<'r, S: Source<'r>, const WIDTH: usize>(
        self,
        mut gather: Gather<'r, S>,
    ) -> usize {
        let Feature { bags, pooling, samples, mut out, .. } = self;
        let mut unknown = 0;
        for (row, bag) in samples.enumerate() {
            let mut sums = [0.0f32; WIDTH];
            unknown += add_bag(&mut gather, bags, bag, pooling, &mut sums);
            out.row(row).copy_from_slice(&sums);
        }
        unknown
    }

    #[inline(always)]
    fn pool<'r, S: Source<'r>>(self, mut gather: Gather<'r, S>) -> usize {
        let Feature { bags, pooling, samples, mut out, .. } = self;
        let mut unknown = 0;
        for (row, bag) in samples.enumerate() {
            let sums = out.row(row);
            sums.fill(0.0);
            unknown += add_bag(&mut gather, bags, bag, pooling, sums);
        }
        unknown
    }
}

/// `sums += Σ weight · row`, of the bag whose rows come next; ids without a row.
#[inline(always)]
fn add_bag<'a, S: Source<'a>>(
    gather: &mut Gather<'a, S>,
    bags: &Bags<'_>,
    bag: usize,
    pooling: Pooling,
    sums: &mut [f32],
) -> usize {
    let ids = bags.range(bag).len();
    let share = pooling.share(ids);
    match bags.weights_of(bag) {
        None if pooling == Pooling::Sum => add_rows(gather, (0..ids).map(|_| One), sums),
        None => add_rows(gather, (0..ids).map(|_| share), sums),
        Some(weights) => add_rows(gather, weights.iter().map(|weight| share * weight), sums),
    }
}

/// A row for each weight.
#[inline(always)]
fn add_rows<'a, S: Source<'a>, W: Weight>(
    gather: &mut Gather<'a, S>,
    weights: impl Iterator<Item = W>,
    sums: &mut [f32],
) -> usize {
    let mut unknown = 0;
    for weight in weights {
        match gather.next(sums.len()) {
            Some(row) => S::Format::add(row, weight, sums),
            None => unknown += 1,
        }
    }
    unknown
}

impl Table {
    /// Pools several features, each from its table, side by side into `out` `[samples, Σ widths]`, in
    /// parallel over samples. Bags of all features are of the same samples.
    ///
    /// # Errors
    /// Where an id of a dense table is beyond its rows; `out` is 0 then.
    ///
    /// # Panics
    /// Where features differ in samples, or `out` has another size.
    pub fn pooled(
        features: &[(&Table, Bags<'_>)],
        pooling: Pooling,
        out: &mut [f32],
    ) -> Result<()> {
        let Some((_, first)) = features.first() else { return Ok(()) };
        let samples = first.len();
        let width: usize = features.iter().map(|(table, _)| table.config.width).sum();
        assert!(features.iter().all(|(_, bags)| bags.len() == samples), "one bag a sample");
        assert_eq!(out.len(), samples * width, "samples times widths");
        let arch = Arch::new();
        let bags = samples.div_ceil(rayon::current_num_threads()).clamp(BAGS[0], BAGS[1]);
        let parts = out.par_chunks_mut(bags * width).enumerate().map(|(part, out)| {
            arch.dispatch(Part { features, pooling, from: part * bags, width, out })
        });
        let unknown: usize = parts.sum();
        // A pass over all ids takes longer than one would think: only where there is something to find.
        if unknown == 0 {
            return Ok(());
        }
        let checked = features.iter().try_for_each(|(table, bags)| table.check(bags.ids()));
        checked.inspect_err(|_| out.fill(0.0))
    }

    /// Rows of every id in order, `[ids, width]`, 0 for an id without one.
    ///
    /// # Errors
    /// As [`Table::pooled`].
    ///
    /// # Panics
    /// Where `out` has another size.
    pub fn sequence(&self, ids: &[u64], out: &mut [f32]) -> Result<()> {
        let width = self.config.width;
        assert_eq!(out.len(), ids.len() * width, "ids times width");
        self.check(ids)?;
        let out = out.par_chunks_mut(width).with_min_len(256);
        match &self.keys {
            Some(keys) => out.zip(keys.index.rows(ids)).for_each(|(out, row)| match row {
                UNKNOWN => out.fill(0.0),
                row => self.slab.get(row as usize, out),
            }),
            None => out.zip(ids).for_each(|(out, id)| self.slab.get(*id as usize, out)),
        }
        Ok(())
    }
}
