//! What can go wrong with an evaluation, in words that say what to do next.

/// Result of everything in this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// One error of this crate. Messages are lowercase and name the place.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The log, a sealed folder, or a stop on request.
    #[error(transparent)]
    Data(#[from] data::Error),
    /// A setting that nothing can be measured with.
    #[error("evaluate.{field}: {what}")]
    Setting {
        /// Name of the setting, as in the config file.
        field: &'static str,
        /// What is wrong with its value, and what would be right.
        what: String,
    },
    /// Rankings, scores or labels that do not fit together.
    #[error("{place}: {what}")]
    Input {
        /// The model, case or row.
        place: String,
        /// What is wrong, and what to do.
        what: String,
    },
    /// A request that cannot be met: nobody to judge by.
    #[error("{0}")]
    Refused(String),
}

impl Error {
    /// An input error at a named place.
    pub(crate) fn input(place: impl std::fmt::Display, what: impl Into<String>) -> Error {
        Error::Input { place: place.to_string(), what: what.into() }
    }
}
