//! Σ weight × value: several losses into one, a mean, a probe of a gradient.

use super::Op;
use crate::buffers::Buffer;
use crate::error::{Result, refused};
use crate::kernel::reference::pointwise;
use crate::tape::{Backward, Tape, Value, Var};

#[derive(Debug)]
pub(crate) struct WeightedSum<'a> {
    x: Var,
    weights: &'a [f32],
}

impl<'a> Tape<'a> {
    /// `Σ weights ⊙ x` → `[1, 1]`.
    ///
    /// # Errors
    /// Where there is not one weight a value.
    pub fn weighted_sum(&mut self, x: Var, weights: &'a [f32]) -> Result<Var> {
        let values = self.value(x);
        if values.len() != weights.len() {
            let (values, weights) = (values.len(), weights.len());
            return refused("weighted sum", format!("{weights} weights for {values} values"));
        }
        let sum = pointwise::weighted_sum(values, weights);
        let wanted = self.wanted(&[x]);
        let mut y = self.workspace.buffers.take(1);
        y[0] = sum;
        let op = Op::WeightedSum(WeightedSum { x, weights });
        Ok(self.push(op, 1, 1, Value::Own(y), wanted))
    }
}

impl WeightedSum<'_> {
    pub(crate) fn backward(
        &self,
        backward: &mut Backward<'_, '_>,
        dy: Buffer,
    ) -> Result<Option<Buffer>> {
        if let Some(mut gradient) = backward.take(self.x) {
            pointwise::weighted_sum_backward(self.weights, dy[0], gradient.grad());
            backward.put(self.x, Some(gradient));
        }
        Ok(Some(dy))
    }
}
