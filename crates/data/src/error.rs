//! What can go wrong with data, in words that say what to do next.

use std::path::{Path, PathBuf};

/// Result of everything in this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// One error of this crate. Messages are lowercase and name the place.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The operating system refused.
    #[error("{}: {source}", path.display())]
    Io {
        /// File or folder it happened to.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// Bytes on disk are not the bytes that were sealed.
    #[error("{}: damaged: {what}", path.display())]
    Damaged {
        /// The damaged file.
        path: PathBuf,
        /// What does not hold.
        what: String,
    },
    /// The file was written by a newer program.
    #[error("{}: format version {found} is newer than {known}, the newest this program reads; upgrade tastemaker", path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// Version it states.
        found: u32,
        /// Newest version that this program reads.
        known: u32,
    },
    /// Another process holds the writer lock.
    #[error("{}: another process is writing to this log; wait for it to end, then try again", path.display())]
    Busy {
        /// The lock file.
        path: PathBuf,
    },
    /// There is no log here.
    #[error("{}: no log here; make one with `tastemaker import FORMAT PATH --into {}`", path.display(), path.display())]
    NoLog {
        /// The folder that was looked at.
        path: PathBuf,
    },
    /// Too many rows of a source were bad.
    #[error("{rejected} of {rows} rows rejected ({:.2} %), more than --max-rejects {:.2} %; nothing was imported; first: {first}", 100.0 * *rejected as f64 / (*rows).max(1) as f64, 100.0 * max_share)]
    TooManyRejects {
        /// Rows rejected.
        rejected: u64,
        /// Rows read.
        rows: u64,
        /// The limit, a share between 0 and 1.
        max_share: f64,
        /// The first reject: line and reason.
        first: String,
    },
    /// The input as a whole cannot be read (a bad row is a reject, not an error).
    #[error("{place}: {what}")]
    Input {
        /// File, line or field.
        place: String,
        /// What is wrong, and what to do.
        what: String,
    },
    /// A request that this log cannot answer.
    #[error("{0}")]
    Refused(String),
    /// The user asked to stop.
    #[error("stopped on request; nothing was changed")]
    Stopped,
}

impl Error {
    /// Wraps an I/O error with the path it happened to.
    pub fn io(path: &Path) -> impl FnOnce(std::io::Error) -> Error + '_ {
        move |source| Error::Io { path: path.to_path_buf(), source }
    }

    /// A damaged file, named.
    pub fn damaged(path: &Path, what: impl Into<String>) -> Error {
        Error::Damaged { path: path.to_path_buf(), what: what.into() }
    }

    /// An input error at a named place.
    pub fn input(place: impl std::fmt::Display, what: impl Into<String>) -> Error {
        Error::Input { place: place.to_string(), what: what.into() }
    }
}
