//! Sums and maps down the columns of `[n, width]`, as fast for one column as for many.
//!
//! Narrow rows are taken several at a time: a [`Columns`] repeats its `width` numbers, a power of
//! two times, up to at least [`LANES`], and the loops run over that many neighbours at once.

/// Neighbours that a loop should have: four AVX registers.
const LANES: usize = 32;

/// A number for each column, repeated.
pub(super) struct Columns {
    width: usize,
    lanes: Vec<f32>,
}

impl Columns {
    /// Room for `width` columns.
    pub(super) fn new(width: usize) -> Columns {
        Columns { width, lanes: vec![0.0; width * LANES.div_ceil(width).next_power_of_two()] }
    }

    /// All columns at `value`.
    #[inline(always)]
    pub(super) fn fill(&mut self, value: f32) {
        self.lanes.fill(value);
    }

    /// These numbers, one for each column.
    #[inline(always)]
    pub(super) fn set(&mut self, columns: &[f32]) {
        self.lanes[..self.width].copy_from_slice(columns);
        self.repeat();
    }

    /// Every number through `map`.
    #[inline(always)]
    pub(super) fn apply(&mut self, map: impl Fn(f32) -> f32) {
        for lane in &mut self.lanes {
            *lane = map(*lane);
        }
    }

    /// The numbers, one for each column.
    #[inline(always)]
    pub(super) fn columns(&self) -> &[f32] {
        &self.lanes[..self.width]
    }

    /// `fold(number, value)` into each column down `values`, from `start`.
    #[inline(always)]
    pub(super) fn reduce(
        &mut self,
        values: &[f32],
        start: f32,
        fold: impl Fn(f32, f32) -> f32,
    ) {
        self.fill(start);
        for chunk in values.chunks(self.lanes.len()) {
            for (lane, value) in self.lanes.iter_mut().zip(chunk) {
                *lane = fold(*lane, *value);
            }
        }
        self.gather(fold);
    }

    /// Sums `left · right` down each column.
    #[inline(always)]
    pub(super) fn sum_products(&mut self, left: &[f32], right: &[f32]) {
        let size = self.lanes.len();
        self.fill(0.0);
        for (left, right) in left.chunks(size).zip(right.chunks(size)) {
            for ((lane, left), right) in self.lanes.iter_mut().zip(left).zip(right) {
                *lane += left * right;
            }
        }
        self.gather(
            #[inline(always)]
            |left, right| left + right,
        );
    }

    /// All copies folded into one, half into half, and that into all.
    #[inline(always)]
    fn gather(&mut self, fold: impl Fn(f32, f32) -> f32) {
        let mut size = self.lanes.len();
        while size > self.width {
            size /= 2;
            let (first, second) = self.lanes.split_at_mut(size);
            for (lane, other) in first.iter_mut().zip(second) {
                *lane = fold(*lane, *other);
            }
        }
        self.repeat();
    }

    /// The first copy into all others.
    #[inline(always)]
    fn repeat(&mut self) {
        let mut size = self.width;
        while size < self.lanes.len() {
            self.lanes.copy_within(..size, size);
            size *= 2;
        }
    }

    /// `write(slot, value, number)` all down the columns.
    #[inline(always)]
    pub(super) fn map(
        &self,
        values: &[f32],
        out: &mut [f32],
        write: impl Fn(&mut f32, f32, f32),
    ) {
        let size = self.lanes.len();
        for (out, values) in out.chunks_mut(size).zip(values.chunks(size)) {
            for ((slot, value), lane) in out.iter_mut().zip(values).zip(&self.lanes) {
                write(slot, *value, *lane);
            }
        }
    }

    /// `write(slot, left, right, number)` all down the columns.
    #[inline(always)]
    pub(super) fn map_pairs(
        &self,
        pairs: (&[f32], &[f32]),
        out: &mut [f32],
        write: impl Fn(&mut f32, f32, f32, f32),
    ) {
        let size = self.lanes.len();
        let pairs = pairs.0.chunks(size).zip(pairs.1.chunks(size));
        for (out, (left, right)) in out.chunks_mut(size).zip(pairs) {
            let pairs = left.iter().zip(right);
            for ((slot, (left, right)), lane) in out.iter_mut().zip(pairs).zip(&self.lanes) {
                write(slot, *left, *right, *lane);
            }
        }
    }

    /// `write(slot, number)` all down the columns.
    #[inline(always)]
    pub(super) fn spread(&self, out: &mut [f32], write: impl Fn(&mut f32, f32)) {
        for out in out.chunks_mut(self.lanes.len()) {
            for (slot, lane) in out.iter_mut().zip(&self.lanes) {
                write(slot, *lane);
            }
        }
    }
}
