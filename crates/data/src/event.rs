//! The two records: what was shown (a slate) and what happened (an event).

/// What happened: one row of the log. Ids are dictionary indices.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// Derived from the row and its occurrence number, or from the id that the source gave.
    pub id: u64,
    /// When it happened.
    pub time_ms: i64,
    /// When it reached us.
    pub received_ms: i64,
    /// Arrival number; the log's order is (time, seq).
    pub seq: u64,
    /// Index of the kind in the log's list of kinds.
    pub kind: u16,
    /// Who, where known.
    pub user: Option<u32>,
    /// On what, where it was about an item.
    pub item: Option<u32>,
    /// How much (a rating, seconds, a price), finite.
    pub value: Option<f32>,
    /// What was searched for.
    pub query: Option<String>,
    /// The request id of the slate that it refers to.
    pub request: Option<String>,
}

/// What happened, as it comes in: ids are strings, checked by [`crate::check`] before they
/// get here.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct NewEvent {
    /// The source's own id of this event, where it has one.
    pub id: Option<String>,
    /// When it happened.
    pub time_ms: i64,
    /// `rating`, `click`, `play`.
    pub kind: String,
    /// Who, where known.
    pub user: Option<String>,
    /// On what, where it was about an item.
    pub item: Option<String>,
    /// How much, finite.
    pub value: Option<f32>,
    /// What was searched for.
    pub query: Option<String>,
    /// The request id of the slate that it refers to.
    pub request: Option<String>,
}

/// What was shown: one answer to one request, with the propensity of each place.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Slate {
    /// Unique id; events echo it.
    pub request: String,
    /// When it was shown.
    pub time_ms: i64,
    /// For whom, where known.
    pub user: Option<String>,
    /// Where: `home`, `similar`, `mail`.
    pub surface: String,
    /// What the request knew besides (filters, device), a JSON object.
    pub context: String,
    /// The model version that made it.
    pub model_version: String,
    /// Seed of whatever was random in it.
    pub seed: u64,
    /// Item indices that were considered, best first.
    pub candidates: Vec<u32>,
    /// What was shown, first place first.
    pub shown: Vec<Shown>,
}

/// One place of a slate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shown {
    /// Item index.
    pub item: u32,
    /// Place, from 0.
    pub position: u16,
    /// Probability with which the policy puts this item at this place; 1 where nothing was
    /// random.
    pub propensity: f32,
}
