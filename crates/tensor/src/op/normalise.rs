//! Rows of length one (L2).

use super::Op;
use crate::buffers::{Buffer, Buffers};
use crate::device::Device;
use crate::error::{Result, refused};
use crate::kernel::{absent, cpu, reference};
use crate::tape::{Backward, Tape, Value, Var};

#[derive(Debug)]
pub(crate) struct Normalise {
    x: Var,
    eps: f32,
    /// `[rows]`
    lengths: Buffer,
}

impl<'a> Tape<'a> {
    /// Divides each row of `x` by its length, or by `eps` where that is larger.
    ///
    /// # Errors
    /// Where `eps` is not above 0.
    pub fn normalise(&mut self, x: Var, eps: f32) -> Result<Var> {
        if eps.is_nan() || eps <= 0.0 {
            return refused("normalise", format!("eps is above 0, not {eps}"));
        }
        let (rows, width) = self.shape(x);
        let wanted = self.wanted(&[x]);
        let mut y = self.workspace.buffers.take(rows * width);
        let mut lengths = self.workspace.buffers.take(rows);
        let xs = self.value(x);
        match self.workspace.device {
            Device::Reference => {
                reference::pointwise::normalise(width, eps, xs, &mut y, &mut lengths);
            }
            Device::Cpu => cpu::pointwise::normalise(width, eps, xs, &mut y, &mut lengths),
            Device::Cuda => return absent::cuda(),
        }
        let op = Op::Normalise(Normalise { x, eps, lengths });
        Ok(self.push(op, rows, width, Value::Own(y), wanted))
    }
}

impl Normalise {
    pub(crate) fn backward(
        &self,
        backward: &mut Backward<'_, '_>,
        own: Var,
        dy: Buffer,
    ) -> Result<Option<Buffer>> {
        let (_, width) = backward.shape(self.x);
        let y = backward.value(own);
        if let Some(mut gradient) = backward.take(self.x) {
            let to = gradient.grad();
            let (eps, lengths) = (self.eps, &*self.lengths);
            match backward.device {
                Device::Reference => {
                    reference::pointwise::normalise_backward(width, eps, y, lengths, &dy, to);
                }
                Device::Cpu => {
                    cpu::pointwise::normalise_backward(width, eps, y, lengths, &dy, to);
                }
                Device::Cuda => return absent::cuda(),
            }
            backward.put(self.x, Some(gradient));
        }
        Ok(Some(dy))
    }

    pub(crate) fn recycle(self, buffers: &mut Buffers) {
        buffers.give(self.lengths);
    }
}
