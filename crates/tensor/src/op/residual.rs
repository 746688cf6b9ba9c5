//! A residual connection around a branch with dropout: y = x + drop(branch); and dropout alone.

use super::Op;
use crate::buffers::Buffer;
use crate::device::Device;
use crate::error::{Result, refused};
use crate::kernel::{absent, cpu, reference};
use crate::random::Dropout;
use crate::tape::{Backward, Tape, Value, Var};

#[derive(Debug)]
pub(crate) struct Residual {
    x: Option<Var>,
    branch: Var,
    dropout: Dropout,
}

impl<'a> Tape<'a> {
    /// `x + drop(branch)`, both `[rows, width]`. A share `rate` of the branch's numbers is 0 and
    /// the others are scaled up, in training; the mask is a function of the step's seed.
    ///
    /// # Errors
    /// Where shapes differ, or the rate is not in `[0, 1)`.
    pub fn residual(&mut self, x: Var, branch: Var, rate: f32) -> Result<Var> {
        if self.shape(x) != self.shape(branch) {
            let (x, branch) = (self.shape(x), self.shape(branch));
            return refused("residual", format!("{x:?} and a branch of {branch:?}"));
        }
        self.residual_or_dropout(Some(x), branch, rate)
    }

    /// `drop(x)`. Without a rate, or where nothing is trained, `x` itself.
    ///
    /// # Errors
    /// Where the rate is not in `[0, 1)`.
    pub fn dropout(&mut self, x: Var, rate: f32) -> Result<Var> {
        if self.dropout_of_next("dropout", rate)?.is_none() {
            return Ok(x);
        }
        self.residual_or_dropout(None, x, rate)
    }

    fn residual_or_dropout(&mut self, x: Option<Var>, branch: Var, rate: f32) -> Result<Var> {
        let dropout = self.dropout_of_next("residual", rate)?;
        let (rows, width) = self.shape(branch);
        let wanted = self.wanted(&[branch]) || x.is_some_and(|x| self.wanted(&[x]));
        let mut y = self.workspace.buffers.take(rows * width);
        let (xs, bs) = (x.map(|x| self.value(x)), self.value(branch));
        match self.workspace.device {
            Device::Reference => reference::pointwise::residual(xs, bs, dropout, &mut y),
            Device::Cpu => cpu::pointwise::residual(xs, bs, dropout, &mut y),
            Device::Cuda => return absent::cuda(),
        }
        let op = Op::Residual(Residual { x, branch, dropout });
        Ok(self.push(op, rows, width, Value::Own(y), wanted))
    }
}

impl Residual {
    pub(crate) fn backward(
        &self,
        backward: &mut Backward<'_, '_>,
        dy: Buffer,
    ) -> Result<Option<Buffer>> {
        if let Some(mut gradient) = backward.take(self.branch) {
            let to = gradient.grad();
            match backward.device {
                Device::Reference => {
                    reference::pointwise::residual_backward(&dy, self.dropout, to);
                }
                Device::Cpu => cpu::pointwise::residual_backward(&dy, self.dropout, to),
                Device::Cuda => return absent::cuda(),
            }
            backward.put(self.branch, Some(gradient));
        }
        Ok(match self.x {
            Some(x) => backward.pass(x, dy),
            None => Some(dy),
        })
    }
}
