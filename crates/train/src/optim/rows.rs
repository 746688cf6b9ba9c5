//! Walks the touched rows of a table, in parallel where there are many.

use pulp::{Arch, Simd, WithSimd};

use crate::{Error, Result};

/// Rows that one thread takes at least.
const ROWS_AT_LEAST: usize = 256;

/// An update of one row.
pub(super) trait RowUpdate: Copy + Sync {
    /// The row's step. `first` and `second` are its stretches of the two moments (either may
    /// have no column). Mark the implementation `#[inline(always)]`: it runs inside a loop that
    /// is compiled for the machine's registers.
    fn row(
        self,
        parameter: &mut [f32],
        first: &mut [f32],
        second: &mut [f32],
        gradient: &[f32],
    );
}

/// A stretch of a table, and the rows of it that have a gradient.
pub(super) struct Rows<'a> {
    /// `rows x widths[0]`: the parameter; then its moments.
    pub(super) tables: [&'a mut [f32]; 3],
    /// Columns of each.
    pub(super) widths: [usize; 3],
    /// The row that `tables` begin with.
    pub(super) start: usize,
    /// Touched rows, strictly ascending.
    pub(super) rows: &'a [u32],
    /// Their gradients, one after another.
    pub(super) gradient: &'a [f32],
}

impl Rows<'_> {
    /// Refuses rows that are not strictly ascending, beyond the table, or do not fit `gradient`.
    pub(super) fn check(&self) -> Result<()> {
        let [table, first, second] = &self.tables;
        let height = table.len() / self.widths[0];
        let lengths = [table.len(), first.len(), second.len()];
        if lengths != self.widths.map(|width| width * height) {
            return Err(Error::Refused(format!(
                "a table and moments of {lengths:?} numbers do not all have {height} rows"
            )));
        }
        if self.gradient.len() != self.rows.len() * self.widths[0] {
            return Err(Error::Refused(format!(
                "{} rows of {} with a gradient of {} numbers",
                self.rows.len(),
                self.widths[0],
                self.gradient.len()
            )));
        }
        if let Some(pair) = self.rows.windows(2).find(|pair| pair[0] >= pair[1]) {
            return Err(Error::Refused(format!(
                "rows {} and {} of a sparse gradient: sort the rows and add up those that are \
                 the same",
                pair[0], pair[1]
            )));
        }
        match self.rows.last() {
            Some(last) if *last as usize >= height => Err(Error::Refused(format!(
                "row {last} of a sparse gradient, in a table of {height}"
            ))),
            _ => Ok(()),
        }
    }

    /// Applies `update` to every touched row. Each row is one thread's: the bits do not depend
    /// on how many there are.
    pub(super) fn update<U: RowUpdate>(self, update: U) {
        if self.rows.len() < 2 * ROWS_AT_LEAST {
            return Arch::new().dispatch(Walk { rows: self, update });
        }
        let middle = self.rows.len() / 2;
        let (rows_before, rows_after) = self.rows.split_at(middle);
        let (before, after) = self.gradient.split_at(middle * self.widths[0]);
        let boundary = rows_after[0] as usize;
        let rows = boundary - self.start;
        let [table, first, second] = self.tables;
        let [width, width_first, width_second] = self.widths;
        let table = table.split_at_mut(rows * width);
        let first = first.split_at_mut(rows * width_first);
        let second = second.split_at_mut(rows * width_second);
        let (widths, start) = (self.widths, self.start);
        let left = Rows {
            tables: [table.0, first.0, second.0],
            widths,
            start,
            rows: rows_before,
            gradient: before,
        };
        let right = Rows {
            tables: [table.1, first.1, second.1],
            widths,
            start: boundary,
            rows: rows_after,
            gradient: after,
        };
        rayon::join(|| left.update(update), || right.update(update));
    }
}

struct Walk<'a, U> {
    rows: Rows<'a>,
    update: U,
}

impl<U: RowUpdate> WithSimd for Walk<'_, U> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Rows { tables: [table, first, second], widths, start, rows, gradient } = self.rows;
        for (row, gradient) in rows.iter().zip(gradient.chunks_exact(widths[0])) {
            let at = *row as usize - start;
            let stretch = |column: usize| at * widths[column]..(at + 1) * widths[column];
            let table = &mut table[stretch(0)];
            let (first, second) = (&mut first[stretch(1)], &mut second[stretch(2)]);
            self.update.row(table, first, second, gradient);
        }
    }
}
