//! Rows of bags, pooled.

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

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

/// Bags that one thread takes at a time, feature by feature, at least and at most: rows that many of
/// them share stay in its cache meanwhile.
const BAGS: [usize; 2] = [32, 1024];

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
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Part { features, pooling, from, width, out } = self;
        let samples = out.len() / width;
        let mut at = 0;
        // Rows of the bag at hand, and of the one after it, which memory fetches meanwhile.
        let (mut here, mut next) = (Vec::new(), Vec::new());
        for (table, bags) in features {
            let own = table.config.width;
            table.find_bag(bags, from, pooling, &mut next);
            for sample in 0..samples {
                std::mem::swap(&mut here, &mut next);
                if sample + 1 < samples {
                    if sample + 2 < samples {
                        table.ask_for(bags, from + sample + 2);
                    }
                    table.find_bag(bags, from + sample + 1, pooling, &mut next);
                }
                let out = &mut out[sample * width + at..][..own];
                let rows = here.iter().map(|(row, weight)| (*row as usize, *weight));
                table.slab.pool(rows, out);
            }
            at += own;
        }
    }
}

impl Table {
    /// Pools several features, each from its table, side by side into `out` `[samples, Σ widths]`, in
    /// parallel over samples. Bags of all features are of the same samples.
    ///
    /// # Errors
    /// Where an id of a dense table is beyond its rows; `out` is untouched then.
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
        features.par_iter().try_for_each(|(table, bags)| table.check(bags.ids()))?;
        let arch = Arch::new();
        let bags = samples.div_ceil(2 * rayon::current_num_threads()).clamp(BAGS[0], BAGS[1]);
        out.par_chunks_mut(bags * width).enumerate().for_each(|(part, out)| {
            arch.dispatch(Part { features, pooling, from: part * bags, width, out });
        });
        Ok(())
    }

    /// Asks memory for what [`Table::find_bag`] will read.
    #[inline(always)]
    fn ask_for(&self, bags: &Bags<'_>, bag: usize) {
        if let Some(keys) = &self.keys {
            bags.range(bag).for_each(|place| keys.index.prefetch(bags.id(place)));
        }
    }

    /// The rows of a bag with their weights, and asks memory for them.
    #[inline(always)]
    fn find_bag(
        &self,
        bags: &Bags<'_>,
        bag: usize,
        pooling: Pooling,
        found: &mut Vec<(u32, f32)>,
    ) {
        let range = bags.range(bag);
        let share = pooling.share(range.len());
        found.clear();
        for place in range {
            let row = self.find(bags.id(place));
            if row != UNKNOWN {
                self.slab.prefetch(row as usize);
                found.push((row, share * bags.weight(place)));
            }
        }
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
