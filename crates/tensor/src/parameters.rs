//! What a model learns: tensors under stable names, in a fixed order.

use crate::error::{Result, refused};
use crate::tensor::Tensor;

/// Place of a parameter among its model's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(clippy::disallowed_methods, reason = "derived on an integer: a total order")]
pub struct ParameterId(pub(crate) u32);

impl ParameterId {
    /// As an index into the order of [`Parameters::iter`].
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// Named tensors.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Parameters {
    entries: Vec<(String, Tensor)>,
}

impl Parameters {
    /// None yet.
    pub fn new() -> Parameters {
        Parameters::default()
    }

    /// Adds one.
    ///
    /// # Errors
    /// Where the name is taken, or it has no columns.
    pub fn add(&mut self, name: impl Into<String>, tensor: Tensor) -> Result<ParameterId> {
        let name = name.into();
        if self.find(&name).is_some() {
            return refused("parameters", format!("two are called {name:?}"));
        }
        if tensor.width() == 0 {
            return refused("parameters", format!("{name:?} has no columns"));
        }
        let id = ParameterId(self.entries.len() as u32);
        self.entries.push((name, tensor));
        Ok(id)
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Numbers in all.
    pub fn count(&self) -> usize {
        self.entries.iter().map(|(_, tensor)| tensor.values().len()).sum()
    }

    /// By place.
    ///
    /// # Panics
    /// Where the id is of another model.
    pub fn get(&self, id: ParameterId) -> &Tensor {
        &self.entries[id.index()].1
    }

    /// By place, to be changed.
    ///
    /// # Panics
    /// Where the id is of another model.
    pub fn get_mut(&mut self, id: ParameterId) -> &mut Tensor {
        &mut self.entries[id.index()].1
    }

    /// By name.
    pub fn find(&self, name: &str) -> Option<ParameterId> {
        let at = self.entries.iter().position(|(known, _)| known == name)?;
        Some(ParameterId(at as u32))
    }

    /// The name of a parameter.
    ///
    /// # Panics
    /// Where the id is of another model.
    pub fn name(&self, id: ParameterId) -> &str {
        &self.entries[id.index()].0
    }

    /// All, in their order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (ParameterId, &str, &Tensor)> {
        let entries = self.entries.iter().enumerate();
        entries.map(|(at, (name, tensor))| (ParameterId(at as u32), name.as_str(), tensor))
    }
}
