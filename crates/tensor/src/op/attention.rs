//! Causal multi-head attention over jagged rows: no padding is touched, no score matrix kept.
//!
//! Online softmax forward, recomputation backward (Dao et al. 2022, FlashAttention) over jagged
//! rows (Xu et al. 2024, arXiv 2409.15373). Memory is linear in the tokens. Not for attention
//! with an additive bias.

use super::Op;
use crate::Offsets;
use crate::buffers::{Buffer, Buffers};
use crate::device::Device;
use crate::error::{Result, refused};
use crate::kernel::reference::attention::Inputs;
use crate::kernel::{absent, cpu, reference};
use crate::random::Dropout;
use crate::tape::{Backward, Tape, Value, Var};

/// Where queries, keys and values are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Qkv {
    /// One matrix `[Σ n, 3 × width]`: queries, keys, values side by side.
    Packed(Var),
    /// Queries `[Σ n, width]`; keys and values side by side `[Σ n, 2 × width]`.
    Split {
        /// Queries.
        query: Var,
        /// Keys, then values.
        key_value: Var,
    },
}

/// Sizes, and where the columns of a head begin.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AttentionShape {
    /// Number of heads.
    pub heads: usize,
    /// Columns of one head.
    pub head_width: usize,
    /// Row length of the queries' matrix.
    pub query_stride: usize,
    /// Row length of the keys' and values' matrix.
    pub key_stride: usize,
    /// First column of keys.
    pub key_column: usize,
    /// First column of values.
    pub value_column: usize,
    /// What scores are multiplied by: usually 1 / √ of the head's width.
    pub scale: f32,
    /// Which weights are dropped, after the softmax.
    pub dropout: Dropout,
}

impl AttentionShape {
    /// Of [`Qkv::Packed`].
    pub fn packed(heads: usize, head_width: usize) -> AttentionShape {
        let width = heads * head_width;
        AttentionShape {
            heads,
            head_width,
            query_stride: 3 * width,
            key_stride: 3 * width,
            key_column: width,
            value_column: 2 * width,
            scale: 1.0 / (head_width as f32).sqrt(),
            dropout: Dropout::NONE,
        }
    }

    /// Of [`Qkv::Split`].
    pub fn split(heads: usize, head_width: usize) -> AttentionShape {
        let width = heads * head_width;
        AttentionShape {
            query_stride: width,
            key_stride: 2 * width,
            key_column: 0,
            value_column: width,
            ..AttentionShape::packed(heads, head_width)
        }
    }

    /// Columns of all heads.
    pub fn width(self) -> usize {
        self.heads * self.head_width
    }

    /// Where the query of a token and head begins.
    #[inline]
    pub fn query_at(self, token: usize, head: usize) -> usize {
        token * self.query_stride + head * self.head_width
    }

    /// Where the key of a token and head begins.
    #[inline]
    pub fn key_at(self, token: usize, head: usize) -> usize {
        token * self.key_stride + self.key_column + head * self.head_width
    }

    /// Where the value of a token and head begins.
    #[inline]
    pub fn value_at(self, token: usize, head: usize) -> usize {
        token * self.key_stride + self.value_column + head * self.head_width
    }

    /// What the weights of a token and head are dropped by: see [`AttentionShape::kept`].
    #[inline(always)]
    pub fn stream_of(self, token: usize, head: usize) -> u32 {
        ((token * self.heads + head) as u32).wrapping_mul(0x9e37_79b1)
    }

    /// What the weight of key `place` (counted within the row) is multiplied by: 0 or
    /// 1 / (1 - rate).
    #[inline(always)]
    pub fn kept(self, stream: u32, place: usize) -> f32 {
        self.dropout.factor(stream ^ place as u32)
    }

    /// Operations of the two products over the causal half.
    pub fn flops(self, offsets: &Offsets) -> u64 {
        2 * self.width() as u64 * (offsets.squares() + offsets.total() as u64)
    }
}

#[derive(Debug)]
pub(crate) struct Attention<'a> {
    qkv: Qkv,
    shape: AttentionShape,
    offsets: &'a Offsets,
    /// `[Σ n, heads]`
    lse: Buffer,
}

impl<'a> Tape<'a> {
    /// Causal attention within each row of `offsets` → `[Σ n, width]`. `width` must be a
    /// multiple of `heads`; scores are divided by √(width / heads). A share `rate` of the weights
    /// is dropped in training.
    ///
    /// # Errors
    /// Where shapes do not fit, or the rate is not in `[0, 1)`.
    pub fn attention(
        &mut self,
        qkv: Qkv,
        heads: usize,
        offsets: &'a Offsets,
        rate: f32,
    ) -> Result<Var> {
        let (rows, width) = match qkv {
            Qkv::Packed(all) => {
                let (rows, columns) = self.shape(all);
                if !columns.is_multiple_of(3) {
                    return refused(
                        "attention",
                        format!("{columns} columns are not q, k and v"),
                    );
                }
                (rows, columns / 3)
            }
            Qkv::Split { query, key_value } => {
                let ((rows, width), pair) = (self.shape(query), self.shape(key_value));
                if pair != (rows, 2 * width) {
                    return refused(
                        "attention",
                        format!("queries of [{rows}, {width}], keys and values of {pair:?}"),
                    );
                }
                (rows, width)
            }
        };
        if heads == 0 || !width.is_multiple_of(heads) {
            return refused("attention", format!("{heads} heads do not share {width} columns"));
        }
        if offsets.total() != rows {
            let total = offsets.total();
            return refused(
                "attention",
                format!("offsets over {total} tokens for {rows} rows"),
            );
        }
        let head_width = width / heads;
        let (shape, sources) = match qkv {
            Qkv::Packed(all) => (AttentionShape::packed(heads, head_width), [all, all]),
            Qkv::Split { query, key_value } => {
                (AttentionShape::split(heads, head_width), [query, key_value])
            }
        };
        let shape =
            AttentionShape { dropout: self.dropout_of_next("attention", rate)?, ..shape };
        let wanted = self.wanted(&sources);
        let mut y = self.workspace.buffers.take(rows * width);
        let mut lse = self.workspace.buffers.take(rows * heads);
        let [query, key] = sources.map(|var| self.value(var));
        let inputs = Inputs { query, key, value: key };
        match self.workspace.device {
            Device::Reference => {
                reference::attention::forward(shape, offsets, inputs, &mut y, &mut lse);
            }
            Device::Cpu => {
                self.workspace.meter.note(shape.flops(offsets));
                cpu::attention::forward(shape, offsets, inputs, &mut y, &mut lse);
            }
            Device::Cuda => return absent::cuda(),
        }
        let op = Op::Attention(Attention { qkv, shape, offsets, lse });
        Ok(self.push(op, rows, width, Value::Own(y), wanted))
    }
}

impl Attention<'_> {
    pub(crate) fn backward(
        &self,
        backward: &mut Backward<'_, '_>,
        own: Var,
        dy: Buffer,
    ) -> Result<Option<Buffer>> {
        let (query, others) = match self.qkv {
            Qkv::Packed(all) => (all, None),
            Qkv::Split { query, key_value } => (query, Some(key_value)),
        };
        let out = backward.value(own);
        let key = backward.value(others.unwrap_or(query));
        let inputs = Inputs { query: backward.value(query), key, value: key };
        let mut dquery = backward.take(query);
        let mut dothers = others.and_then(|others| backward.take(others));
        if dquery.is_none() && dothers.is_none() {
            return Ok(Some(dy));
        }
        // One side may be a constant: its gradient is computed and thrown away.
        let mut scratch_query = None;
        let to_query = match &mut dquery {
            Some(gradient) => gradient.grad(),
            None => {
                let len = inputs.query.len();
                let buffer = scratch_query.insert(backward.buffers.take(len));
                crate::kernel::Grad::fresh(&mut buffer[..])
            }
        };
        let mut scratch_others = None;
        let to_others = match (&mut dothers, others) {
            (Some(gradient), _) => Some(gradient.grad()),
            (None, Some(_)) => {
                let buffer = scratch_others.insert(backward.buffers.take(key.len()));
                Some(crate::kernel::Grad::fresh(&mut buffer[..]))
            }
            (None, None) => None,
        };
        let (shape, offsets) = (self.shape, self.offsets);
        match backward.device {
            Device::Reference => reference::attention::backward(
                shape, offsets, inputs, out, &self.lse, &dy, to_query, to_others,
            ),
            Device::Cpu => {
                // Scores again, and four products for the gradients.
                backward.meter.note(shape.flops(offsets) / 2 * 5);
                cpu::attention::backward(
                    shape, offsets, inputs, out, &self.lse, &dy, to_query, to_others,
                );
            }
            Device::Cuda => return absent::cuda(),
        }
        for scratch in [scratch_query, scratch_others].into_iter().flatten() {
            backward.buffers.give(scratch);
        }
        backward.put(query, dquery);
        if let Some(others) = others {
            backward.put(others, dothers);
        }
        Ok(Some(dy))
    }

    pub(crate) fn recycle(self, buffers: &mut Buffers) {
        buffers.give(self.lse);
    }
}
