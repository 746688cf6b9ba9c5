//! Rows of one width in chunks: a slab grows by a chunk, and nothing that it has moves.

use crate::dtype::{BF16_MAX, F16_MAX, from_bf16, from_f16, to_bf16, to_f16};
use crate::memory::Memory;
use crate::prefetch::prefetch;
use crate::quantised::{encode_int4, encode_int8};
use crate::rows::{Bf16, F16, F32, Format, Int4, Int8, Rows};
use crate::{Dtype, Error, Result};

/// Numbers of a chunk, about: as much memory as huge pages are made for.
const CHUNK_NUMBERS: usize = 1 << 24;
/// Rows that one thread changes at a time.
pub(crate) const PIECE_ROWS: usize = 1 << 14;
/// Rows are numbered in 32 bits, the last number is nobody's.
const ROWS_MAX: usize = u32::MAX as usize;

/// Rows of numbers.
#[derive(Debug, Clone)]
pub struct Slab {
    width: usize,
    dtype: Dtype,
    rows: usize,
    /// Rows of a chunk, a power of two, as its exponent.
    shift: u32,
    chunks: Vec<Chunk>,
}

/// As many rows each, the last chunk of a fixed table fewer.
#[derive(Debug, Clone)]
pub(crate) enum Chunk {
    F32(Memory<f32>),
    Bf16(Memory<u16>),
    F16(Memory<u16>),
    /// A row with its scale and bias after another.
    Int8(Memory<u8>),
    Int4(Memory<u8>),
}

impl Slab {
    /// Without a row. Where there will be so many and never more, one chunk has them all.
    ///
    /// # Errors
    /// Where the width is 0 or above 65,536.
    pub fn new(width: usize, dtype: Dtype, fixed: Option<usize>) -> Result<Slab> {
        if width == 0 || width > 1 << 16 {
            let what = format!("{width} is not between 1 and 65,536");
            return Err(Error::Setting { field: "width", what });
        }
        let all = fixed.map_or(0, |rows| rows.min(ROWS_MAX).next_power_of_two().ilog2());
        let shift = (CHUNK_NUMBERS / width).ilog2().max(all);
        Ok(Slab { width, dtype, rows: 0, shift, chunks: Vec::new() })
    }

    /// Numbers of a row.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Format of its numbers.
    pub fn dtype(&self) -> Dtype {
        self.dtype
    }

    /// Bytes of all chunks.
    pub fn bytes(&self) -> usize {
        self.chunks.iter().map(Chunk::bytes).sum()
    }

    /// Adds rows of zeros, so that there are `rows`.
    ///
    /// # Errors
    /// Where there would be more than 2^32 − 1, or there is no memory.
    pub(crate) fn grow_to(&mut self, rows: usize, whole_chunks: bool) -> Result<()> {
        if rows > ROWS_MAX {
            let what = format!("{rows} are more than a table may have, {ROWS_MAX}");
            return Err(Error::Setting { field: "rows", what });
        }
        while self.chunks.len() * self.chunk_rows() < rows {
            let left = rows - self.chunks.len() * self.chunk_rows();
            let own =
                if whole_chunks { self.chunk_rows() } else { left.min(self.chunk_rows()) };
            self.chunks.push(Chunk::new(self.dtype, own, self.width)?);
        }
        self.rows = self.rows.max(rows);
        Ok(())
    }

    /// Rows of a whole chunk.
    pub(crate) fn chunk_rows(&self) -> usize {
        1 << self.shift
    }

    /// The chunk of a row, and its number there.
    #[inline(always)]
    fn place(&self, row: usize) -> (&Chunk, usize) {
        (&self.chunks[row >> self.shift], row & ((1 << self.shift) - 1))
    }

    /// Pieces of [`PIECE_ROWS`] rows, or of a chunk where that is less, to be changed side by side.
    pub(crate) fn pieces_mut(&mut self) -> Vec<Piece<'_>> {
        let piece = self.piece_rows() * self.width;
        let mut pieces = Vec::new();
        for chunk in &mut self.chunks {
            match chunk {
                Chunk::F32(values) => pieces.extend(values.chunks_mut(piece).map(Piece::F32)),
                Chunk::Bf16(values) => pieces.extend(values.chunks_mut(piece).map(Piece::Bf16)),
                Chunk::F16(values) => pieces.extend(values.chunks_mut(piece).map(Piece::F16)),
                // They do not learn.
                Chunk::Int8(_) | Chunk::Int4(_) => {}
            }
        }
        pieces
    }

    /// Rows of a piece.
    pub(crate) fn piece_rows(&self) -> usize {
        PIECE_ROWS.min(self.chunk_rows())
    }

    /// Writes a row.
    ///
    /// # Errors
    /// Where it has no levels (`quantised`).
    pub(crate) fn set(&mut self, row: usize, values: &[f32]) -> Result<()> {
        let at = row & (self.chunk_rows() - 1);
        self.chunks[row >> self.shift].set(at, values)
    }

    /// Changes a row in place, in f32.
    #[inline(always)]
    pub(crate) fn change(
        &mut self,
        row: usize,
        scratch: &mut [f32],
        change: impl FnOnce(&mut [f32]),
    ) {
        let from = (row & (self.chunk_rows() - 1)) * self.width;
        let piece = self.chunks[row >> self.shift].piece();
        debug_assert!(piece.is_some(), "callers refuse rows that do not learn");
        if let Some(mut piece) = piece {
            piece.change(from, scratch, change);
        }
    }

    /// The numbers of a row, where they are kept in f32.
    pub(crate) fn numbers(&self, row: usize) -> &[f32] {
        let (chunk, at) = self.place(row);
        match chunk {
            Chunk::F32(values) => &values[at * self.width..][..self.width],
            Chunk::Bf16(_) | Chunk::F16(_) | Chunk::Int8(_) | Chunk::Int4(_) => &[],
        }
    }

    /// The same, to be changed.
    pub(crate) fn numbers_mut(&mut self, row: usize) -> &mut [f32] {
        let at = row & (self.chunk_rows() - 1);
        match &mut self.chunks[row >> self.shift] {
            Chunk::F32(values) => &mut values[at * self.width..][..self.width],
            Chunk::Bf16(_) | Chunk::F16(_) | Chunk::Int8(_) | Chunk::Int4(_) => &mut [],
        }
    }

    /// Copies a row out.
    ///
    /// # Panics
    /// Where there is no such row, or `out` has another width.
    pub fn get(&self, row: usize, out: &mut [f32]) {
        out.fill(0.0);
        self.add(row, 1.0, out);
    }

    /// `out += weight · row`.
    #[inline(always)]
    pub(crate) fn add(&self, row: usize, weight: f32, out: &mut [f32]) {
        let (chunk, at) = self.place(row);
        let from = at * self.width;
        match chunk {
            Chunk::F32(values) => F32::add(&values[from..], weight, out),
            Chunk::Bf16(values) => Bf16::add(&values[from..], weight, out),
            Chunk::F16(values) => F16::add(&values[from..], weight, out),
            Chunk::Int8(values) => Int8::add(self.row_of(values, at), weight, out),
            Chunk::Int4(values) => Int4::add(self.row_of(values, at), weight, out),
        }
    }
}

impl Slab {
    /// Bytes of a quantised row.
    #[inline(always)]
    fn row_of<'a>(&self, values: &'a [u8], at: usize) -> &'a [u8] {
        let stride = self.dtype.row_bytes(self.width);
        &values[at * stride..][..stride]
    }

    /// Hands all rows to somebody who goes over many of them.
    #[inline(always)]
    pub(crate) fn visit<V: Visitor>(&self, visitor: V) -> V::Output {
        macro_rules! rows {
            ($kind:ident) => {{
                let chunks = self.chunks.iter().filter_map(|chunk| match chunk {
                    Chunk::$kind(values) => Some(&values[..]),
                    _ => None,
                });
                visitor.visit(Rows::<$kind>::new(chunks, self.shift))
            }};
        }
        match self.dtype {
            Dtype::F32 => rows!(F32),
            Dtype::Bf16 => rows!(Bf16),
            Dtype::F16 => rows!(F16),
            Dtype::Int8 => rows!(Int8),
            Dtype::Int4 => rows!(Int4),
        }
    }
}

/// Who goes over rows, whatever their format is.
pub(crate) trait Visitor {
    /// What there is to say of it.
    type Output;

    fn visit<F: Format>(self, rows: Rows<'_, F>) -> Self::Output;
}

impl Chunk {
    fn new(dtype: Dtype, rows: usize, width: usize) -> Result<Chunk> {
        let (numbers, bytes) = (rows * width, rows * dtype.row_bytes(width));
        Ok(match dtype {
            Dtype::F32 => Chunk::F32(Memory::zeros(numbers)?),
            Dtype::Bf16 => Chunk::Bf16(Memory::zeros(numbers)?),
            Dtype::F16 => Chunk::F16(Memory::zeros(numbers)?),
            Dtype::Int8 => Chunk::Int8(Memory::zeros(bytes)?),
            Dtype::Int4 => Chunk::Int4(Memory::zeros(bytes)?),
        })
    }

    /// None of rows that do not learn.
    fn piece(&mut self) -> Option<Piece<'_>> {
        match self {
            Chunk::F32(values) => Some(Piece::F32(values)),
            Chunk::Bf16(values) => Some(Piece::Bf16(values)),
            Chunk::F16(values) => Some(Piece::F16(values)),
            Chunk::Int8(_) | Chunk::Int4(_) => None,
        }
    }

    fn bytes(&self) -> usize {
        match self {
            Chunk::F32(values) => values.len() * 4,
            Chunk::Bf16(values) | Chunk::F16(values) => values.len() * 2,
            Chunk::Int8(values) | Chunk::Int4(values) => values.len(),
        }
    }

    fn set(&mut self, at: usize, row: &[f32]) -> Result<()> {
        let from = at * row.len();
        match self {
            Chunk::F32(values) => values[from..from + row.len()].copy_from_slice(row),
            Chunk::Bf16(values) => {
                within(row, BF16_MAX)?;
                let own = &mut values[from..from + row.len()];
                own.iter_mut().zip(row).for_each(|(own, value)| *own = to_bf16(*value));
            }
            Chunk::F16(values) => {
                within(row, F16_MAX)?;
                let own = &mut values[from..from + row.len()];
                own.iter_mut().zip(row).for_each(|(own, value)| *own = to_f16(*value));
            }
            Chunk::Int8(values) => {
                let mut bytes = Vec::with_capacity(Dtype::Int8.row_bytes(row.len()));
                encode_int8(row, &mut bytes)?;
                values[at * bytes.len()..][..bytes.len()].copy_from_slice(&bytes);
            }
            Chunk::Int4(values) => {
                let mut bytes = Vec::with_capacity(Dtype::Int4.row_bytes(row.len()));
                encode_int4(row, &mut bytes)?;
                values[at * bytes.len()..][..bytes.len()].copy_from_slice(&bytes);
            }
        }
        Ok(())
    }
}

/// Refuses numbers beyond the largest one of a format, which would be infinite there.
fn within(row: &[f32], largest: f32) -> Result<()> {
    match row.iter().find(|value| value.abs() > largest) {
        None => Ok(()),
        Some(value) => {
            let what = format!("{value} is beyond {largest}, the largest number of its format");
            Err(Error::Setting { field: "row", what })
        }
    }
}

/// Rows of a chunk that one thread changes.
#[derive(Debug)]
pub(crate) enum Piece<'a> {
    F32(&'a mut [f32]),
    Bf16(&'a mut [u16]),
    F16(&'a mut [u16]),
}

impl Piece<'_> {
    /// Asks memory for numbers from `from` on.
    #[inline(always)]
    pub(crate) fn prefetch(&self, from: usize, width: usize) {
        match self {
            Piece::F32(values) => prefetch(values, from, width),
            Piece::Bf16(values) => prefetch(values, from, width),
            Piece::F16(values) => prefetch(values, from, width),
        }
    }

    /// Changes a row in place: `change` gets it in f32, and what it leaves is kept.
    #[inline(always)]
    pub(crate) fn change(
        &mut self,
        from: usize,
        scratch: &mut [f32],
        change: impl FnOnce(&mut [f32]),
    ) {
        match self {
            Piece::F32(values) => change(&mut values[from..from + scratch.len()]),
            Piece::Bf16(values) => {
                let own = &mut values[from..from + scratch.len()];
                scratch
                    .iter_mut()
                    .zip(own.iter())
                    .for_each(|(out, bits)| *out = from_bf16(*bits));
                change(scratch);
                own.iter_mut()
                    .zip(scratch.iter())
                    .for_each(|(own, value)| *own = to_bf16(*value));
            }
            Piece::F16(values) => {
                let own = &mut values[from..from + scratch.len()];
                scratch
                    .iter_mut()
                    .zip(own.iter())
                    .for_each(|(out, bits)| *out = from_f16(*bits));
                change(scratch);
                own.iter_mut()
                    .zip(scratch.iter())
                    .for_each(|(own, value)| *own = to_f16(*value));
            }
        }
    }
}
