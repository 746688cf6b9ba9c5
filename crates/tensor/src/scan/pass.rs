//! The first pass: every row against every query, in blocks that stay in the cache.
//!
//! Threads take blocks of groups one after the other; all tiles of queries pass over a block
//! while it lies in the second-level cache. Each thread has its own candidates; bars are
//! shared, so that what one thread finds spares the others work.

use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::prelude::*;

use super::candidates::{Candidate, Candidates, Scoring, SharedBar};
use super::codes::Measures;
use super::index::Filter;
use super::kernel::{Gate, Kernel};
use super::order::Tie;
use super::panel::{GROUP, Line, Panel, Tile};

/// Bytes of a block's codes: a quarter of a usual second-level cache.
const BLOCK_BYTES: usize = 1 << 18;

/// One search.
#[derive(Clone, Copy)]
pub(super) struct Pass<'a> {
    pub(super) panel: &'a Panel,
    pub(super) kernel: Kernel,
    pub(super) rows: usize,
    pub(super) width: usize,
    /// `[rows, width]`
    pub(super) values: &'a [f32],
    /// `[batch, width]`
    pub(super) queries: &'a [f32],
    /// At least 1, at most `rows`.
    pub(super) k: usize,
    pub(super) filter: Option<Filter<'a>>,
    pub(super) tie: Tie<'a>,
}

impl Pass<'_> {
    /// The best of each query.
    pub(super) fn run(&self) -> Vec<Vec<(u32, f32)>> {
        let batch = self.queries.len() / self.width;
        let tiles = Tile::all(self.queries, self.width);
        let bars: Vec<SharedBar> = (0..batch).map(|_| SharedBar::new()).collect();
        let block = (BLOCK_BYTES / (self.panel.quads() * size_of::<Line>())).max(1);
        let blocks = self.panel.groups().div_ceil(block);
        let next = AtomicUsize::new(0);
        let threads = rayon::current_num_threads().min(blocks);
        let parts: Vec<Vec<Candidates>> = (0..threads)
            .into_par_iter()
            .with_max_len(1)
            .map(|_| {
                let mut found: Vec<Candidates> =
                    (0..batch).map(|_| Candidates::new(self.k)).collect();
                loop {
                    let first = next.fetch_add(1, Ordering::Relaxed) * block;
                    if first >= self.panel.groups() {
                        break found;
                    }
                    let groups = first..(first + block).min(self.panel.groups());
                    for tile in &tiles {
                        self.tile(groups.clone(), tile, &mut found, &bars);
                    }
                }
            })
            .collect();
        (0..batch)
            .into_par_iter()
            .map(|query| {
                let parts = parts.iter().map(|part| &part[query]);
                Candidates::finish(parts, self.k, self.scoring(query))
            })
            .collect()
    }

    fn scoring(&self, query: usize) -> Scoring<'_> {
        let query = &self.queries[query * self.width..][..self.width];
        Scoring { values: self.values, query, tie: self.tie }
    }

    fn tile(
        &self,
        groups: Range<usize>,
        tile: &Tile,
        found: &mut [Candidates],
        bars: &[SharedBar],
    ) {
        match tile.size {
            8 => self.pass::<8>(groups, tile, found, bars),
            4 => self.pass::<4>(groups, tile, found, bars),
            2 => self.pass::<2>(groups, tile, found, bars),
            _ => self.pass::<1>(groups, tile, found, bars),
        }
    }

    fn pass<const Q: usize>(
        &self,
        groups: Range<usize>,
        tile: &Tile,
        found: &mut [Candidates],
        bars: &[SharedBar],
    ) {
        let measured =
            |of: fn(&Measures) -> f32| std::array::from_fn(|query| of(&tile.measures[query]));
        let mut door: Door<'_, Q> = Door {
            pass: self,
            first: tile.first,
            bars: std::array::from_fn(|query| bars[tile.first + query].get()),
            scales: measured(|one| one.scale),
            inverses: measured(|one| 1.0 / one.scale),
            norms: measured(|one| one.norm),
            residuals: measured(|one| one.residual),
            found: &mut found[tile.first..tile.first + Q],
            shared: &bars[tile.first..tile.first + Q],
        };
        self.kernel.scan::<Q>(self.panel, groups, tile, &mut door);
    }
}

/// Lets rows through that may still win.
struct Door<'a, const Q: usize> {
    pass: &'a Pass<'a>,
    /// Number of the first query.
    first: usize,
    bars: [f32; Q],
    scales: [f32; Q],
    inverses: [f32; Q],
    norms: [f32; Q],
    residuals: [f32; Q],
    found: &'a mut [Candidates],
    shared: &'a [SharedBar],
}

impl<const Q: usize> Door<'_, Q> {
    /// How far a score may lie from its estimate.
    #[inline(always)]
    fn slack(&self, query: usize, spread: f32, norm: f32) -> f32 {
        // The last is for products too small for a normal number.
        self.norms[query] * spread + self.residuals[query] * norm + f32::MIN_POSITIVE
    }
}

impl<const Q: usize> Gate<Q> for Door<'_, Q> {
    #[inline(always)]
    fn floors(&self, group: usize) -> [f32; Q] {
        let most = self.pass.panel.most(group);
        let mut floors = [0.0f32; Q];
        for (query, floor) in floors.iter_mut().enumerate() {
            let slack = self.slack(query, most.spread, most.norm);
            *floor = (self.bars[query] - slack) * self.inverses[query];
        }
        floors
    }

    #[inline(never)]
    fn take(&mut self, query: usize, group: usize, reach: u16, sums: &[i32; GROUP]) {
        let pass = self.pass;
        let scales = pass.panel.scales(group);
        let mut left = reach;
        while left != 0 {
            let lane = left.trailing_zeros() as usize;
            left &= left - 1;
            let row = group * GROUP + lane;
            if row >= pass.rows {
                // The last group is filled up.
                break;
            }
            let (spread, norm) = pass.panel.measures(row);
            let slack = self.slack(query, spread, norm);
            let estimate = sums[lane] as f32 * scales.0[lane] * self.scales[query];
            let (lower, upper) = (estimate - slack, estimate + slack);
            if upper < self.bars[query] {
                continue;
            }
            let row = row as u32;
            if pass.filter.is_some_and(|allows| !allows(self.first + query, row)) {
                continue;
            }
            let one = Candidate { row, lower, upper, exact: false };
            if let Some(bar) = self.found[query].push(one, pass.scoring(self.first + query)) {
                self.bars[query] = self.bars[query].max(bar);
                self.shared[query].raise(self.bars[query]);
            }
        }
    }
}
