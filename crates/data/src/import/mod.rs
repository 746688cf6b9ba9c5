//! Files of many formats in; a sealed import of the log out.

mod row;

pub(crate) use row::{Row, RowSink};
