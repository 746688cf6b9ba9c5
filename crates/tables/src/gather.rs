//! Rows of ids, one after another, while memory fetches those of the ids to come: a processor that waits
//! for each row in turn is idle most of the time.

use pulp::Simd;

use crate::Index;
use crate::index::Spot;
use crate::prefetch::prefetch;
use crate::rows::{Format, Rows};

/// Ids whose rows are asked for before they are needed; for as many before that, their places in
/// the index.
const AHEAD: usize = 32;

/// Rows by id: numbered side by side, or by key through an index. An id is asked for, which makes memory
/// fetch its spot, and later looked up there.
pub(crate) trait Source<'a> {
    /// How rows are read.
    type Format: Format;
    /// Whether it is cheaper to look twice than to remember.
    const CHEAP: bool;

    /// Where to look for an id.
    type Spot: Copy;

    /// That of an id, whether it has a row or not; memory is asked for what is there.
    fn ask_for(&self, id: u64) -> Self::Spot;
    /// The row of an id that has one.
    fn row(&self, id: u64, spot: Self::Spot, width: usize) -> Option<&'a [Number<'a, Self>]>;
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
    const CHEAP: bool = true;
    type Spot = ();

    #[inline(always)]
    fn ask_for(&self, _: u64) {}

    #[inline(always)]
    fn row(&self, id: u64, (): (), width: usize) -> Option<&'a [F::Number]> {
        if width == WIDTH && F::stride(WIDTH) == WIDTH {
            return self.rows.as_chunks::<WIDTH>().0.get(id as usize).map(|row| &row[..]);
        }
        // A product that wraps around would be somebody's row.
        let from = (id as usize).checked_mul(F::stride(width))?;
        self.rows.get(from..)?.get(..F::stride(width))
    }
}

/// Keys that have rows.
pub(crate) struct Keyed<'a, F: Format, S> {
    pub(crate) simd: S,
    pub(crate) index: &'a Index,
    pub(crate) rows: &'a Rows<'a, F>,
}

impl<'a, F: Format, S: Simd> Source<'a> for Keyed<'a, F, S> {
    type Format = F;
    const CHEAP: bool = false;
    type Spot = Spot<'a>;

    #[inline(always)]
    fn ask_for(&self, id: u64) -> Spot<'a> {
        self.index.ask_for(id)
    }

    #[inline(always)]
    fn row(&self, _: u64, spot: Spot<'a>, width: usize) -> Option<&'a [F::Number]> {
        self.index.get_at(self.simd, spot).map(|row| self.rows.row(row as usize, width))
    }
}

/// Rows of ids in their order.
pub(crate) struct Gather<'a, S: Source<'a>> {
    source: &'a S,
    ids: &'a [u64],
    next: usize,
    /// Where to look for ids to come, by the number of the id, modulo as many.
    spots: [Option<S::Spot>; AHEAD],
    /// Rows of the ids before these, in the same way.
    rows: [Option<&'a [Number<'a, S>]>; AHEAD],
}

impl<'a, S: Source<'a>> Gather<'a, S> {
    /// Rows have this width, here and below.
    #[inline(always)]
    pub(crate) fn new(source: &'a S, ids: &'a [u64], width: usize) -> Gather<'a, S> {
        let mut gather =
            Gather { source, ids, next: 0, spots: [None; AHEAD], rows: [None; AHEAD] };
        for at in 0..AHEAD {
            gather.look(at);
        }
        for at in 0..AHEAD {
            gather.find(at, width);
            gather.look(at + AHEAD);
        }
        gather
    }

    /// The row of the next id, which is this one, where it has one.
    #[inline(always)]
    pub(crate) fn next(&mut self, id: u64, width: usize) -> Option<&'a [Number<'a, S>]> {
        let at = self.next;
        self.next += 1;
        let row = self.rows[at % AHEAD];
        self.find(at + AHEAD, width);
        self.look(at + 2 * AHEAD);
        if S::CHEAP { self.source.row(id, self.source.ask_for(id), width) } else { row }
    }

    /// Where to look for an id that comes later.
    #[inline(always)]
    fn look(&mut self, at: usize) {
        if !S::CHEAP
            && let Some(id) = self.ids.get(at)
        {
            self.spots[at % AHEAD] = Some(self.source.ask_for(*id));
        }
    }

    /// Asks for the row of an id that comes later.
    #[inline(always)]
    fn find(&mut self, at: usize, width: usize) {
        if let Some(id) = self.ids.get(at) {
            let spot =
                if S::CHEAP { Some(self.source.ask_for(*id)) } else { self.spots[at % AHEAD] };
            let row = spot.and_then(|spot| self.source.row(*id, spot, width));
            if let Some(row) = row {
                prefetch(row, 0, <S::Format as Format>::stride(width));
            }
            if !S::CHEAP {
                self.rows[at % AHEAD] = row;
            }
        }
    }
}
