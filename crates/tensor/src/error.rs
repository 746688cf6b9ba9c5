//! What can go wrong with tensors, in words that name the operation and the shapes.

/// Result of everything in this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// One error of this crate. Messages are lowercase.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Shapes, offsets or indices that do not fit together.
    #[error("{op}: {what}")]
    Shape {
        /// The operation that refused.
        op: &'static str,
        /// What it got and what it needs.
        what: String,
    },
    /// A value that is no finite number, at the first node that made one.
    #[error("{node}: {what} is not finite at row {row}, column {column}")]
    NotFinite {
        /// Name of the node, like `block.0.attention`.
        node: String,
        /// `value` or `gradient`.
        what: &'static str,
        /// Row of the first such value.
        row: usize,
        /// Its column.
        column: usize,
    },
    /// A device that this build knows nothing of.
    #[error("this build has no {device} kernels; use the cpu")]
    Absent {
        /// `cuda`.
        device: &'static str,
    },
}

/// A refusal of `op`.
pub(crate) fn refused<T>(op: &'static str, what: impl Into<String>) -> Result<T> {
    Err(Error::Shape { op, what: what.into() })
}
