//! Layer norm and RMS norm of each row, with or without learned scale and shift.

use super::{Op, grad};
use crate::buffers::{Buffer, Buffers};
use crate::device::Device;
use crate::error::{Result, refused};
use crate::kernel::{absent, cpu, reference};
use crate::tape::{Backward, Tape, Value, Var};

/// Which norm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NormKind {
    /// Mean out, then divided by the standard deviation.
    Layer,
    /// Divided by the root of the mean square.
    Rms,
}

#[derive(Debug)]
pub(crate) struct Norm {
    x: Var,
    kind: NormKind,
    scale: Option<Var>,
    shift: Option<Var>,
    /// `[rows, 2]`
    stats: Buffer,
}

impl<'a> Tape<'a> {
    /// Normalises each row of `x [rows, width]`; `scale` and `shift` are `[1, width]`. `eps` is
    /// added to the variance.
    ///
    /// # Errors
    /// Where shapes do not fit, or `eps` is below 0.
    pub fn norm(
        &mut self,
        x: Var,
        kind: NormKind,
        eps: f32,
        scale: Option<Var>,
        shift: Option<Var>,
    ) -> Result<Var> {
        let (rows, width) = self.shape(x);
        if eps.is_nan() || eps < 0.0 {
            return refused("norm", format!("eps is at least 0, not {eps}"));
        }
        for affine in [scale, shift].into_iter().flatten() {
            if self.shape(affine) != (1, width) {
                let found = self.shape(affine);
                return refused(
                    "norm",
                    format!("a scale or shift of {found:?} for width {width}"),
                );
            }
        }
        let affine = [scale, shift];
        let wanted =
            self.wanted(&[x]) || affine.into_iter().flatten().any(|var| self.wanted(&[var]));
        let mut y = self.workspace.buffers.take(rows * width);
        let mut stats = self.workspace.buffers.take(rows * 2);
        let xs = self.value(x);
        let [a, b] = affine.map(|var| var.map(|var| self.value(var)));
        match self.workspace.device {
            Device::Reference => {
                reference::norm::forward(width, kind, eps, xs, a, b, &mut y, &mut stats);
            }
            Device::Cpu => cpu::norm::forward(width, kind, eps, xs, a, b, &mut y, &mut stats),
            Device::Cuda => return absent::cuda(),
        }
        let op = Op::Norm(Norm { x, kind, scale, shift, stats });
        Ok(self.push(op, rows, width, Value::Own(y), wanted))
    }
}

impl Norm {
    pub(crate) fn backward(
        &self,
        backward: &mut Backward<'_, '_>,
        dy: Buffer,
    ) -> Result<Option<Buffer>> {
        let (_, width) = backward.shape(self.x);
        let xs = backward.value(self.x);
        let scale = self.scale.map(|scale| backward.value(scale));
        let mut dx = backward.take(self.x);
        let mut dscale = self.scale.and_then(|scale| backward.take(scale));
        let mut dshift = self.shift.and_then(|shift| backward.take(shift));
        let (to_x, to_scale, to_shift) = (grad(&mut dx), grad(&mut dscale), grad(&mut dshift));
        match backward.device {
            Device::Reference => reference::norm::backward(
                width,
                self.kind,
                xs,
                scale,
                &self.stats,
                &dy,
                to_x,
                to_scale,
                to_shift,
            ),
            Device::Cpu => cpu::norm::backward(
                backward.buffers,
                width,
                self.kind,
                xs,
                scale,
                &self.stats,
                &dy,
                to_x,
                to_scale,
                to_shift,
            ),
            Device::Cuda => return absent::cuda(),
        }
        backward.put(self.x, dx);
        for (var, gradient) in [(self.scale, dscale), (self.shift, dshift)] {
            if let Some(var) = var {
                backward.put(var, gradient);
            }
        }
        Ok(Some(dy))
    }

    pub(crate) fn recycle(self, buffers: &mut Buffers) {
        buffers.give(self.stats);
    }
}
