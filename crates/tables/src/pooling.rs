//! Rows of bags, pooled.

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use crate::gather::{Gather, Keyed, Numbered, Source};
use crate::rows::{Format, Rows};
use crate::slab::Visitor;
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
/// which many of them share stay in its cache meanwhile, and so few that the processor knows where
/// all rows of `out` are that it writes again and again.
const BAGS: [usize; 2] = [32, 256];

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
        let (mut at, mut unknown) = (0, 0);
        for (table, bags) in features {
            let width = table.config.width;
            let out = Columns { values: out, stride, at, width };
            unknown += table.slab.visit(Feature { simd, table, bags, pooling, from, out });
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
struct Feature<'a, S> {
    simd: S,
    table: &'a Table,
    bags: &'a Bags<'a>,
    pooling: Pooling,
    from: usize,
    out: Columns<'a>,
}

impl<S: Simd> Visitor for Feature<'_, S> {
    /// Ids without a row.
    type Output = usize;

    #[inline(always)]
    fn visit<F: Format>(self, rows: Rows<'_, F>) -> usize {
        let simd = self.simd;
        match self.out.width {
            16 => self.pool_of::<F, 16>(&rows),
            32 => self.pool_of::<F, 32>(&rows),
            64 => self.pool_of::<F, 64>(&rows),
            128 => self.pool_of::<F, 128>(&rows),
            _ => match &self.table.keys {
                Some(keys) => self.pool(&Keyed { simd, index: &keys.index, rows: &rows }),
                None => self.pool(&Numbered::<F, 1> { rows: rows.first() }),
            },
        }
    }
}

impl<'a, S: Simd> Feature<'a, S> {
    #[inline(always)]
    fn pool_of<F: Format, const WIDTH: usize>(self, rows: &'a Rows<'a, F>) -> usize {
        let simd = self.simd;
        match &self.table.keys {
            Some(keys) => self.pool_fixed::<WIDTH>(&Keyed { simd, index: &keys.index, rows }),
            None => self.pool_fixed::<WIDTH>(&Numbered::<F, WIDTH> { rows: rows.first() }),
        }
    }

    /// Where the width is known to the compiler, sums stay in registers.
    #[inline(always)]
    fn pool_fixed<const WIDTH: usize>(self, source: &'a impl Source<'a>) -> usize {
        let Feature { bags, pooling, from, mut out, .. } = self;
        let samples = from..from + out.rows();
        let mut gather = Gather::new(source, bags.ids_of(&samples), WIDTH);
        let mut unknown = 0;
        for (row, bag) in samples.enumerate() {
            let mut sums = [0.0f32; WIDTH];
            unknown += add_bag(&mut gather, bags, bag, pooling, &mut sums);
            out.row(row).copy_from_slice(&sums);
        }
        unknown
    }

    #[inline(always)]
    fn pool(self, source: &'a impl Source<'a>) -> usize {
        let Feature { bags, pooling, from, mut out, .. } = self;
        let samples = from..from + out.rows();
        let mut gather = Gather::new(source, bags.ids_of(&samples), out.width);
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
    let ids = bags.ids_of(&(bag..bag + 1));
    let share = pooling.share(ids.len());
    let mut unknown = 0;
    match bags.weights_of(bag) {
        None => {
            for id in ids {
                match gather.next(*id, sums.len()) {
                    Some(row) => S::Format::add(row, share, sums),
                    None => unknown += 1,
                }
            }
        }
        Some(weights) => {
            for (id, weight) in ids.iter().zip(weights) {
                match gather.next(*id, sums.len()) {
                    Some(row) => S::Format::add(row, share * weight, sums),
                    None => unknown += 1,
                }
            }
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
        out.par_chunks_mut(width).with_min_len(256).zip(ids).for_each(|(out, id)| {
            self.row(*id, out);
        });
        Ok(())
    }
}
