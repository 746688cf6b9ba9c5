//! Who uses which row: tokens sorted by the row they took, so that each row's gradient is summed
//! by one thread in the order of tokens.

use rayon::prelude::*;

/// Places `0..index.len()`, grouped by what they point at.
pub(super) struct Grouped {
    /// Group r is `places[starts[r]..starts[r + 1]]`.
    starts: Vec<u32>,
    places: Vec<u32>,
}

impl Grouped {
    /// A stable counting sort of `index`, whose numbers are below `rows`.
    pub(super) fn new(index: &[u32], rows: usize) -> Grouped {
        let mut starts = vec![0u32; rows + 1];
        for row in index {
            starts[*row as usize + 1] += 1;
        }
        for row in 0..rows {
            starts[row + 1] += starts[row];
        }
        let mut next = starts.clone();
        let mut places = vec![0u32; index.len()];
        for (place, row) in index.iter().enumerate() {
            let at = &mut next[*row as usize];
            places[*at as usize] = place as u32;
            *at += 1;
        }
        Grouped { starts, places }
    }

    /// Calls `add(row, place)` for each place of each row, rows in parallel, where `row` is the
    /// row's slice of `sums [rows, width]`.
    pub(super) fn each(
        &self,
        width: usize,
        sums: &mut [f32],
        add: impl Fn(&mut [f32], usize) + Sync,
    ) {
        const ROWS: usize = 64;
        sums.par_chunks_mut(ROWS * width).enumerate().for_each(|(chunk, sums)| {
            super::lanes::simd(
                #[inline(always)]
                || {
                    for (at, sum) in sums.chunks_exact_mut(width).enumerate() {
                        let row = chunk * ROWS + at;
                        let range = self.starts[row] as usize..self.starts[row + 1] as usize;
                        for place in &self.places[range] {
                            add(sum, *place as usize);
                        }
                    }
                },
            );
        });
    }
}
