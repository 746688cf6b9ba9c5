//! Rows of a slab in the one format that it has, for loops over many of them: what a row is has been
//! asked before they begin.

use bytemuck::Pod;

use crate::Dtype;
use crate::dtype::{from_bf16, from_f16};
use crate::quantised::{add_int4, add_int8, ends_int4, ends_int8};

/// How a row is read.
pub(crate) trait Format {
    /// What it is made of.
    type Number: Pod;

    /// How many of these a row of `width` numbers takes.
    #[inline(always)]
    fn stride(width: usize) -> usize {
        width
    }

    /// `out += weight · row`.
    fn add<W: Weight>(row: &[Self::Number], weight: W, out: &mut [f32]);
}

/// What a row is multiplied with.
pub(crate) trait Weight: Copy {
    /// The product with a number.
    fn times(self, number: f32) -> f32;
}

impl Weight for f32 {
    #[inline(always)]
    fn times(self, number: f32) -> f32 {
        self * number
    }
}

/// 1, which takes no multiplication: half of the work where rows are only added.
#[derive(Clone, Copy)]
pub(crate) struct One;

impl Weight for One {
    #[inline(always)]
    fn times(self, number: f32) -> f32 {
        number
    }
}

pub(crate) struct F32;
pub(crate) struct Bf16;
pub(crate) struct F16;
pub(crate) struct Int8;
pub(crate) struct Int4;

impl Format for F32 {
    type Number = f32;

    #[inline(always)]
    fn add<W: Weight>(row: &[f32], weight: W, out: &mut [f32]) {
        let row = &row[..out.len()];
        out.iter_mut().zip(row).for_each(|(out, value)| *out += weight.times(*value));
    }
}

impl Format for Bf16 {
    type Number = u16;

    #[inline(always)]
    fn add<W: Weight>(row: &[u16], weight: W, out: &mut [f32]) {
        let row = &row[..out.len()];
        out.iter_mut().zip(row).for_each(|(out, bits)| *out += weight.times(from_bf16(*bits)));
    }
}

impl Format for F16 {
    type Number = u16;

    #[inline(always)]
    fn add<W: Weight>(row: &[u16], weight: W, out: &mut [f32]) {
        let row = &row[..out.len()];
        out.iter_mut().zip(row).for_each(|(out, bits)| *out += weight.times(from_f16(*bits)));
    }
}

impl Format for Int8 {
    type Number = u8;

    #[inline(always)]
    fn stride(width: usize) -> usize {
        Dtype::Int8.row_bytes(width)
    }

    #[inline(always)]
    fn add<W: Weight>(row: &[u8], weight: W, out: &mut [f32]) {
        let (scale, bias) = ends_int8(row, out.len());
        add_int8(&row[..out.len()], weight.times(scale), weight.times(bias), out);
    }
}

impl Format for Int4 {
    type Number = u8;

    #[inline(always)]
    fn stride(width: usize) -> usize {
        Dtype::Int4.row_bytes(width)
    }

    #[inline(always)]
    fn add<W: Weight>(row: &[u8], weight: W, out: &mut [f32]) {
        let (scale, bias) = ends_int4(row, out.len());
        add_int4(&row[..out.len().div_ceil(2)], weight.times(scale), weight.times(bias), out);
    }
}

/// Rows of one format.
pub(crate) struct Rows<'a, F: Format> {
    chunks: Vec<&'a [F::Number]>,
    /// Rows of a chunk, a power of two, as its exponent.
    shift: u32,
}

impl<'a, F: Format> Rows<'a, F> {
    pub(crate) fn new(
        chunks: impl Iterator<Item = &'a [F::Number]>,
        shift: u32,
    ) -> Rows<'a, F> {
        Rows { chunks: chunks.collect(), shift }
    }

    /// A row. Callers know the width, at best when they are compiled.
    #[inline(always)]
    pub(crate) fn row(&self, row: usize, width: usize) -> &'a [F::Number] {
        let stride = F::stride(width);
        let from = (row & ((1 << self.shift) - 1)) * stride;
        &self.chunks[row >> self.shift][from..from + stride]
    }

    /// The first chunk: all rows, where they are as many as they will ever be.
    pub(crate) fn first(&self) -> &'a [F::Number] {
        self.chunks.first().copied().unwrap_or_default()
    }
}
