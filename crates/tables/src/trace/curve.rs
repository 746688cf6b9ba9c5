//! Miss ratio by size of the cache.

/// What an LRU cache of a table misses, for every size.
#[derive(Debug, Clone, PartialEq)]
pub struct MissCurve {
    rows: u64,
    asked: u64,
    /// (rows of a cache, requests that it hits), both rising.
    points: Vec<(u64, u64)>,
}

impl MissCurve {
    pub(super) fn new(
        rows: u64,
        asked: u64,
        first: u64,
        bins: &[u64],
        edge: impl Fn(usize) -> u64,
    ) -> MissCurve {
        let mut hits = 0;
        let points = bins.iter().enumerate().filter(|(_, count)| **count > 0);
        let points: Vec<(u64, u64)> = points
            .map(|(bin, count)| {
                hits += count;
                (edge(bin), hits)
            })
            .collect();
        debug_assert_eq!(hits + first, asked);
        MissCurve { rows, asked, points }
    }

    /// Rows of the table.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Misses over requests of a cache of so many rows; between two bins, by a straight line.
    pub fn miss_of(&self, cached: u64) -> f64 {
        let at = self.points.partition_point(|(size, _)| *size <= cached);
        let (below, hits) = at.checked_sub(1).map_or((0, 0), |at| self.points[at]);
        let more = self.points.get(at).map_or(0.0, |(above, upto)| {
            // A bin's hits come with its sizes, all of them with the last.
            let part = (cached - below) as f64 / (above - below) as f64;
            part * (upto - hits) as f64
        });
        1.0 - (hits as f64 + more) / self.asked as f64
    }

    /// The same of a cache of a share of the table's rows.
    pub fn miss(&self, share: f64) -> f64 {
        self.miss_of((share.clamp(0.0, 1.0) * self.rows as f64) as u64)
    }

    /// Area under the curve over shares of 0 to 1: 0 where the least cache does, 1 where none helps.
    pub fn cacheability(&self) -> f64 {
        const STEPS: u32 = 200;
        let each = (0..STEPS).map(|at| self.miss((f64::from(at) + 0.5) / f64::from(STEPS)));
        each.sum::<f64>() / f64::from(STEPS)
    }
}
