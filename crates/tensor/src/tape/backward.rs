//! Reading a tape backwards.

use super::{Gradients, Node, Tape, Value, Var};
use crate::buffers::{Buffer, Buffers};
use crate::device::Device;
use crate::error::{Result, refused};
use crate::meter::Meter;
use crate::op::Op;

/// The gradient of one variable on its way: a layer either writes it or adds to it.
#[derive(Debug)]
pub(crate) struct Gradient {
    pub(crate) buffer: Buffer,
    /// Whether another reader of the variable has written already.
    pub(crate) accumulate: bool,
}

/// What a layer's backward sees.
pub(crate) struct Backward<'t, 'a> {
    pub(crate) device: Device,
    pub(crate) meter: &'t Meter,
    pub(crate) buffers: &'t mut Buffers,
    nodes: &'t [Node<'a>],
    gradients: Vec<Option<Buffer>>,
}

impl<'t> Backward<'t, '_> {
    pub(crate) fn value(&self, var: Var) -> &'t [f32] {
        self.nodes[var.index()].values()
    }

    pub(crate) fn shape(&self, var: Var) -> (usize, usize) {
        let node = &self.nodes[var.index()];
        (node.rows, node.width)
    }

    /// The gradient of `var`, where one is wanted. Give it back with [`Backward::put`].
    pub(crate) fn take(&mut self, var: Var) -> Option<Gradient> {
        let node = &self.nodes[var.index()];
        if !node.wanted {
            return None;
        }
        Some(match self.gradients[var.index()].take() {
            Some(buffer) => Gradient { buffer, accumulate: true },
            None => {
                let buffer = self.buffers.take(node.rows * node.width);
                Gradient { buffer, accumulate: false }
            }
        })
    }

    /// What a layer wrote. One variable may be several inputs of a layer and was taken as often:
    /// then the parts are added up.
    pub(crate) fn put(&mut self, var: Var, gradient: Option<Gradient>) {
        let Some(Gradient { buffer, .. }) = gradient else { return };
        if let Some(left) = self.pass(var, buffer) {
            self.buffers.give(left);
        }
    }

    /// `gradient` is the whole gradient that flows into `var`: it is added, or, where it is the
    /// first, becomes it without a copy.
    pub(crate) fn pass(&mut self, var: Var, gradient: Buffer) -> Option<Buffer> {
        if !self.nodes[var.index()].wanted {
            return Some(gradient);
        }
        match &mut self.gradients[var.index()] {
            empty @ None => {
                *empty = Some(gradient);
                None
            }
            Some(sum) => {
                crate::op::add_into(self.device, sum, &gradient);
                Some(gradient)
            }
        }
    }
}

impl Tape<'_> {
    /// Gradients of `of`, a `[1, 1]` value, with respect to every parameter and leaf.
    ///
    /// # Errors
    /// Where `of` is not one number, or the pass was for inference.
    pub fn backward(self, of: Var) -> Result<Gradients> {
        self.backward_checked(of, false)
    }

    /// As [`Tape::backward`], and every gradient on the way is looked at.
    ///
    /// # Errors
    /// As [`Tape::backward`]; also the first node (from the loss backwards) whose gradient is no
    /// finite number.
    pub fn backward_checked(self, of: Var, check: bool) -> Result<Gradients> {
        if self.shape(of) != (1, 1) {
            let (rows, width) = self.shape(of);
            return refused(
                "backward",
                format!("starts at one number, not at [{rows}, {width}]"),
            );
        }
        if !self.is_training() {
            return refused("backward", "this pass was for inference");
        }
        let mut seed = self.workspace.buffers.take(1);
        seed[0] = 1.0;
        self.backward_from(of, seed, check)
    }

    /// Gradients of `Σ dy ⊙ of`.
    pub(crate) fn backward_from(
        mut self,
        of: Var,
        dy: Buffer,
        check: bool,
    ) -> Result<Gradients> {
        let mut nodes = std::mem::take(&mut self.nodes);
        let mut result = Gradients {
            parameters: (0..self.parameters.len()).map(|_| None).collect(),
            leaves: Vec::new(),
        };
        let workspace = &mut *self.workspace;
        let mut gradients: Vec<Option<Buffer>> = (0..nodes.len()).map(|_| None).collect();
        gradients[of.index()] = Some(dy);
        let mut failed = None;
        for at in (0..nodes.len()).rev() {
            let Some(gradient) = gradients[at].take() else { continue };
            if check
                && failed.is_none()
                && let Some(place) = gradient.iter().position(|value| !value.is_finite())
            {
                failed = Some(nodes[at].not_finite("gradient", place));
            }
            match nodes[at].op {
                Op::Parameter(id) => {
                    match &mut result.parameters[id.index()] {
                        // A recomputed part has used it too.
                        Some(sum) => {
                            crate::op::add_into(workspace.device, sum, &gradient);
                            workspace.buffers.give(gradient);
                        }
                        empty @ None => *empty = Some(gradient),
                    }
                    continue;
                }
                Op::Leaf if nodes[at].wanted => {
                    result.leaves.push((Var(at as u32), gradient));
                    continue;
                }
                _ => {}
            }
            // It may hand over what it saved instead of copying it.
            let mut op = std::mem::replace(&mut nodes[at].op, Op::Leaf);
            if let Op::Recomputed(part) = &op {
                let parameters = self.parameters;
                let found =
                    part.backward(parameters, workspace, &nodes, gradient, check, &mut result)?;
                if let Some((x, dx)) = found {
                    match &mut gradients[x.index()] {
                        Some(sum) => {
                            crate::op::add_into(workspace.device, sum, &dx);
                            workspace.buffers.give(dx);
                        }
                        empty @ None => *empty = Some(dx),
                    }
                }
                if let Value::Own(buffer) = std::mem::replace(&mut nodes[at].value, Value::Gone)
                {
                    workspace.buffers.give(buffer);
                }
                continue;
            }
            let mut backward = Backward {
                device: workspace.device,
                meter: &workspace.meter,
                buffers: &mut workspace.buffers,
                nodes: &nodes,
                gradients,
            };
            let left = op.backward(&mut backward, Var(at as u32), gradient)?;
            gradients = backward.gradients;
            op.recycle(&mut workspace.buffers);
            if let Some(buffer) = left {
                workspace.buffers.give(buffer);
            }
            // All who read this value came later and are done.
            if let Value::Own(buffer) = std::mem::replace(&mut nodes[at].value, Value::Gone) {
                workspace.buffers.give(buffer);
            }
        }
        self.nodes = nodes; // what no gradient reached goes back when the tape is dropped
        match failed {
            None => Ok(result),
            Some(error) => {
                result.recycle(&mut self.workspace.buffers);
                Err(error)
            }
        }
    }
}
