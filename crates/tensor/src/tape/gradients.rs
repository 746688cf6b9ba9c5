//! What comes back of a backward pass.

use super::Var;
use crate::buffers::{Buffer, Buffers};
use crate::parameters::ParameterId;

/// Gradients of parameters and leaves. Give the memory back with [`Gradients::recycle`].
#[derive(Debug, Default)]
pub struct Gradients {
    pub(super) parameters: Vec<Option<Buffer>>,
    pub(super) leaves: Vec<(Var, Buffer)>,
}

impl Gradients {
    /// Gradient of a parameter, in its shape; none where the loss does not depend on it.
    pub fn of(&self, id: ParameterId) -> Option<&[f32]> {
        self.parameters.get(id.index())?.as_deref()
    }

    /// Gradient of a leaf; none where the loss does not depend on it.
    pub fn leaf(&self, var: Var) -> Option<&[f32]> {
        self.leaves.iter().find(|(leaf, _)| *leaf == var).map(|(_, gradient)| &**gradient)
    }

    /// All gradients, to be changed (clipped).
    pub fn all_mut(&mut self) -> impl Iterator<Item = &mut [f32]> {
        let parameters = self.parameters.iter_mut().flatten();
        parameters
            .chain(self.leaves.iter_mut().map(|(_, leaf)| leaf))
            .map(|buffer| &mut **buffer)
    }

    /// All gradients.
    pub fn all(&self) -> impl Iterator<Item = &[f32]> {
        let parameters = self.parameters.iter().flatten();
        parameters.chain(self.leaves.iter().map(|(_, leaf)| leaf)).map(|buffer| &**buffer)
    }

    /// Memory for the next step.
    pub fn recycle(self, buffers: &mut Buffers) {
        let leaves = self.leaves.into_iter().map(|(_, buffer)| buffer);
        for buffer in self.parameters.into_iter().flatten().chain(leaves) {
            buffers.give(buffer);
        }
    }
}
