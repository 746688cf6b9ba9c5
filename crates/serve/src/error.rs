//! What can go wrong with a server as a whole. What goes wrong with one request is a
//! [`crate::problem::Problem`].

use std::net::SocketAddr;

/// Result of everything public in this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// One error of this crate. Messages are lowercase and say what to do next.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The log.
    #[error(transparent)]
    Data(#[from] data::Error),
    /// A model version.
    #[error(transparent)]
    Model(#[from] retrieve::Error),
    /// A delta of a model.
    #[error(transparent)]
    Delta(#[from] tables::ship::Error),
    /// An evaluation report.
    #[error(transparent)]
    Report(#[from] evaluate::Error),
    /// A setting that no server can run with.
    #[error("serve.{field}: {what}")]
    Setting {
        /// Name of the setting, as in the config file.
        field: &'static str,
        /// What is wrong with its value, and what would be right.
        what: String,
    },
    /// The server would be open to the network, without a word of permission.
    #[error(
        "{address} is reachable from other machines and this server knows no passwords: listen on \
         127.0.0.1, or set serve.allow_remote = true where something in front of it decides who \
         may ask"
    )]
    Remote {
        /// Where it would listen.
        address: SocketAddr,
    },
    /// The socket.
    #[error("listening: {0}")]
    Listen(#[source] std::io::Error),
    /// The last flush failed: what was acknowledged (as not durable) or shown is lost.
    #[error(
        "LOST at shutdown: {events} events, {items} items, {users} users and {slates} slates that \
         were buffered could not be written to the log: {why}"
    )]
    Unflushed {
        /// Events that were accepted.
        events: usize,
        /// Items that were accepted.
        items: usize,
        /// Users that were accepted.
        users: usize,
        /// Slates that were shown.
        slates: usize,
        /// Why they could not be written.
        why: String,
    },
    /// A background task panicked: a bug.
    #[error("a background task of the server failed: {0}")]
    Task(String),
}
