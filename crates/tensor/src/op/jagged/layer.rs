//! Jagged operations on a tape. A padded `[B, N, d]` is the matrix `[B × N, d]` there, and a
//! matrix a row `[B, d, e]` is `[B × d, e]`.

use std::borrow::Cow;

use super::{
    broadcast_add, broadcast_add_backward, broadcast_multiply, broadcast_multiply_backward,
    concat, concat_backward, dense_product, dense_product_backward, from_padded,
    from_padded_backward, jagged_product, jagged_product_backward, segment_mean,
    segment_mean_backward, segment_sum, segment_sum_backward, select, select_backward, softmax,
    softmax_backward, split, split_backward, to_padded, to_padded_backward,
};
use crate::buffers::Buffer;
use crate::device::Device;
use crate::error::{Result, refused};
use crate::jagged::Offsets;
use crate::kernel::pair::{Pair, PairMut};
use crate::op::Op;
use crate::pick::Pick;
use crate::tape::{Backward, Gradient, Tape, Value, Var};

/// How the tokens of a row become one vector. An empty row gives zeros.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pool {
    /// Their sum.
    Sum,
    /// Their mean.
    Mean,
    /// The last of them.
    Last,
}

/// What was done to one variable.
#[derive(Debug)]
enum One<'a> {
    Sum,
    Mean,
    Select(Cow<'a, [Pick]>),
    Softmax,
    ToPadded(usize),
    FromPadded(usize),
    /// A part of a split: the offsets of what is behind (front) or before it (back).
    Front(&'a Offsets),
    Back(&'a Offsets),
}

/// What was done to two variables.
#[derive(Debug)]
enum Two<'a> {
    BroadcastAdd,
    BroadcastMultiply,
    DenseProduct,
    JaggedProduct,
    /// With the offsets of the back.
    Concat(&'a Offsets),
}

#[derive(Debug)]
enum Inputs<'a> {
    One(One<'a>, Var),
    Two(Two<'a>, Var, Var),
}

/// A jagged operation as a node.
#[derive(Debug)]
pub(crate) struct Layer<'a> {
    inputs: Inputs<'a>,
    offsets: &'a Offsets,
}

impl<'a> Tape<'a> {
    /// One vector for each row: `x [Σn, d]` → `[B, d]`.
    ///
    /// # Errors
    /// Where `x` does not have the tokens of `offsets`.
    pub fn pool(&mut self, x: Var, offsets: &'a Offsets, pool: Pool) -> Result<Var> {
        let one = match pool {
            Pool::Sum => One::Sum,
            Pool::Mean => One::Mean,
            Pool::Last => One::Select(Cow::Owned(Pick::last(offsets))),
        };
        self.one(one, x, offsets, offsets.rows(), |device, one, values, width, out| match one {
            One::Sum => segment_sum(device, values, width, offsets, out),
            One::Mean => segment_mean(device, values, width, offsets, out),
            One::Select(picks) => select(device, values, width, offsets, picks, out),
            _ => unreachable!("one of the three above"),
        })
    }

    /// Some tokens, in any order, also more than once: `x [Σn, d]` → `[m, d]`; zeros where a
    /// pick is of nothing.
    ///
    /// # Errors
    /// Where a pick is of no token, or `x` does not have the tokens of `offsets`.
    pub fn select(&mut self, x: Var, offsets: &'a Offsets, picks: &'a [Pick]) -> Result<Var> {
        let one = One::Select(Cow::Borrowed(picks));
        self.one(one, x, offsets, picks.len(), |device, _, values, width, out| {
            select(device, values, width, offsets, picks, out)
        })
    }

    /// Softmax over the tokens of each row, each column by itself: `[Σn, h]` → `[Σn, h]`.
    ///
    /// # Errors
    /// Where `x` does not have the tokens of `offsets`.
    pub fn jagged_softmax(&mut self, x: Var, offsets: &'a Offsets) -> Result<Var> {
        self.one(One::Softmax, x, offsets, offsets.total(), |device, _, values, width, out| {
            softmax(device, values, width, offsets, out)
        })
    }

    /// Rows of one length, filled up with `pad`: `x [Σn, d]` → `[B × length, d]`.
    ///
    /// # Errors
    /// Where a row is longer, there would be more than 2³¹ - 1 tokens, or `x` does not have the
    /// tokens of `offsets`.
    pub fn to_padded(
        &mut self,
        x: Var,
        offsets: &'a Offsets,
        length: usize,
        pad: f32,
    ) -> Result<Var> {
        let tokens = padded("jagged to padded", offsets, length)?;
        self.one(One::ToPadded(length), x, offsets, tokens, |device, _, values, width, out| {
            to_padded(device, values, width, offsets, length, pad, out)
        })
    }

    /// The tokens that are no padding: `x [B × length, d]` → `[Σn, d]`.
    ///
    /// # Errors
    /// Where a row is longer, or `x` does not have `B × length` tokens.
    pub fn from_padded(&mut self, x: Var, offsets: &'a Offsets, length: usize) -> Result<Var> {
        let (one, tokens) = (One::FromPadded(length), offsets.total());
        self.one(one, x, offsets, tokens, |device, _, values, width, out| {
            from_padded(device, values, width, offsets, length, out)
        })
    }

    /// Every token and its row's vector, added: `x [Σn, d]`, `rows [B, d]` → `[Σn, d]`.
    ///
    /// # Errors
    /// Where shapes do not fit.
    pub fn broadcast_add(&mut self, x: Var, rows: Var, offsets: &'a Offsets) -> Result<Var> {
        let shape = (offsets.total(), self.one_width("jagged broadcast add", x, rows)?);
        self.two(Two::BroadcastAdd, (x, rows), offsets, shape, |device, operands, out| {
            broadcast_add(device, operands, shape.1, offsets, out)
        })
    }

    /// Every token and its row's vector, multiplied: `x [Σn, d]`, `rows [B, d]` → `[Σn, d]`.
    ///
    /// # Errors
    /// Where shapes do not fit.
    pub fn broadcast_multiply(
        &mut self,
        x: Var,
        rows: Var,
        offsets: &'a Offsets,
    ) -> Result<Var> {
        let width = self.one_width("jagged broadcast multiply", x, rows)?;
        let shape = (offsets.total(), width);
        self.two(Two::BroadcastMultiply, (x, rows), offsets, shape, |device, operands, out| {
            broadcast_multiply(device, operands, shape.1, offsets, out)
        })
    }

    /// Each row by a matrix of its own: `x [Σn, d]`, `matrices [B × d, e]` → `[Σn, e]`.
    ///
    /// # Errors
    /// Where shapes do not fit.
    pub fn dense_product(
        &mut self,
        x: Var,
        matrices: Var,
        offsets: &'a Offsets,
    ) -> Result<Var> {
        let widths = (self.shape(x).1, self.shape(matrices).1);
        let shape = (offsets.total(), widths.1);
        self.two(Two::DenseProduct, (x, matrices), offsets, shape, |device, operands, out| {
            dense_product(device, operands, widths, offsets, out)
        })
    }

    /// `leftᵀ right` of each row, summed over its tokens: `left [Σn, d]`, `right [Σn, e]` →
    /// `[B × d, e]`.
    ///
    /// # Errors
    /// Where shapes do not fit, or there would be more than 2³¹ - 1 rows.
    pub fn jagged_product(
        &mut self,
        left: Var,
        right: Var,
        offsets: &'a Offsets,
    ) -> Result<Var> {
        let widths = (self.shape(left).1, self.shape(right).1);
        let shape = (padded("jagged jagged product", offsets, widths.0)?, widths.1);
        self.two(Two::JaggedProduct, (left, right), offsets, shape, |device, operands, out| {
            jagged_product(device, operands, widths, offsets, out)
        })
    }

    /// Row by row the front, then the back: `[Σn, d]`, `[Σm, d]` → `[Σ(n + m), d]`, of
    /// [`concat_offsets`](super::concat_offsets). `offsets` are those of the parts.
    ///
    /// # Errors
    /// Where shapes do not fit.
    pub fn concat_rows(
        &mut self,
        front: Var,
        back: Var,
        offsets: (&'a Offsets, &'a Offsets),
    ) -> Result<Var> {
        let width = self.one_width("jagged concat", front, back)?;
        let shape = (offsets.0.total().saturating_add(offsets.1.total()), width);
        let two = Two::Concat(offsets.1);
        self.two(two, (front, back), offsets.0, shape, |device, operands, out| {
            concat(device, operands, width, offsets, out)
        })
    }

    /// The inverse of [`Tape::concat_rows`]: `[Σ(n + m), d]` → `[Σn, d]`, `[Σm, d]`. `offsets`
    /// are those of the parts, as of [`split_offsets`](super::split_offsets).
    ///
    /// # Errors
    /// Where shapes do not fit.
    pub fn split_rows(
        &mut self,
        x: Var,
        offsets: (&'a Offsets, &'a Offsets),
    ) -> Result<(Var, Var)> {
        let ((front, back), (_, width)) = (offsets, self.shape(x));
        let mut left = self.workspace.buffers.take(front.total() * width);
        let mut right = self.workspace.buffers.take(back.total() * width);
        let parts = PairMut { left: &mut left, right: &mut right };
        let done = split(self.workspace.device, self.value(x), width, offsets, parts);
        if let Err(error) = done {
            self.workspace.buffers.give(left);
            self.workspace.buffers.give(right);
            return Err(error);
        }
        let wanted = self.wanted(&[x]);
        let layer = |one, offsets| Op::Jagged(Layer { inputs: Inputs::One(one, x), offsets });
        let (first, last) = (layer(One::Front(back), front), layer(One::Back(front), back));
        let first = self.push(first, front.total(), width, Value::Own(left), wanted);
        let last = self.push(last, back.total(), width, Value::Own(right), wanted);
        Ok((first, last))
    }

    fn one_width(&self, op: &'static str, left: Var, right: Var) -> Result<usize> {
        let (width, other) = (self.shape(left).1, self.shape(right).1);
        if width != other {
            return refused(
                op,
                format!("{width} columns on the left and {other} on the right"),
            );
        }
        Ok(width)
    }

    fn one(
        &mut self,
        one: One<'a>,
        x: Var,
        offsets: &'a Offsets,
        rows: usize,
        run: impl FnOnce(Device, &One<'a>, &[f32], usize, &mut [f32]) -> Result<()>,
    ) -> Result<Var> {
        let (_, width) = self.shape(x);
        let mut y = self.workspace.buffers.take(rows * width);
        if let Err(error) = run(self.workspace.device, &one, self.value(x), width, &mut y) {
            self.workspace.buffers.give(y);
            return Err(error);
        }
        let wanted = self.wanted(&[x]);
        let op = Op::Jagged(Layer { inputs: Inputs::One(one, x), offsets });
        Ok(self.push(op, rows, width, Value::Own(y), wanted))
    }

    fn two(
        &mut self,
        two: Two<'a>,
        (left, right): (Var, Var),
        offsets: &'a Offsets,
        (rows, width): (usize, usize),
        run: impl FnOnce(Device, Pair<'_>, &mut [f32]) -> Result<()>,
    ) -> Result<Var> {
        let mut y = self.workspace.buffers.take(rows * width);
        let operands = Pair { left: self.value(left), right: self.value(right) };
        if let Err(error) = run(self.workspace.device, operands, &mut y) {
            self.workspace.buffers.give(y);
            return Err(error);
        }
        let wanted = self.wanted(&[left, right]);
        let op = Op::Jagged(Layer { inputs: Inputs::Two(two, left, right), offsets });
        Ok(self.push(op, rows, width, Value::Own(y), wanted))
    }
}

/// `B × length`, refused where it passes what offsets can count.
fn padded(op: &'static str, offsets: &Offsets, length: usize) -> Result<usize> {
    match offsets.rows().checked_mul(length) {
        Some(tokens) if i32::try_from(tokens).is_ok() => Ok(tokens),
        _ => refused(op, format!("{} rows of {length} pass 2^31 - 1", offsets.rows())),
    }
}

impl Layer<'_> {
    /// What errors call it.
    pub(crate) fn name(&self) -> &'static str {
        match &self.inputs {
            Inputs::One(one, _) => match one {
                One::Sum => "jagged sum",
                One::Mean => "jagged mean",
                One::Select(_) => "jagged select",
                One::Softmax => "jagged softmax",
                One::ToPadded(_) => "jagged to padded",
                One::FromPadded(_) => "jagged from padded",
                One::Front(_) | One::Back(_) => "jagged split",
            },
            Inputs::Two(two, _, _) => match two {
                Two::BroadcastAdd => "jagged broadcast add",
                Two::BroadcastMultiply => "jagged broadcast multiply",
                Two::DenseProduct => "jagged dense product",
                Two::JaggedProduct => "jagged jagged product",
                Two::Concat(_) => "jagged concat",
            },
        }
    }

    pub(crate) fn backward(
        &self,
        backward: &mut Backward<'_, '_>,
        own: Var,
        dy: Buffer,
    ) -> Result<Option<Buffer>> {
        match &self.inputs {
            Inputs::One(one, x) => self.one_back(backward, one, *x, own, &dy)?,
            Inputs::Two(two, left, right) => {
                self.two_back(backward, two, (*left, *right), &dy)?;
            }
        }
        Ok(Some(dy))
    }

    fn one_back(
        &self,
        backward: &mut Backward<'_, '_>,
        one: &One<'_>,
        x: Var,
        own: Var,
        dy: &[f32],
    ) -> Result<()> {
        let Some(mut gradient) = backward.take(x) else { return Ok(()) };
        let (device, offsets, width) = (backward.device, self.offsets, backward.shape(x).1);
        let (add, dx) = (gradient.accumulate, &mut gradient.buffer[..]);
        // The other part of a split gives its gradient by itself.
        let mut zeros = |other: &Offsets| {
            let mut zeros = backward.buffers.take(other.total() * width);
            zeros.fill(0.0);
            zeros
        };
        match one {
            One::Sum => segment_sum_backward(device, dy, width, offsets, add, dx)?,
            One::Mean => segment_mean_backward(device, dy, width, offsets, add, dx)?,
            One::Select(picks) => {
                select_backward(device, dy, width, offsets, picks, add, dx)?;
            }
            One::Softmax => {
                let y = backward.value(own);
                softmax_backward(device, y, dy, width, offsets, add, dx)?;
            }
            One::ToPadded(length) => {
                to_padded_backward(device, dy, width, offsets, *length, add, dx)?;
            }
            One::FromPadded(length) => {
                from_padded_backward(device, dy, width, offsets, *length, add, dx)?;
            }
            One::Front(back) => {
                let zeros = zeros(back);
                let parts = Pair { left: dy, right: &zeros[..] };
                split_backward(device, parts, width, (offsets, back), add, dx)?;
                backward.buffers.give(zeros);
            }
            One::Back(front) => {
                let zeros = zeros(front);
                let parts = Pair { left: &zeros[..], right: dy };
                split_backward(device, parts, width, (front, offsets), add, dx)?;
                backward.buffers.give(zeros);
            }
        }
        backward.put(x, Some(gradient));
        Ok(())
    }

    fn two_back(
        &self,
        backward: &mut Backward<'_, '_>,
        two: &Two<'_>,
        (left, right): (Var, Var),
        dy: &[f32],
    ) -> Result<()> {
        let (device, offsets) = (backward.device, self.offsets);
        let operands = Pair { left: backward.value(left), right: backward.value(right) };
        let (width, other) = (backward.shape(left).1, backward.shape(right).1);
        let widths = (width, other);
        both(backward, (left, right), |add, to| match two {
            Two::BroadcastAdd => broadcast_add_backward(device, dy, width, offsets, add, to),
            Two::BroadcastMultiply => {
                broadcast_multiply_backward(device, operands, dy, width, offsets, add, to)
            }
            Two::DenseProduct => {
                dense_product_backward(device, operands, dy, widths, offsets, add, to)
            }
            Two::JaggedProduct => {
                jagged_product_backward(device, operands, dy, widths, offsets, add, to)
            }
            Two::Concat(back) => concat_backward(device, dy, width, (offsets, back), add, to),
        })
    }
}

/// Both gradients of a kernel that writes both or adds to both. A constant's is thrown away.
fn both(
    backward: &mut Backward<'_, '_>,
    (left, right): (Var, Var),
    run: impl FnOnce(bool, PairMut<'_>) -> Result<()>,
) -> Result<()> {
    let mut taken = [backward.take(left), backward.take(right)];
    if taken.iter().all(Option::is_none) {
        return Ok(());
    }
    let add = taken.iter().flatten().any(|gradient| gradient.accumulate);
    for gradient in taken.iter_mut().flatten() {
        if add && !gradient.accumulate {
            gradient.buffer.fill(0.0);
        }
    }
    let [mut to_left, mut to_right] = taken;
    let mut scratch = |gradient: &Option<Gradient>, var| {
        let (rows, width) = backward.shape(var);
        let len = if gradient.is_none() { rows * width } else { 0 };
        backward.buffers.take(len)
    };
    let (mut no_left, mut no_right) = (scratch(&to_left, left), scratch(&to_right, right));
    let to = PairMut {
        left: to_left.as_mut().map_or(&mut no_left[..], |gradient| &mut gradient.buffer),
        right: to_right.as_mut().map_or(&mut no_right[..], |gradient| &mut gradient.buffer),
    };
    run(add, to)?;
    backward.buffers.give(no_left);
    backward.buffers.give(no_right);
    backward.put(left, to_left);
    backward.put(right, to_right);
    Ok(())
}
