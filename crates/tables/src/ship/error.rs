//! What can go wrong on the way.

/// Result of this module.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An error of shipping rows; a file is named where there is one.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Of a file: damaged, newer than this program, or the system refused.
    #[error(transparent)]
    Data(#[from] data::Error),
    /// Of a table.
    #[error(transparent)]
    Table(#[from] crate::Error),
    /// A delta of other rows than those served.
    #[error(
        "delta {sequence} belongs to model {theirs}, served is model {ours}; follow the folder of the model that is served, or load its snapshot"
    )]
    Another {
        /// Its place in the order.
        sequence: u64,
        /// Model and base of the delta.
        theirs: String,
        /// Model and base that is served.
        ours: String,
    },
    /// Deltas are missing.
    #[error("expected delta {expected}, got {found}; fetch the {} missing, or load a new snapshot", found - expected)]
    Gap {
        /// The next in order.
        expected: u64,
        /// The one that came.
        found: u64,
    },
    /// A delta that was written after another one of the same number.
    #[error(
        "delta {sequence} follows {theirs}, but {ours} was applied before it: the trainer went back and wrote again; load its snapshot"
    )]
    Fork {
        /// Its place in the order.
        sequence: u64,
        /// Checksum of the delta that it follows.
        theirs: String,
        /// Checksum of the delta that was applied.
        ours: String,
    },
    /// Something in a delta, snapshot or request does not fit.
    #[error("{place}: {what}")]
    Contents {
        /// Table, delta or consumer.
        place: String,
        /// What is wrong, and what to do.
        what: String,
    },
    /// A consumer did not come for so long that its ids were let go.
    #[error(
        "consumer {consumer} is behind: more than {ids_max} ids were touched since it came last; publish a snapshot, then catch up"
    )]
    Behind {
        /// Its name.
        consumer: String,
        /// Ids that are remembered.
        ids_max: usize,
    },
}

impl Error {
    /// Whether a delta does not follow what is served: whoever serves begins with the snapshot again.
    pub fn is_out_of_order(&self) -> bool {
        matches!(self, Error::Another { .. } | Error::Gap { .. } | Error::Fork { .. })
    }

    pub(super) fn contents(place: impl std::fmt::Display, what: impl Into<String>) -> Error {
        Error::Contents { place: place.to_string(), what: what.into() }
    }

    pub(super) fn damaged(path: &std::path::Path, what: impl Into<String>) -> Error {
        Error::Data(data::Error::damaged(path, what))
    }
}
