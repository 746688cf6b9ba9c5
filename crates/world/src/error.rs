//! What can go wrong with a world, in words that say what to do next.

/// Result of everything in this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// One error of this crate. Messages are lowercase and name the place.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A setting that no world can be made with.
    #[error("world.{field}: {what}")]
    Setting {
        /// Name of the setting, as in the config file.
        field: &'static str,
        /// What is wrong with its value, and what would be right.
        what: String,
    },
    /// Slates that do not answer the requests of this round.
    #[error("slate {slate}: {what}")]
    Slate {
        /// Place of the slate in its round, from 0.
        slate: usize,
        /// What is wrong, and what would be right.
        what: String,
    },
}
