//! Gradients of bags back into rows: summed over duplicates, then one step a row. Rows of a chunk
//! belong to one thread, and are summed in the order of the bags: the same bits on any
//! number of threads.

use rayon::prelude::*;

use crate::slab::CHUNK_ROWS;
use crate::table::UNKNOWN;
use crate::{Bags, Pooling, Result, Table};

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
        self.check(bags.ids())?;
        let of_bag = |bag: usize| &gradient[bag * stride + at..bag * stride + at + width];
        let bad = (0..bags.len()).find(|bag| !of_bag(*bag).iter().all(|g| g.is_finite()));
        if let Some(bag) = bad {
            return Err(self.wrong(format!("the gradient of sample {bag} is not finite")));
        }
        self.steps = self.steps.saturating_add(1);
        let touches = self.touches(bags);
        let (step, optimiser) = (self.steps, self.config.optimiser);
        let state_width = optimiser.state_width(width);
        let chunks = self.slab.chunks_mut().par_iter_mut().zip(&mut self.state);
        chunks.zip(touches).for_each(|((rows, state), mut touches)| {
            // Row, then bag, then place within it: distinct, so that any sort gives this order.
            touches.sort_unstable();
            let mut sum = vec![0.0; width];
            let mut scratch = vec![0.0; width];
            for same in touches.chunk_by(|a, b| a.row == b.row) {
                sum.fill(0.0);
                for touch in same {
                    let range = bags.range(touch.bag as usize);
                    let place = range.start + touch.place as usize;
                    let by = pooling.share(range.len()) * bags.weight(place);
                    let of_bag = of_bag(touch.bag as usize);
                    sum.iter_mut().zip(of_bag).for_each(|(sum, g)| *sum += by * g);
                }
                let row = same[0].row as usize;
                let state = &mut state[row * state_width..(row + 1) * state_width];
                rows.change(row * width, &mut scratch, |row| {
                    optimiser.step(row, state, &sum, step);
                });
            }
        });
        Ok(())
    }

    /// Who touches which row, by chunk.
    fn touches(&mut self, bags: &Bags<'_>) -> Vec<Vec<Touch>> {
        let chunks = self.state.len();
        let ids = bags.whole().len();
        let mut touches: Vec<Vec<Touch>> = (0..chunks)
            .map(|_| Vec::with_capacity(ids / chunks.max(1) + ids / chunks.max(1) / 8 + 16))
            .collect();
        for bag in 0..bags.len() {
            let range = bags.range(bag);
            for (place, id) in (0u32..).zip(range.map(|place| bags.id(place))) {
                let row = self.find(id);
                if row != UNKNOWN {
                    let (chunk, row) = (row as usize / CHUNK_ROWS, row % CHUNK_ROWS as u32);
                    touches[chunk].push(Touch { row, bag: bag as u32, place });
                }
            }
        }
        touches
    }
}

/// An id of a bag, whose row is in this chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Touch {
    row: u32,
    bag: u32,
    place: u32,
}
