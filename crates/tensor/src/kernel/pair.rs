//! Two tensors at once, so that an operation of two and its gradients stay readable calls.

/// Two tensors to read. Each operation names their shapes.
#[derive(Debug, Clone, Copy)]
pub struct Pair<'a, F = f32> {
    /// The first.
    pub left: &'a [F],
    /// The second.
    pub right: &'a [F],
}

/// Two tensors to write, in the shapes of those that are read: gradients of both operands, or
/// both parts of a split.
#[derive(Debug)]
pub struct PairMut<'a, F = f32> {
    /// The first.
    pub left: &'a mut [F],
    /// The second.
    pub right: &'a mut [F],
}
