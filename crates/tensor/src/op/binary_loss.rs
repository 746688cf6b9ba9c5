//! Mean binary cross-entropy of logits, each with a weight where wanted.

use super::{Op, pass_made};
use crate::buffers::{Buffer, Buffers};
use crate::device::Device;
use crate::error::{Result, refused};
use crate::kernel::{absent, cpu, reference};
use crate::tape::{Backward, Tape, Value, Var};

#[derive(Debug)]
pub(crate) struct Binary {
    logits: Var,
    /// Gradient of the loss, made with the loss.
    gradient: Buffer,
}

impl<'a> Tape<'a> {
    /// Mean of `-y log σ(x) - (1 - y) log(1 - σ(x))` over `logits` and `labels` (0 to 1) → `[1, 1]`.
    ///
    /// # Errors
    /// Where there is not one label a logit, or a label is outside 0 to 1.
    pub fn binary_loss(&mut self, logits: Var, labels: &[f32]) -> Result<Var> {
        self.binary(logits, labels, None)
    }

    /// As [`Tape::binary_loss`], `Σ weight × loss / Σ weight`: a logit of weight 0 takes no part, and
    /// only ratios of weights matter. Where all are 0 the loss is 0. `labels` and `weights` are in
    /// the layout of the logits, `[rows, width]`.
    ///
    /// # Errors
    /// Where there is not one label and one weight a logit, a label is outside 0 to 1, or a weight
    /// is negative or not finite.
    pub fn weighted_binary_loss(
        &mut self,
        logits: Var,
        labels: &[f32],
        weights: &[f32],
    ) -> Result<Var> {
        self.binary(logits, labels, Some(weights))
    }

    fn binary(&mut self, logits: Var, labels: &[f32], weights: Option<&[f32]>) -> Result<Var> {
        const OP: &str = "binary loss";
        let count = self.value(logits).len();
        if count != labels.len() {
            return refused(OP, format!("{} labels for {count} logits", labels.len()));
        }
        if let Some(label) = labels.iter().find(|label| !(0.0..=1.0).contains(*label)) {
            return refused(OP, format!("a label of {label}, not in 0 to 1"));
        }
        if let Some(weights) = weights {
            if count != weights.len() {
                return refused(OP, format!("{} weights for {count} logits", weights.len()));
            }
            let right = |weight: f32| weight >= 0.0 && weight.is_finite();
            if let Some(weight) = weights.iter().find(|weight| !right(**weight)) {
                return refused(OP, format!("a weight of {weight}, not finite and at least 0"));
            }
        }
        let mut gradient = self.workspace.buffers.take(count);
        let mut y = self.workspace.buffers.take(1);
        let x = self.value(logits);
        y[0] = match self.workspace.device {
            Device::Reference => {
                reference::binary_loss::forward(x, labels, weights, &mut gradient)
            }
            Device::Cpu => cpu::binary_loss::forward(x, labels, weights, &mut gradient),
            Device::Cuda => return absent::cuda(),
        };
        let wanted = self.wanted(&[logits]);
        Ok(self.push(Op::Binary(Binary { logits, gradient }), 1, 1, Value::Own(y), wanted))
    }
}

impl Binary {
    pub(crate) fn backward(
        &mut self,
        backward: &mut Backward<'_, '_>,
        dy: Buffer,
    ) -> Result<Option<Buffer>> {
        pass_made(backward, self.logits, &mut self.gradient, dy[0]);
        Ok(Some(dy))
    }

    pub(crate) fn recycle(self, buffers: &mut Buffers) {
        buffers.give(self.gradient);
    }
}
