//! What an importer reads, before the house has checked it.

use crate::{Item, Result, User};

/// One event as a source states it. Numbers are parsed, nothing is checked yet.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Row<'a> {
    /// The source's own id of this event.
    pub(crate) id: Option<&'a str>,
    /// Milliseconds since the epoch; in an order-only source the place in the user's sequence.
    pub(crate) time_ms: i64,
    /// `rating`, `click`, `play`.
    pub(crate) kind: &'a str,
    /// Who.
    pub(crate) user: Option<&'a str>,
    /// On what.
    pub(crate) item: Option<&'a str>,
    /// How much.
    pub(crate) value: Option<f64>,
    /// What was searched for.
    pub(crate) query: Option<&'a str>,
    /// The request id of the slate that it refers to.
    pub(crate) request: Option<&'a str>,
}

/// One place of a slate as a source states it: what a policy showed there, and with what chance.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PlaceRow<'a> {
    /// Unique within the log; events echo it.
    pub(crate) request: &'a str,
    /// Milliseconds since the epoch.
    pub(crate) time_ms: i64,
    /// Which page or campaign.
    pub(crate) surface: &'a str,
    /// What the policy knew, a JSON object.
    pub(crate) context: &'a str,
    /// Its name, in place of a model version.
    pub(crate) policy: &'a str,
    /// What it chose from.
    pub(crate) candidates: &'a [String],
    /// What it showed.
    pub(crate) item: &'a str,
    /// Where, from 0.
    pub(crate) position: u16,
    /// With what chance, in (0, 1].
    pub(crate) propensity: f64,
}

/// Where importers put what they read. A bad row is noted and counted, never an error; an
/// error here ends the import.
pub(crate) trait RowSink {
    /// Takes an event from `line` of the source (1 is the first), or rejects it where an id, the
    /// time or the value is bad.
    fn event(&mut self, line: u64, row: &Row<'_>) -> Result<()>;

    /// Takes a slate of one place, or rejects it where an id, the time or the chance is bad; says
    /// whether it was taken.
    fn place(&mut self, line: u64, row: &PlaceRow<'_>) -> Result<bool>;

    /// Takes a row of the item catalogue; a later row for the same id replaces an earlier one.
    fn item(&mut self, line: u64, item: Item) -> Result<()>;

    /// Takes a row of the user catalogue.
    fn user(&mut self, line: u64, user: User) -> Result<()>;

    /// Notes a row that could not even be parsed.
    fn reject(&mut self, line: u64, reason: &str) -> Result<()>;

    /// Names the file that the following lines belong to, for rejects.
    fn begin_file(&mut self, name: &str);
}
