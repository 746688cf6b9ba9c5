//! Gating: a gated residual (LiGR) and SwiGLU.

use super::{Op, grad};
use crate::buffers::Buffer;
use crate::device::Device;
use crate::error::{Result, refused};
use crate::kernel::{absent, cpu, reference};
use crate::random::Dropout;
use crate::tape::{Backward, Tape, Value, Var};

#[derive(Debug)]
pub(crate) struct Gated {
    x: Var,
    gate: Var,
    branch: Var,
    dropout: Dropout,
}

#[derive(Debug)]
pub(crate) struct SwiGlu {
    x: Var,
}

impl<'a> Tape<'a> {
    /// `x + sigmoid(gate) ⊙ drop(branch)`, all `[rows, width]`: the residual of a LiGR block.
    ///
    /// # Errors
    /// Where shapes differ, or the rate is not in `[0, 1)`.
    pub fn gated_residual(&mut self, x: Var, gate: Var, branch: Var, rate: f32) -> Result<Var> {
        let shape = self.shape(x);
        if self.shape(gate) != shape || self.shape(branch) != shape {
            let (gate, branch) = (self.shape(gate), self.shape(branch));
            return refused(
                "gated residual",
                format!("{shape:?}, a gate of {gate:?}, a branch of {branch:?}"),
            );
        }
        let dropout = self.dropout_of_next("gated residual", rate)?;
        let wanted = self.wanted(&[x, gate, branch]);
        let mut y = self.workspace.buffers.take(shape.0 * shape.1);
        let (xs, gs, bs) = (self.value(x), self.value(gate), self.value(branch));
        match self.workspace.device {
            Device::Reference => reference::pointwise::gated(xs, gs, bs, dropout, &mut y),
            Device::Cpu => cpu::pointwise::gated(xs, gs, bs, dropout, &mut y),
            Device::Cuda => return absent::cuda(),
        }
        let op = Op::Gated(Gated { x, gate, branch, dropout });
        Ok(self.push(op, shape.0, shape.1, Value::Own(y), wanted))
    }

    /// `silu(a) ⊙ b` of `x [rows, 2 × width]` = (a | b) → `[rows, width]`.
    ///
    /// # Errors
    /// Where the columns do not halve.
    pub fn swiglu(&mut self, x: Var) -> Result<Var> {
        let (rows, columns) = self.shape(x);
        if !columns.is_multiple_of(2) || columns == 0 {
            return refused("swiglu", format!("{columns} columns are no two halves"));
        }
        let width = columns / 2;
        let wanted = self.wanted(&[x]);
        let mut y = self.workspace.buffers.take(rows * width);
        let xs = self.value(x);
        match self.workspace.device {
            Device::Reference => reference::pointwise::swiglu(width, xs, &mut y),
            Device::Cpu => cpu::pointwise::swiglu(width, xs, &mut y),
            Device::Cuda => return absent::cuda(),
        }
        Ok(self.push(Op::SwiGlu(SwiGlu { x }), rows, width, Value::Own(y), wanted))
    }
}

impl Gated {
    pub(crate) fn backward(
        &self,
        backward: &mut Backward<'_, '_>,
        dy: Buffer,
    ) -> Result<Option<Buffer>> {
        let (gs, bs) = (backward.value(self.gate), backward.value(self.branch));
        let (mut dgate, mut dbranch) = (backward.take(self.gate), backward.take(self.branch));
        let (to_gate, to_branch) = (grad(&mut dgate), grad(&mut dbranch));
        let dropout = self.dropout;
        match backward.device {
            Device::Reference => {
                reference::pointwise::gated_backward(gs, bs, dropout, &dy, to_gate, to_branch);
            }
            Device::Cpu => {
                cpu::pointwise::gated_backward(gs, bs, dropout, &dy, to_gate, to_branch);
            }
            Device::Cuda => return absent::cuda(),
        }
        backward.put(self.gate, dgate);
        backward.put(self.branch, dbranch);
        Ok(backward.pass(self.x, dy))
    }
}

impl SwiGlu {
    pub(crate) fn backward(
        &self,
        backward: &mut Backward<'_, '_>,
        dy: Buffer,
    ) -> Result<Option<Buffer>> {
        let width = backward.shape(self.x).1 / 2;
        let xs = backward.value(self.x);
        if let Some(mut gradient) = backward.take(self.x) {
            let to = gradient.grad();
            match backward.device {
                Device::Reference => reference::pointwise::swiglu_backward(width, xs, &dy, to),
                Device::Cpu => cpu::pointwise::swiglu_backward(width, xs, &dy, to),
                Device::Cuda => return absent::cuda(),
            }
            backward.put(self.x, Some(gradient));
        }
        Ok(Some(dy))
    }
}
