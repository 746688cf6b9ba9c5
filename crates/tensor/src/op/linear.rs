//! A linear layer with bias and activation: y = act(x W + b).

use super::{Activation, Op, grad};
use crate::buffers::{Buffer, Buffers};
use crate::device::Device;
use crate::error::{Result, refused};
use crate::kernel::{absent, cpu, reference};
use crate::tape::{Backward, Tape, Value, Var};

/// Sizes of a linear layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LinearShape {
    /// Rows of x and y.
    pub rows: usize,
    /// Columns of x, rows of the weight.
    pub input: usize,
    /// Columns of the weight and of y.
    pub output: usize,
}

impl LinearShape {
    /// Operations of one product of this shape.
    pub fn flops(self) -> u64 {
        2 * self.rows as u64 * self.input as u64 * self.output as u64
    }
}

#[derive(Debug)]
pub(crate) struct Linear {
    x: Var,
    weight: Var,
    bias: Option<Var>,
    activation: Activation,
    /// The value before the activation, where its slope needs that.
    before: Option<Buffer>,
}

impl<'a> Tape<'a> {
    /// `act(x W + b)`: `x [rows, in]`, `weight [in, out]`, `bias [1, out]` → `[rows, out]`.
    ///
    /// # Errors
    /// Where shapes do not fit.
    pub fn linear(
        &mut self,
        x: Var,
        weight: Var,
        bias: Option<Var>,
        activation: Activation,
    ) -> Result<Var> {
        let ((rows, input), (inner, output)) = (self.shape(x), self.shape(weight));
        if input != inner {
            return refused("linear", format!("[{rows}, {input}] × [{inner}, {output}]"));
        }
        if let Some(bias) = bias
            && self.shape(bias) != (1, output)
        {
            let (rows, width) = self.shape(bias);
            return refused(
                "linear",
                format!("a bias of [{rows}, {width}] for {output} columns"),
            );
        }
        let shape = LinearShape { rows, input, output };
        let wanted = self.wanted(&[x, weight]) || bias.is_some_and(|bias| self.wanted(&[bias]));
        let mut y = self.workspace.buffers.take(rows * output);
        let mut before = (wanted && activation.keeps_input())
            .then(|| self.workspace.buffers.take(rows * output));
        let (xs, ws) = (self.value(x), self.value(weight));
        let bs = bias.map(|bias| self.value(bias));
        let kept = before.as_deref_mut();
        match self.workspace.device {
            Device::Reference => {
                reference::linear::forward(shape, xs, ws, bs, activation, &mut y, kept);
            }
            Device::Cpu => {
                let meter = &self.workspace.meter;
                cpu::linear::forward(meter, shape, xs, ws, bs, activation, &mut y, kept);
            }
            Device::Cuda => return absent::cuda(),
        }
        let op = Op::Linear(Linear { x, weight, bias, activation, before });
        Ok(self.push(op, rows, output, Value::Own(y), wanted))
    }
}

impl Linear {
    pub(crate) fn backward(
        &self,
        backward: &mut Backward<'_, '_>,
        own: Var,
        mut dy: Buffer,
    ) -> Result<Option<Buffer>> {
        let ((rows, input), (_, output)) =
            (backward.shape(self.x), backward.shape(self.weight));
        let shape = LinearShape { rows, input, output };
        let (xs, ws) = (backward.value(self.x), backward.value(self.weight));
        let known = self.before.as_deref().unwrap_or(backward.value(own));
        let mut dx = backward.take(self.x);
        let mut dweight = backward.take(self.weight);
        let mut dbias = self.bias.and_then(|bias| backward.take(bias));
        let (to_x, to_weight, to_bias) = (grad(&mut dx), grad(&mut dweight), grad(&mut dbias));
        match backward.device {
            Device::Reference => reference::linear::backward(
                shape,
                xs,
                ws,
                self.activation,
                known,
                &dy,
                to_x,
                to_weight,
                to_bias,
            ),
            Device::Cpu => cpu::linear::backward(
                backward.meter,
                backward.buffers,
                shape,
                xs,
                ws,
                self.activation,
                known,
                &mut dy,
                to_x,
                to_weight,
                to_bias,
            ),
            Device::Cuda => return absent::cuda(),
        }
        backward.put(self.x, dx);
        backward.put(self.weight, dweight);
        if let Some(bias) = self.bias {
            backward.put(bias, dbias);
        }
        Ok(Some(dy))
    }

    pub(crate) fn recycle(self, buffers: &mut Buffers) {
        if let Some(before) = self.before {
            buffers.give(before);
        }
    }
}
