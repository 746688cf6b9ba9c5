//! Gradients of bags back into rows: summed over duplicates, then one step a row. Rows of a piece
//! belong to one thread, and are summed in the order of the bags: the same bits on any
//! number of threads.

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use crate::prefetch::prefetch;
use crate::slab::Piece;
use crate::table::UNKNOWN;
use crate::{Bags, Optimiser, Pooling, Result, Table};

/// Gradients of a batch may come to so much: the state of a row, a sum of squares, stays finite for 10^8 steps.
const SUM_MAX: f64 = 1e15;

impl Table {
    /// One step: `gradient` `[samples, stride]` is that of [`Table::pooled`], this table's part of it
    /// begins at column `at`. Ids without a row learn nothing.
    ///
    /// # Errors
    /// Where an id of a dense table is beyond its rows, or a gradient is not finite; nothing has changed
    /// then.
    ///
    /// # Panics
    /// Where `gradient` has another size.
    pub fn update(
        &mut self,
        bags: &Bags<'_>,
        pooling: Pooling,
        gradient: &[f32],
        stride: usize,
        at: usize,
    ) -> Result<()> {
        let width = self.config.width;
        assert!(at + width <= stride, "columns {at} to {} of {stride}", at + width);
        assert_eq!(gradient.len(), bags.len() * stride, "samples times stride");
        self.check_learns()?;
        self.check(bags.ids())?;
        let gradient = Gradient { values: gradient, stride, at, width };
        let bounds: Vec<f32> = (0..bags.len()).map(|bag| gradient.bound(bag)).collect();
        if let Some(bag) = bounds.iter().position(|bound| !bound.is_finite()) {
            return Err(self.wrong(format!("the gradient of sample {bag} is not finite")));
        }
        self.check_steps(bags, pooling, &bounds)?;
        self.steps = self.steps.saturating_add(1);
        let touches = self.touches(bags);
        let (step, optimiser) = (self.steps, self.config.optimiser);
        let state_width = optimiser.state_width(width);
        let arch = Arch::new();
        let piece = self.slab.piece_rows();
        // A state of no width has no pieces to be cut into.
        let states: Vec<&mut [f32]> = match state_width {
            0 => Vec::new(),
            _ => self
                .state
                .iter_mut()
                .flat_map(|it| it.chunks_mut(piece * state_width))
                .collect(),
        };
        let states = states.into_iter().map(Some).chain(std::iter::repeat_with(|| None));
        let pieces: Vec<_> =
            self.slab.pieces_mut().into_iter().zip(states).zip(touches).collect();
        pieces.into_par_iter().for_each(|((rows, state), touches)| {
            let (gradient, state) = (&gradient, state.unwrap_or_default());
            arch.dispatch(Learn {
                rows,
                state,
                touches,
                bags,
                pooling,
                gradient,
                optimiser,
                step,
            });
        });
        Ok(())
    }

    /// Refuses gradients whose squares, summed, would not stay finite: the state of a row would be infinite,
    /// and the row would never learn again.
    fn check_steps(&self, bags: &Bags<'_>, pooling: Pooling, bounds: &[f32]) -> Result<()> {
        let parts = bounds.iter().enumerate().map(|(bag, bound)| {
            let ids = bags.range(bag).len();
            let weights: f64 = match bags.weights_of(bag) {
                None => ids as f64,
                Some(weights) => weights.iter().map(|weight| f64::from(weight.abs())).sum(),
            };
            f64::from(*bound) * f64::from(pooling.share(ids)) * weights
        });
        let sum: f64 = parts.sum();
        match sum.is_finite() && sum < SUM_MAX {
            true => Ok(()),
            false => {
                let what =
                    "clip them, or learn at a lower rate: their squares would be beyond f32";
                Err(self.wrong(format!("gradients of up to {sum:e} in all; {what}")))
            }
        }
    }

    /// Who touches which row, by piece.
    fn touches(&self, bags: &Bags<'_>) -> Vec<Vec<Touch>> {
        let piece = self.slab.piece_rows();
        let pieces = self.slab.rows().div_ceil(piece);
        // About as many for each, and some room for those that have more.
        let each = bags.whole().len() / pieces.max(1);
        let mut touches: Vec<Vec<Touch>> =
            (0..pieces).map(|_| Vec::with_capacity(each + each / 8 + 16)).collect();
        let found = self.keys.as_ref().map(|keys| keys.index.rows(bags.ids()));
        let begin = bags.whole().start;
        for bag in 0..bags.len() {
            for (place, at) in (0u32..).zip(bags.range(bag)) {
                let row = match &found {
                    Some(found) => found[at - begin],
                    None => self.find(bags.id(at)),
                };
                if row != UNKNOWN {
                    let (at, row) = (row as usize / piece, row % piece as u32);
                    touches[at].push(Touch { row, bag: bag as u32, place });
                }
            }
        }
        touches
    }
}

/// An id of a bag, whose row is this one of its piece.
#[derive(Debug, Clone, Copy)]
struct Touch {
    row: u32,
    bag: u32,
    place: u32,
}

/// The part of a gradient that is a table's.
struct Gradient<'a> {
    values: &'a [f32],
    stride: usize,
    at: usize,
    width: usize,
}

impl Gradient<'_> {
    /// The largest magnitude of a bag's, not finite where one is not.
    fn bound(&self, bag: usize) -> f32 {
        // Of magnitudes, bits are in the same order; those of what is not finite are above all.
        f32::from_bits(self.of(bag).iter().fold(0, |most, g| most.max(g.abs().to_bits())))
    }

    #[inline(always)]
    fn of(&self, bag: usize) -> &[f32] {
        let from = bag * self.stride + self.at;
        &self.values[from..from + self.width]
    }
}

/// Touches that memory is asked for before they are needed.
const AHEAD: usize = 8;

/// Rows of a piece, and who touches them, in the order of bags.
struct Learn<'a> {
    rows: Piece<'a>,
    state: &'a mut [f32],
    touches: Vec<Touch>,
    bags: &'a Bags<'a>,
    pooling: Pooling,
    gradient: &'a Gradient<'a>,
    optimiser: Optimiser,
    step: u32,
}

impl WithSimd for Learn<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Learn { mut rows, state, mut touches, bags, pooling, gradient, optimiser, step } =
            self;
        // They came in the order of bags, which a stable sort keeps.
        touches.sort_by_key(|touch| touch.row);
        let width = gradient.width;
        let state_width = optimiser.state_width(width);
        let (mut sum, mut scratch) = (vec![0.0; width], vec![0.0; width]);
        let mut ahead = touches.iter().skip(AHEAD);
        for same in touches.chunk_by(|a, b| a.row == b.row) {
            sum.fill(0.0);
            for touch in same {
                if let Some(soon) = ahead.next() {
                    rows.prefetch(soon.row as usize * width, width);
                    let from = soon.bag as usize * gradient.stride + gradient.at;
                    prefetch(gradient.values, from, width);
                }
                let range = bags.range(touch.bag as usize);
                let place = range.start + touch.place as usize;
                let by = pooling.share(range.len()) * bags.weight(place);
                for (sum, g) in sum.iter_mut().zip(gradient.of(touch.bag as usize)) {
                    *sum += by * g;
                }
            }
            let row = same[0].row as usize;
            let state = &mut state[row * state_width..(row + 1) * state_width];
            let from = row * width;
            rows.change(from, &mut scratch, |row| optimiser.step(row, state, &sum, step));
        }
    }
}
