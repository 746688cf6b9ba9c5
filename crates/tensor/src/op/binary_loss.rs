//! Mean binary cross-entropy of logits.

use super::{Op, pass_made};
use crate::buffers::{Buffer, Buffers};
use crate::error::{Result, refused};
use crate::kernel::reference;
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
        let count = self.value(logits).len();
        if count != labels.len() {
            return refused(
                "binary loss",
                format!("{} labels for {count} logits", labels.len()),
            );
        }
        if let Some(label) = labels.iter().find(|label| !(0.0..=1.0).contains(*label)) {
            return refused("binary loss", format!("a label of {label}, not in 0 to 1"));
        }
        let mut gradient = self.workspace.buffers.take(count);
        let mut y = self.workspace.buffers.take(1);
        y[0] = reference::binary_loss::forward(self.value(logits), labels, &mut gradient);
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
