//! What can go wrong.

/// Result of this crate.
pub type Result<T> = std::result::Result<T, Error>;

/// An error, with the table or setting it is about.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A setting that cannot be.
    #[error("{field}: {what}")]
    Setting {
        /// Which.
        field: &'static str,
        /// Why.
        what: String,
    },
    /// A slow tier that failed, or whose bytes are not what was written.
    #[error("{place}: {what}")]
    Tier {
        /// File or service.
        place: String,
        /// What happened, with the row where it is one.
        what: String,
    },
    /// Input that does not fit the table.
    #[error("table {table}: {what}")]
    Input {
        /// Its name.
        table: String,
        /// Why.
        what: String,
    },
}
