//! A user in; hundreds of candidates out.
//!
//! A [`Retriever`] gets a [`Query`] (a history slice, an instant, a [`Filter`], k) and answers
//! with scored items. It never reads the log: sessions without a user work the same way.
#![forbid(unsafe_code)]

mod error;
mod filter;
mod retriever;

pub use error::{Error, Result};
pub use filter::{Both, Everything, Filter, Unseen};
pub use retriever::{Candidate, Query, Reason, Retriever};
