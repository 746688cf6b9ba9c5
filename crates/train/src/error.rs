//! What can go wrong with training, in words that say what to do next.

/// Result of everything in this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// One error of this crate. Messages are lowercase and name the place.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The log, a batch, or a stop on request.
    #[error(transparent)]
    Data(#[from] data::Error),
    /// Shapes that do not fit, or a number that is none.
    #[error(transparent)]
    Tensor(#[from] tensor::Error),
    /// A model that cannot be made.
    #[error(transparent)]
    Models(#[from] models::Error),
    /// Tables that cannot be made, or ids that do not fit them.
    #[error(transparent)]
    Tables(#[from] tables::Error),
    /// A setting that nothing can be trained with.
    #[error("{field}: {what}")]
    Setting {
        /// Name of the setting, as in the config file.
        field: String,
        /// What is wrong with its value, and what would be right.
        what: String,
    },
    /// A request that cannot be met.
    #[error("{0}")]
    Refused(String),
}

impl Error {
    /// A setting out of range.
    pub(crate) fn setting(field: impl Into<String>, what: impl Into<String>) -> Error {
        Error::Setting { field: field.into(), what: what.into() }
    }
}
