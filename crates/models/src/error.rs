//! What can go wrong with models, in words that say what to do next.

/// Result of everything in this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// One error of this crate. Messages are lowercase.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Shapes that do not fit, or a number that is none.
    #[error(transparent)]
    Tensor(#[from] tensor::Error),
    /// A setting that no model can be made from.
    #[error("{field}: {what}")]
    Setting {
        /// Name of the setting.
        field: &'static str,
        /// What is wrong with its value, and what would be right.
        what: String,
    },
    /// Histories that do not fit each other, or the model.
    #[error("{of}: {what}")]
    Rows {
        /// What was asked for.
        of: &'static str,
        /// What does not fit.
        what: String,
    },
    /// Bytes that are not the parameters of this model.
    #[error("not this model's parameters: {0}")]
    Damaged(String),
}
