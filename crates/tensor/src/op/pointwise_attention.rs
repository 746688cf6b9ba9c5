//! Attention of HSTU (Zhai et al. 2024): weights are SiLU(score) / length, each for itself, so that
//! they need not sum to 1 and how many events matter is kept; scores have a bias for how far and
//! how long ago a key is. Softmax weights are there to compare with.
//!
//! Over jagged rows with context, candidates and windows ([`EventRows`]); no score matrix is kept.

use super::{EventRows, Op, TIME_BUCKETS, grad};
use crate::buffers::{Buffer, Buffers};
use crate::device::Device;
use crate::error::{Result, refused};
use crate::kernel::{absent, cpu, reference};
use crate::tape::{Backward, Tape, Value, Var};

/// How scores become weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weighting {
    /// SiLU(score) / length, the length being a constant of the model.
    Silu {
        /// What weights are divided by.
        length: u32,
    },
    /// Softmax over what a token sees.
    Softmax,
}

/// Sizes of the heads and what scores are multiplied by. The matrix of values, queries and keys is
/// `[Σ n, heads × (value_width + 2 × query_width)]`: all heads' values, then their queries, then
/// their keys.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PointwiseShape {
    /// Heads.
    pub heads: usize,
    /// Columns of the query and of the key of one head.
    pub query_width: usize,
    /// Columns of the value of one head.
    pub value_width: usize,
    /// What products of queries and keys are multiplied by; HSTU: 1.
    pub scale: f32,
    /// How scores become weights.
    pub weighting: Weighting,
}

impl PointwiseShape {
    /// Columns of values, queries and keys.
    pub fn stride(self) -> usize {
        self.heads * (self.value_width + 2 * self.query_width)
    }

    /// Columns of all heads' values, and of the result.
    pub fn width(self) -> usize {
        self.heads * self.value_width
    }

    /// Where the value of a token and head begins.
    #[inline(always)]
    pub fn value_at(self, token: usize, head: usize) -> usize {
        token * self.stride() + head * self.value_width
    }

    /// Where the query of a token and head begins.
    #[inline(always)]
    pub fn query_at(self, token: usize, head: usize) -> usize {
        token * self.stride() + self.width() + head * self.query_width
    }

    /// Where the key of a token and head begins.
    #[inline(always)]
    pub fn key_at(self, token: usize, head: usize) -> usize {
        self.query_at(token, self.heads + head)
    }

    /// Operations of the two products.
    fn flops(self, rows: &EventRows<'_>) -> u64 {
        2 * rows.pairs() * (self.heads * (self.query_width + self.value_width)) as u64
    }
}

/// Tables that are added to scores, the same for all heads.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ScoreBiases {
    /// `[1, places]`; a key that is d tokens before its query has entry places - 1 - d.
    pub position: Option<Var>,
    /// `[1, 129]`, by [`super::time_bucket()`] of when it is asked less when the key happened.
    pub time: Option<Var>,
}

#[derive(Debug)]
pub(crate) struct Pointwise<'a> {
    x: Var,
    biases: ScoreBiases,
    shape: PointwiseShape,
    rows: EventRows<'a>,
    /// `[Σ n, heads]` for the softmax; else nothing.
    lse: Buffer,
}

impl<'a> Tape<'a> {
    /// `x [Σ n, stride]` → `[Σ n, heads × value_width]`. See [`PointwiseShape`] for the columns.
    ///
    /// # Errors
    /// Where shapes, times or tables do not fit.
    pub fn pointwise_attention(
        &mut self,
        x: Var,
        shape: PointwiseShape,
        biases: ScoreBiases,
        rows: EventRows<'a>,
    ) -> Result<Var> {
        const OP: &str = "pointwise attention";
        let (count, columns) = self.shape(x);
        if shape.heads == 0 || shape.query_width == 0 || shape.value_width == 0 {
            return refused(OP, "heads and their columns are at least 1");
        }
        if columns != shape.stride() {
            let (values, queries) = (shape.width(), shape.heads * shape.query_width);
            return refused(
                OP,
                format!(
                    "{columns} columns are not {values} of values, twice {queries} of queries and keys"
                ),
            );
        }
        if shape.weighting == (Weighting::Silu { length: 0 }) {
            return refused(OP, "weights are divided by at least 1");
        }
        rows.check(OP, count)?;
        if let Some(position) = biases.position {
            let (found, needed) = (self.shape(position), rows.places());
            if found.0 != 1 || found.1 < needed {
                return refused(
                    OP,
                    format!("a table of positions of {found:?} for {needed} places"),
                );
            }
        }
        if let Some(time) = biases.time
            && self.shape(time) != (1, TIME_BUCKETS)
        {
            let found = self.shape(time);
            return refused(
                OP,
                format!("a table of times of {found:?}, not [1, {TIME_BUCKETS}]"),
            );
        }
        let both = [biases.position, biases.time];
        let wanted = self.wanted(&[x]) || both.iter().flatten().any(|var| self.wanted(&[*var]));
        let mut y = self.workspace.buffers.take(count * shape.width());
        let kept = if shape.weighting == Weighting::Softmax { count * shape.heads } else { 0 };
        let mut lse = self.workspace.buffers.take(kept);
        let [position, time] = both.map(|var| var.map(|var| self.value(var)));
        let inputs =
            reference::pointwise_attention::Inputs { x: self.value(x), position, time };
        match self.workspace.device {
            Device::Reference => {
                reference::pointwise_attention::forward(shape, &rows, inputs, &mut y, &mut lse);
            }
            Device::Cpu => {
                self.workspace.meter.note(shape.flops(&rows));
                cpu::pointwise_attention::forward(shape, &rows, inputs, &mut y, &mut lse);
            }
            Device::Cuda => return absent::cuda(),
        }
        let op = Op::Pointwise(Pointwise { x, biases, shape, rows, lse });
        Ok(self.push(op, count, shape.width(), Value::Own(y), wanted))
    }
}

impl Pointwise<'_> {
    pub(crate) fn backward(
        &self,
        backward: &mut Backward<'_, '_>,
        own: Var,
        dy: Buffer,
    ) -> Result<Option<Buffer>> {
        let (shape, rows, biases) = (self.shape, &self.rows, self.biases);
        let of = |var: Option<Var>| var.map(|var| backward.value(var));
        let (position, time) = (of(biases.position), of(biases.time));
        let inputs = reference::pointwise_attention::Inputs {
            x: backward.value(self.x),
            position,
            time,
        };
        let out = backward.value(own);
        let mut dx = backward.take(self.x);
        let mut dposition = biases.position.and_then(|var| backward.take(var));
        let mut dtime = biases.time.and_then(|var| backward.take(var));
        let (to_position, to_time) = (grad(&mut dposition), grad(&mut dtime));
        // Tables may be wanted where x is not: its gradient is computed and thrown away.
        let mut unwanted = None;
        let to_x = match &mut dx {
            Some(gradient) => gradient.grad(),
            None => {
                let buffer = unwanted.insert(backward.buffers.take(inputs.x.len()));
                crate::kernel::Grad::fresh(&mut buffer[..])
            }
        };
        match backward.device {
            Device::Reference => reference::pointwise_attention::backward(
                shape,
                rows,
                inputs,
                out,
                &self.lse,
                &dy,
                to_x,
                to_position,
                to_time,
            ),
            Device::Cpu => {
                // Scores again, and four products for the gradients.
                backward.meter.note(shape.flops(rows) / 2 * 5);
                cpu::pointwise_attention::backward(
                    backward.buffers,
                    shape,
                    rows,
                    inputs,
                    out,
                    &self.lse,
                    &dy,
                    to_x,
                    to_position,
                    to_time,
                );
            }
            Device::Cuda => return absent::cuda(),
        }
        if let Some(unwanted) = unwanted {
            backward.buffers.give(unwanted);
        }
        backward.put(self.x, dx);
        for (var, gradient) in [(biases.position, dposition), (biases.time, dtime)] {
            if let Some(var) = var {
                backward.put(var, gradient);
            }
        }
        Ok(Some(dy))
    }

    pub(crate) fn recycle(self, buffers: &mut Buffers) {
        buffers.give(self.lse);
    }
}
