//! Columns of one head within a wider matrix, made ready for products in registers.

use super::tile::Vectors;

/// Widths and key counts are padded to this in scratch, the lanes of the widest registers.
pub(super) const PAD: usize = 16;

/// One head's columns of a row of tokens, `[count, width]`, somewhere in a wider matrix.
#[derive(Clone, Copy)]
pub(super) struct Columns<'a> {
    pub(super) from: &'a [f32],
    /// Where the first token's begin.
    pub(super) at: usize,
    /// From one token to the next.
    pub(super) stride: usize,
    pub(super) count: usize,
    pub(super) width: usize,
}

impl<'a> Columns<'a> {
    /// Transposed and scaled: `to [width, n]`, padding 0.
    #[inline(always)]
    pub(super) fn across(self, scale: f32, to: &mut [f32], n: usize) {
        let Columns { from, at, stride, count, width } = self;
        let mut token = 0;
        // Sixteen tokens at a time: sixteen lines read, then whole lines written.
        while token < count {
            let tokens = PAD.min(count - token);
            for lane in 0..width {
                let line = &mut to[lane * n + token..][..PAD];
                for (place, value) in line.iter_mut().enumerate() {
                    *value = if place < tokens {
                        scale * from[at + (token + place) * stride + lane]
                    } else {
                        0.0
                    };
                }
            }
            token += PAD;
        }
    }

    /// To be read in whole registers: where they are, or, where the width is none of registers,
    /// from `copy`, with padding 0.
    #[inline(always)]
    pub(super) fn registers(self, copy: &'a mut [f32]) -> Vectors<'a> {
        let Columns { from, at, stride, count, width } = self;
        let padded = width.next_multiple_of(PAD);
        if padded == width {
            return Vectors { values: &from[at..], row: stride };
        }
        for (token, to) in copy.chunks_exact_mut(padded).take(count).enumerate() {
            let (values, padding) = to.split_at_mut(width);
            values.copy_from_slice(&from[at + token * stride..][..width]);
            padding.fill(0.0);
        }
        Vectors { values: copy, row: padded }
    }
}

/// `to (+)= scale × from`
#[inline(always)]
pub(super) fn store(to: &mut [f32], accumulate: bool, scale: f32, from: &[f32]) {
    if accumulate {
        to.iter_mut().zip(from).for_each(|(to, from)| *to += scale * *from);
    } else {
        to.iter_mut().zip(from).for_each(|(to, from)| *to = scale * *from);
    }
}
