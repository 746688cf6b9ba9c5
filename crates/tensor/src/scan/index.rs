//! The rows of a catalogue, ready to be searched by scalar product, exactly.
//!
//! Not for catalogues where a miss now and then is fine: an approximate index reads less.

use std::sync::Arc;

use rayon::prelude::*;

use super::codes::check;
use super::kernel::Kernel;
use super::order::Tie;
use super::panel::Panel;
use super::pass::Pass;
use crate::error::{Result, refused};

/// The operation in errors.
const OP: &str = "item index";
/// Most columns: sums of products of codes stay within 32 bits.
const WIDTH_MAX: usize = 1 << 16;

/// Whether a row may be returned for a query: (number of the query in the batch, row).
pub type Filter<'a> = &'a (dyn Fn(usize, u32) -> bool + Sync);

/// `[rows, width]` vectors to search by largest scalar product.
///
/// Memory: the vectors, `4 · width` bytes a row (shared, where an [`Arc`] was given), and
/// `ceil(width / 4) · 4 + 12` bytes a row of what the first pass reads; at width 64 that is
/// 256 + 76.5 bytes. A search holds for each thread and query at most `k + max(2 k, 128)`
/// candidates of 16 bytes.
#[derive(Debug, Clone)]
pub struct ItemIndex {
    values: Arc<[f32]>,
    rows: usize,
    width: usize,
    panel: Panel,
    kernel: Kernel,
}

impl ItemIndex {
    /// Checks the vectors, `[rows, width]`, and encodes them with all threads of the pool.
    ///
    /// A `Vec` is copied into a shared slice; give an `Arc` where that matters.
    ///
    /// # Errors
    /// Where there are not `rows × width` values, `width` is 0 or more than 65,536, rows have
    /// no 32-bit numbers, a value is not finite, or a row is longer than 2^60.
    pub fn new(values: impl Into<Arc<[f32]>>, rows: usize, width: usize) -> Result<ItemIndex> {
        let values = values.into();
        if width == 0 || width > WIDTH_MAX {
            return refused(OP, format!("width {width}, needs 1 to {WIDTH_MAX}"));
        }
        if rows.checked_mul(width) != Some(values.len()) {
            let found = values.len();
            return refused(
                OP,
                format!("{rows} rows of {width} need as many values, found {found}"),
            );
        }
        if u32::try_from(rows).is_err() {
            return refused(OP, format!("{rows} rows, needs fewer than 2^32"));
        }
        let rows_checked = values.par_chunks_exact(width).enumerate();
        let bad =
            rows_checked.find_map_first(|(row, values)| check(OP, "row", row, values).err());
        if let Some(error) = bad {
            return Err(error);
        }
        let panel = Panel::new(&values, width);
        Ok(ItemIndex { values, rows, width, panel, kernel: Kernel::best() })
    }

    /// Searches with `kernel` instead of the fastest one. What is found is the same.
    ///
    /// # Errors
    /// Where this processor does not run it.
    pub fn with_kernel(mut self, kernel: Kernel) -> Result<ItemIndex> {
        if !kernel.is_available() {
            return refused(
                OP,
                format!("this processor does not run {kernel:?}; use Portable"),
            );
        }
        self.kernel = kernel;
        Ok(self)
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Columns.
    pub fn width(&self) -> usize {
        self.width
    }

    /// All vectors, `[rows, width]`.
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// Bytes on the heap, the vectors included.
    pub fn bytes(&self) -> usize {
        size_of_val(&self.values[..]) + self.panel.bytes()
    }

    /// For each of `queries`, `[batch, width]`, the `k` rows with the largest scalar products
    /// as (row, score), in score order; fewer where fewer rows may be returned.
    ///
    /// Exact: the same rows and the same bits as scoring every row and sorting, on any number
    /// of threads, in any batch and with any kernel. `filter` says which rows may be returned
    /// (none: all); it is asked only of rows that would win so far, from several threads, and
    /// must answer the same each time. Runs on all threads of the current pool.
    ///
    /// # Errors
    /// Where the queries are not whole rows of `width`, have a value that is not finite, or one
    /// is longer than 2^60.
    pub fn search(
        &self,
        queries: &[f32],
        k: usize,
        filter: Option<Filter<'_>>,
        tie: Tie<'_>,
    ) -> Result<Vec<Vec<(u32, f32)>>> {
        if !queries.len().is_multiple_of(self.width) {
            let (found, width) = (queries.len(), self.width);
            return refused(
                OP,
                format!("queries of {found} values are not whole rows of {width}"),
            );
        }
        for (number, query) in queries.chunks_exact(self.width).enumerate() {
            check(OP, "query", number, query)?;
        }
        let k = k.min(self.rows);
        if k == 0 {
            return Ok(vec![Vec::new(); queries.len() / self.width]);
        }
        let pass = Pass {
            panel: &self.panel,
            kernel: self.kernel,
            rows: self.rows,
            width: self.width,
            values: &self.values,
            queries,
            k,
            filter,
            tie,
        };
        Ok(pass.run())
    }
}
