//! Element-wise product.

use super::Op;
use crate::buffers::Buffer;
use crate::device::Device;
use crate::error::{Result, refused};
use crate::kernel::{absent, cpu, reference};
use crate::tape::{Backward, Tape, Value, Var};

#[derive(Debug)]
pub(crate) struct Multiply {
    left: Var,
    right: Var,
}

impl<'a> Tape<'a> {
    /// `left ⊙ right`, of one shape.
    ///
    /// # Errors
    /// Where shapes differ.
    pub fn multiply(&mut self, left: Var, right: Var) -> Result<Var> {
        let (rows, width) = self.shape(left);
        if self.shape(right) != (rows, width) {
            let right = self.shape(right);
            return refused("multiply", format!("[{rows}, {width}] by {right:?}"));
        }
        let wanted = self.wanted(&[left, right]);
        let mut y = self.workspace.buffers.take(rows * width);
        let (a, b) = (self.value(left), self.value(right));
        match self.workspace.device {
            Device::Reference => reference::pointwise::multiply(a, b, &mut y),
            Device::Cpu => cpu::pointwise::multiply(a, b, &mut y),
            Device::Cuda => return absent::cuda(),
        }
        let op = Op::Multiply(Multiply { left, right });
        Ok(self.push(op, rows, width, Value::Own(y), wanted))
    }
}

impl Multiply {
    pub(crate) fn backward(
        &self,
        backward: &mut Backward<'_, '_>,
        dy: Buffer,
    ) -> Result<Option<Buffer>> {
        for (var, other) in [(self.left, self.right), (self.right, self.left)] {
            let other = backward.value(other);
            if let Some(mut gradient) = backward.take(var) {
                let to = gradient.grad();
                match backward.device {
                    Device::Reference => {
                        reference::pointwise::multiply_backward(other, &dy, to);
                    }
                    Device::Cpu => cpu::pointwise::multiply_backward(other, &dy, to),
                    Device::Cuda => return absent::cuda(),
                }
                backward.put(var, Some(gradient));
            }
        }
        Ok(Some(dy))
    }
}
