//! Rows by index: how embedding rows and positions enter.

use super::Op;
use crate::buffers::Buffer;
use crate::device::Device;
use crate::error::{Result, refused};
use crate::kernel::{absent, cpu, reference};
use crate::tape::{Backward, Tape, Value, Var};

#[derive(Debug)]
pub(crate) struct Gather<'a> {
    rows: Var,
    index: &'a [u32],
    scale: f32,
}

impl<'a> Tape<'a> {
    /// `scale × rows[index]`: `rows [n, width]` → `[index.len(), width]`. The gradient of a row is
    /// the sum over the tokens that took it, in their order.
    ///
    /// # Errors
    /// Where an index is not below the number of rows.
    pub fn gather(&mut self, rows: Var, index: &'a [u32], scale: f32) -> Result<Var> {
        let (count, width) = self.shape(rows);
        if let Some(row) = index.iter().find(|row| **row as usize >= count) {
            return refused("gather", format!("row {row} of {count}"));
        }
        let wanted = self.wanted(&[rows]);
        let mut y = self.workspace.buffers.take(index.len() * width);
        let from = self.value(rows);
        match self.workspace.device {
            Device::Reference => reference::gather::forward(width, scale, from, index, &mut y),
            Device::Cpu => cpu::gather::forward(width, scale, from, index, &mut y),
            Device::Cuda => return absent::cuda(),
        }
        let op = Op::Gather(Gather { rows, index, scale });
        Ok(self.push(op, index.len(), width, Value::Own(y), wanted))
    }
}

impl Gather<'_> {
    pub(crate) fn backward(
        &self,
        backward: &mut Backward<'_, '_>,
        dy: Buffer,
    ) -> Result<Option<Buffer>> {
        let (_, width) = backward.shape(self.rows);
        if let Some(mut gradient) = backward.take(self.rows) {
            let to = gradient.grad();
            match backward.device {
                Device::Reference => {
                    reference::gather::backward(width, self.scale, self.index, &dy, to);
                }
                Device::Cpu => cpu::gather::backward(width, self.scale, self.index, &dy, to),
                Device::Cuda => return absent::cuda(),
            }
            backward.put(self.rows, Some(gradient));
        }
        Ok(Some(dy))
    }
}
