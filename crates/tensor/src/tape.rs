//! The tape: a forward pass is written down layer by layer, and read backwards for gradients.
//!
//! A node is a whole layer (linear with bias and activation, attention, a loss), so a step has
//! some tens of them and the tape itself costs nothing that could be measured. Every value is a
//! matrix `[rows, width]`; jagged rows are the same matrix with [`crate::Offsets`] beside it.
//!
//! ```
//! use tensor::{Activation, Device, Parameters, Tape, Tensor, Workspace};
//! # fn main() -> tensor::Result<()> {
//! let mut parameters = Parameters::new();
//! let weight = parameters.add("weight", Tensor::new(2, 1, vec![3.0, -1.0])?)?;
//! let mut workspace = Workspace::new(Device::Cpu);
//! let mut tape = Tape::training(&parameters, &mut workspace, 7);
//! let x = tape.constant(&[1.0, 2.0], 2)?;            // [1, 2]
//! let w = tape.parameter(weight);                     // [2, 1]
//! let y = tape.linear(x, w, None, Activation::None)?; // [1, 1]
//! assert_eq!(tape.value(y), &[1.0]);
//! let gradients = tape.backward(y)?;
//! assert_eq!(gradients.of(weight), Some(&[1.0, 2.0][..]));
//! # Ok(())
//! # }
//! ```

mod backward;
mod gradients;
mod recompute;

use crate::buffers::{Buffer, Buffers};
use crate::device::Device;
use crate::error::{Error, Result, refused};
use crate::meter::Meter;
use crate::op::Op;
use crate::parameters::{ParameterId, Parameters};
use crate::random::{Dropout, stream};

pub(crate) use backward::{Backward, Gradient};
pub use gradients::Gradients;
pub use recompute::Part;
pub(crate) use recompute::Recomputed;

/// A value on a tape.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Var(u32);

impl Var {
    pub(crate) fn index(self) -> usize {
        self.0 as usize
    }
}

/// What steps share: the device, memory that is used again, and the meter.
#[derive(Debug, Default)]
pub struct Workspace {
    /// Which kernels compute.
    pub device: Device,
    /// Memory.
    pub buffers: Buffers,
    /// What it cost.
    pub meter: Meter,
}

impl Workspace {
    /// Nothing allocated yet.
    pub fn new(device: Device) -> Workspace {
        Workspace { device, ..Workspace::default() }
    }
}

/// Where a node's value lies.
#[derive(Debug)]
pub(crate) enum Value<'a> {
    Own(Buffer),
    Lent(&'a [f32]),
    /// Its reader is gone and it was given back.
    Gone,
}

#[derive(Debug)]
pub(crate) struct Node<'a> {
    pub(crate) op: Op<'a>,
    pub(crate) rows: usize,
    pub(crate) width: usize,
    pub(crate) value: Value<'a>,
    /// Whether a gradient is wanted here.
    pub(crate) wanted: bool,
    scope: &'a str,
}

/// One forward pass.
#[derive(Debug)]
pub struct Tape<'a> {
    parameters: &'a Parameters,
    pub(crate) workspace: &'a mut Workspace,
    pub(crate) nodes: Vec<Node<'a>>,
    /// Variable of each parameter that was asked for.
    asked: Vec<Option<Var>>,
    scope: &'a str,
    /// Seed of the step's dropout; none: nothing is dropped and no gradient wanted.
    seed: Option<u64>,
}

impl<'a> Tape<'a> {
    /// A pass that gradients will be asked of. `seed` is the step's: dropout masks come of it.
    pub fn training(
        parameters: &'a Parameters,
        workspace: &'a mut Workspace,
        seed: u64,
    ) -> Tape<'a> {
        Tape::new(parameters, workspace, Some(seed))
    }

    /// A pass for answers only: nothing is dropped, no gradient is kept ready.
    pub fn inference(parameters: &'a Parameters, workspace: &'a mut Workspace) -> Tape<'a> {
        Tape::new(parameters, workspace, None)
    }

    fn new(
        parameters: &'a Parameters,
        workspace: &'a mut Workspace,
        seed: Option<u64>,
    ) -> Tape<'a> {
        let asked = vec![None; parameters.len()];
        let nodes = Vec::with_capacity(64);
        Tape { parameters, workspace, nodes, asked, scope: "", seed }
    }

    /// Names the part of the model that the next nodes belong to, for errors.
    pub fn scope(&mut self, scope: &'a str) {
        self.scope = scope;
    }

    /// A parameter, `[rows, width]`.
    pub fn parameter(&mut self, id: ParameterId) -> Var {
        if let Some(var) = self.asked[id.index()] {
            return var;
        }
        let tensor = self.parameters.get(id);
        let wanted = self.seed.is_some();
        let var = self.push(
            Op::Parameter(id),
            tensor.rows(),
            tensor.width(),
            Value::Lent(tensor.values()),
            wanted,
        );
        self.asked[id.index()] = Some(var);
        var
    }

    /// Values that no gradient is wanted of.
    ///
    /// # Errors
    /// Where they are not whole rows of `width`.
    pub fn constant(&mut self, values: &'a [f32], width: usize) -> Result<Var> {
        self.lent(values, width, false)
    }

    /// Values that are looked up outside, embedding rows above all, and whose gradient goes back
    /// there ([`Gradients::leaf`]).
    ///
    /// # Errors
    /// Where they are not whole rows of `width`.
    pub fn leaf(&mut self, values: &'a [f32], width: usize) -> Result<Var> {
        self.lent(values, width, self.seed.is_some())
    }

    fn lent(&mut self, values: &'a [f32], width: usize, wanted: bool) -> Result<Var> {
        if width == 0 || !values.len().is_multiple_of(width) {
            return refused("leaf", format!("{} values in rows of {width}", values.len()));
        }
        let rows = values.len() / width;
        Ok(self.push(Op::Leaf, rows, width, Value::Lent(values), wanted))
    }

    /// The value of a variable, `[rows, width]`.
    pub fn value(&self, var: Var) -> &[f32] {
        self.nodes[var.index()].values()
    }

    /// Rows and width of a variable.
    pub fn shape(&self, var: Var) -> (usize, usize) {
        let node = &self.nodes[var.index()];
        (node.rows, node.width)
    }

    /// Whether gradients will be asked of it.
    pub fn is_training(&self) -> bool {
        self.seed.is_some()
    }

    /// The dropout of the next node: its own stream of the step's seed.
    pub(crate) fn dropout_of_next(&self, op: &'static str, rate: f32) -> Result<Dropout> {
        if !(0.0..1.0).contains(&rate) {
            return refused(op, format!("a dropout rate lies in [0, 1), not at {rate}"));
        }
        Ok(match self.seed {
            Some(seed) if rate > 0.0 => {
                Dropout::new(rate, stream(seed, self.nodes.len() as u64))
            }
            _ => Dropout::NONE,
        })
    }

    /// Whether a gradient is wanted of any of these.
    pub(crate) fn wanted(&self, of: &[Var]) -> bool {
        of.iter().any(|var| self.nodes[var.index()].wanted)
    }

    /// Writes a node down.
    pub(crate) fn push(
        &mut self,
        op: Op<'a>,
        rows: usize,
        width: usize,
        value: Value<'a>,
        wanted: bool,
    ) -> Var {
        let var = Var(self.nodes.len() as u32);
        self.nodes.push(Node { op, rows, width, value, wanted, scope: self.scope });
        var
    }

    /// The first value that is no finite number, by node. Asked when a loss is none.
    pub fn first_not_finite(&self) -> Option<Error> {
        self.nodes.iter().find_map(|node| {
            let at = node.values().iter().position(|value| !value.is_finite())?;
            Some(node.not_finite("value", at))
        })
    }
}

impl Node<'_> {
    pub(crate) fn values(&self) -> &[f32] {
        match &self.value {
            Value::Own(buffer) => buffer,
            Value::Lent(values) => values,
            Value::Gone => &[],
        }
    }

    /// An error about its value or gradient at flat place `at`.
    pub(crate) fn not_finite(&self, what: &'static str, at: usize) -> Error {
        let dot = if self.scope.is_empty() { "" } else { "." };
        Error::NotFinite {
            node: format!("{}{dot}{}", self.scope, self.op.name()),
            what,
            row: at / self.width.max(1),
            column: at % self.width.max(1),
        }
    }
}

impl Drop for Tape<'_> {
    /// Memory goes back for the next step.
    fn drop(&mut self) {
        for node in self.nodes.drain(..) {
            if let Value::Own(buffer) = node.value {
                self.workspace.buffers.give(buffer);
            }
            node.op.recycle(&mut self.workspace.buffers);
        }
    }
}
