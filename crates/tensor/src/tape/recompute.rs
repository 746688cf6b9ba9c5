//! A part of a pass of which only the input is kept: on the way back it is computed again.
//!
//! Chen et al. 2016 (arXiv 1604.06174). Memory of a deep model falls from all values of all its
//! blocks to one value a block and all of one block, for one more forward pass.

use std::fmt::Debug;

use super::{Gradients, Node, Tape, Value, Var};
use crate::buffers::Buffer;
use crate::error::Result;
use crate::op::{Op, add_into};
use crate::parameters::Parameters;
use crate::tape::Workspace;

/// Layers from one value to another, such as a block of a model. Called twice, they must write
/// down the same.
pub trait Part: Debug {
    /// Writes the layers down; `x` is the only value from outside, parameters aside.
    ///
    /// # Errors
    /// As the layers'.
    fn forward<'s>(&'s self, tape: &mut Tape<'s>, x: Var) -> Result<Var>;
}

/// What the tape keeps of a part.
#[derive(Debug)]
pub(crate) struct Recomputed<'a> {
    part: Box<dyn Part + 'a>,
    x: Var,
    /// Of the part's dropout; none: nothing is dropped.
    seed: Option<u64>,
}

impl<'a> Tape<'a> {
    /// The value that `part` makes of `x`, of which nothing else is kept.
    ///
    /// # Errors
    /// As the part's layers.
    pub fn recomputed(&mut self, x: Var, part: impl Part + 'a) -> Result<Var> {
        // A stream of seeds that is the part's own.
        let place = (self.nodes.len() as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let seed = self.seed.map(|seed| seed.wrapping_add(place));
        let (rows, width, value) = {
            let Tape { parameters, workspace, nodes, scope, .. } = &mut *self;
            let node = &nodes[x.index()];
            let mut inner = Tape::new(parameters, workspace, seed);
            inner.scope(scope);
            let given = inner.lent(node.values(), node.width, false)?;
            let y = part.forward(&mut inner, given)?;
            let (rows, width) = inner.shape(y);
            (rows, width, inner.take(y))
        };
        let op = Op::Recomputed(Recomputed { part: Box::new(part), x, seed });
        // Its parameters want gradients, whether x does or not.
        let wanted = self.is_training();
        Ok(self.push(op, rows, width, Value::Own(value), wanted))
    }

    /// The value of `var`, which is gone from the tape.
    fn take(&mut self, var: Var) -> Buffer {
        match std::mem::replace(&mut self.nodes[var.index()].value, Value::Gone) {
            Value::Own(buffer) => buffer,
            Value::Lent(values) => {
                let mut buffer = self.workspace.buffers.take(values.len());
                buffer.copy_from_slice(values);
                buffer
            }
            Value::Gone => self.workspace.buffers.take(0),
        }
    }
}

impl Recomputed<'_> {
    /// Sends `dy` on: to parameters, added to `gradients`, and to the input, whose part comes
    /// back with its variable where it is wanted.
    pub(crate) fn backward(
        &self,
        parameters: &Parameters,
        workspace: &mut Workspace,
        nodes: &[Node<'_>],
        dy: Buffer,
        check: bool,
        gradients: &mut Gradients,
    ) -> Result<Option<(Var, Buffer)>> {
        let node = &nodes[self.x.index()];
        let mut inner = Tape::new(parameters, &mut *workspace, self.seed);
        inner.scope(node.scope);
        let x = inner.lent(node.values(), node.width, node.wanted)?;
        let y = self.part.forward(&mut inner, x)?;
        let found = inner.backward_from(y, dy, check)?;
        let device = workspace.device;
        for (sum, more) in gradients.parameters.iter_mut().zip(found.parameters) {
            let Some(more) = more else { continue };
            match sum {
                Some(sum) => {
                    add_into(device, sum, &more);
                    workspace.buffers.give(more);
                }
                None => *sum = Some(more),
            }
        }
        let mut leaves = found.leaves;
        Ok(leaves.pop().map(|(_, dx)| (self.x, dx)))
    }
}
