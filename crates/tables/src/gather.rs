//! Rows one after another, while memory fetches those to come: a processor that waits for each row in
//! turn is idle most of the time.

use crate::prefetch::prefetch;
use crate::rows::{Format, Rows};
use crate::table::UNKNOWN;

/// Rows that are asked for before they are needed, at most: of ids by Zipf's law three in four are in a cache
/// anyway, and memory is busy with those alone that are not.
const AHEAD: usize = 128;
/// Bytes of them, at most: what a cache next to the processor holds.
const AHEAD_BYTES: usize = 1 << 15;

/// Rows that are asked for ahead where they are as wide.
#[inline(always)]
fn ahead<F: Format>(width: usize) -> usize {
    let bytes = F::stride(width) * size_of::<F::Number>();
    (AHEAD_BYTES / bytes).clamp(1, AHEAD)
}

/// Where rows are.
pub(crate) trait Source<'a> {
    /// How they are read.
    type Format: Format;
    /// What they are known by.
    type Id: Copy;
    /// Whether it takes longer to find a row twice than to keep where it is meanwhile.
    const KEPT: bool;

    /// One of them, where there is such a row.
    fn row(&self, id: Self::Id, width: usize) -> Option<&'a [Number<'a, Self>]>;
}

/// What rows of a source are made of.
type Number<'a, S> = <<S as Source<'a>>::Format as Format>::Number;

/// Ids 0 to the number of rows, side by side. Where a row is as many numbers as the `WIDTH` that the
/// compiler knows, one comparison finds it; 1 stands for a width that it does not know.
pub(crate) struct Numbered<'a, F: Format, const WIDTH: usize> {
    pub(crate) rows: &'a [F::Number],
}

impl<'a, F: Format, const WIDTH: usize> Source<'a> for Numbered<'a, F, WIDTH> {
    type Format = F;
    type Id = u64;
    const KEPT: bool = false;

    #[inline(always)]
    fn row(&self, id: u64, width: usize) -> Option<&'a [F::Number]> {
        if width == WIDTH && F::stride(WIDTH) == WIDTH {
            return self.rows.as_chunks::<WIDTH>().0.get(id as usize).map(|row| &row[..]);
        }
        // A product that wraps around would be somebody's row.
        let from = (id as usize).checked_mul(F::stride(width))?;
        self.rows.get(from..)?.get(..F::stride(width))
    }
}

/// What an index has found: numbers of rows in chunks, [`UNKNOWN`] among them.
pub(crate) struct Found<'a, F: Format> {
    pub(crate) rows: &'a Rows<'a, F>,
}

impl<'a, F: Format> Source<'a> for Found<'a, F> {
    type Format = F;
    type Id = u32;
    const KEPT: bool = true;

    #[inline(always)]
    fn row(&self, row: u32, width: usize) -> Option<&'a [F::Number]> {
        (row != UNKNOWN).then(|| self.rows.row(row as usize, width))
    }
}

/// Rows in the order of their ids.
pub(crate) struct Gather<'a, S: Source<'a>> {
    source: S,
    ids: &'a [S::Id],
    next: usize,
    /// Rows that have been asked for, where they are kept.
    ahead: [Option<&'a [Number<'a, S>]>; AHEAD],
}

impl<'a, S: Source<'a>> Gather<'a, S> {
    /// Rows have this width, here and below.
    #[inline(always)]
    pub(crate) fn new(source: S, ids: &'a [S::Id], width: usize) -> Gather<'a, S> {
        let mut gather = Gather { source, ids, next: 0, ahead: [None; AHEAD] };
        for at in 0..ahead::<S::Format>(width) {
            gather.ahead[at] = gather.ask_for(at, width);
        }
        gather
    }

    /// The next row, where there is one of that id.
    #[inline(always)]
    pub(crate) fn next(&mut self, width: usize) -> Option<&'a [Number<'a, S>]> {
        let at = self.next;
        self.next += 1;
        let later = at + ahead::<S::Format>(width);
        let soon = self.ask_for(later, width);
        if !S::KEPT {
            return self.source.row(self.ids[at], width);
        }
        let row = self.ahead[at % AHEAD];
        self.ahead[later % AHEAD] = soon;
        row
    }

    #[inline(always)]
    fn ask_for(&self, at: usize, width: usize) -> Option<&'a [Number<'a, S>]> {
        let row = self.source.row(*self.ids.get(at)?, width)?;
        prefetch(row, 0, <S::Format as Format>::stride(width));
        Some(row)
    }
}
