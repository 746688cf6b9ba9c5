//! Answers. They borrow ids and titles from the world that they were made in.

use std::collections::BTreeMap;

use serde::Serialize;
use utoipa::ToSchema;

/// One slate.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Recommendation<'a> {
    /// Id of this request; events that follow from it echo it as `request`.
    pub(crate) request: &'a str,
    /// The model version that answered; null before the first was published.
    pub(crate) model_version: Option<&'a str>,
    /// Best first.
    pub(crate) items: Vec<RecommendedItem<'a>>,
    /// Null where the answer is as good as it gets; otherwise why it is not.
    pub(crate) degraded: Option<Degraded>,
    /// What happened at each stage, where `explain` was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) trace: Option<Trace<'a>>,
}

/// One place of a slate.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RecommendedItem<'a> {
    /// Item id.
    pub(crate) id: &'a str,
    /// Title for people; null where the log knows none.
    pub(crate) title: Option<&'a str>,
    /// Comparable within this answer only.
    pub(crate) score: f32,
    /// Place, from 0.
    pub(crate) position: u16,
    /// Probability with which the policy puts this item here; 1: nothing was random.
    pub(crate) propensity: f32,
    /// Why.
    pub(crate) reason: ReasonAnswer<'a>,
    /// Who proposed it, the strongest first, where `explain` was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) sources: Option<Vec<SourceAnswer<'a>>>,
}

/// Why an item came back.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ReasonAnswer<'a> {
    /// `popular`, `popular-lately`, `because` or `taste`.
    pub(crate) kind: &'static str,
    /// For people.
    pub(crate) text: String,
    /// The item of the history that it goes with, for `because`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) item: Option<&'a str>,
}

/// A model that proposed an item.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SourceAnswer<'a> {
    /// Name of the model.
    pub(crate) name: &'a str,
    /// The item's place in its list, from 0.
    pub(crate) rank: u32,
    /// The score that it gave.
    pub(crate) score: f32,
}

/// Why an answer is less than it could be.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(crate) struct Degraded {
    /// `unknown-user`, `no-history`, `nothing-found`, `too-few`, `overloaded` or `no-model`.
    pub(crate) reason: &'static str,
    /// For people.
    pub(crate) text: String,
}

/// What happened at each stage of a recommendation.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Trace<'a> {
    /// Events of the history that the models saw.
    pub(crate) history: u32,
    /// Items of the request's history or exclude list that nobody knows; they were passed over.
    pub(crate) unknown_items: u32,
    /// What the filters left.
    pub(crate) filtered: AdmittedCounts,
    /// What each source gave.
    pub(crate) retrieved: Vec<SourceCounts<'a>>,
    /// Different items among what was retrieved.
    pub(crate) candidates: u32,
    /// Items of the answer.
    pub(crate) selected: u32,
    /// Microseconds of each stage.
    pub(crate) micros: BTreeMap<&'static str, u64>,
}

/// The catalogue, and what the filters kept out of it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AdmittedCounts {
    /// Items of the catalogue.
    pub(crate) catalogue: u32,
    /// Kept out: not available, or of no wanted category.
    pub(crate) by_facts: u32,
    /// Kept out: in the history.
    pub(crate) seen: u32,
    /// Kept out: on the exclude list.
    pub(crate) excluded: u32,
    /// Left.
    pub(crate) admitted: u32,
}

/// What one source gave.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SourceCounts<'a> {
    /// Name of the model.
    pub(crate) name: &'a str,
    /// Items it was asked for.
    pub(crate) quota: u32,
    /// Items it gave.
    pub(crate) retrieved: u32,
    /// Items of the answer that it gave.
    pub(crate) selected: u32,
}

/// Items that go with an item.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SimilarAnswer<'a> {
    /// The item that was asked for.
    pub(crate) item: &'a str,
    /// The model that answered; null where none can.
    pub(crate) model: Option<&'a str>,
    /// Its version.
    pub(crate) model_version: Option<&'a str>,
    /// Best first.
    pub(crate) items: Vec<RecommendedItem<'a>>,
}

/// One item.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ItemAnswer<'a> {
    /// Item id.
    pub(crate) id: &'a str,
    /// Title for people.
    pub(crate) title: Option<&'a str>,
    /// Longer text.
    pub(crate) text: Option<&'a str>,
    /// Genres, departments, tags.
    pub(crate) categories: &'a [String],
    /// Who made it.
    pub(crate) creator: Option<&'a str>,
    /// When it came to be, RFC 3339.
    pub(crate) created: Option<String>,
    /// Whether it may be recommended.
    pub(crate) available: bool,
    /// Everything else, by name.
    pub(crate) attributes: &'a BTreeMap<String, String>,
    /// Positive events in the log when it was read.
    pub(crate) events: u32,
}

/// Items in the order of the catalogue.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ItemList<'a> {
    /// The items.
    pub(crate) items: Vec<ItemAnswer<'a>>,
    /// What `from` should be to go on; null at the end.
    pub(crate) next: Option<u32>,
}

/// One user.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct UserAnswer<'a> {
    /// User id.
    pub(crate) id: &'a str,
    /// Everything known, by name.
    pub(crate) attributes: &'a BTreeMap<String, String>,
    /// Positive events in all.
    pub(crate) events: u32,
    /// The latest of them, newest first.
    pub(crate) history: Vec<HistoryEvent<'a>>,
}

/// One event of a history.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct HistoryEvent<'a> {
    /// Item id.
    pub(crate) item: &'a str,
    /// Its title.
    pub(crate) title: Option<&'a str>,
    /// When, RFC 3339; the place in the sequence where the log knows only the order.
    pub(crate) time: String,
    /// How much; 1 where the event had no value.
    pub(crate) value: f32,
}

/// A user in a list.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct UserRow<'a> {
    /// User id.
    pub(crate) id: &'a str,
    /// Everything known, by name.
    pub(crate) attributes: &'a BTreeMap<String, String>,
    /// Positive events in all.
    pub(crate) events: u32,
}

/// Users in the order in which the log met them.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct UserList<'a> {
    /// The users.
    pub(crate) users: Vec<UserRow<'a>>,
    /// What `from` should be to go on; null at the end.
    pub(crate) next: Option<u32>,
}

/// What became of a post.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(crate) struct Accepted {
    /// Records taken in.
    pub(crate) accepted: u32,
    /// Events that were posted before under the same id.
    pub(crate) duplicates: u32,
    /// Records refused; each is in `errors`.
    pub(crate) rejected: u32,
    /// Why, by place in the request.
    pub(crate) errors: Vec<RowError>,
    /// Whether what was taken in would survive a crash now: not yet, it is in memory.
    pub(crate) durable: bool,
    /// Most seconds until it is written to the log.
    pub(crate) flush_seconds: u32,
}

/// A refused record of a batch.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RowError {
    /// Place in the request, from 0.
    pub(crate) index: u32,
    /// The field at fault, as a path.
    pub(crate) field: Option<String>,
    /// For people.
    pub(crate) message: String,
}

/// The process answers.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Live {
    /// Always true.
    pub(crate) live: bool,
}

/// Whether the server answers as it should.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Ready {
    /// Whether a model answers.
    pub(crate) ready: bool,
    /// Its version.
    pub(crate) model_version: Option<String>,
    /// Why it is not ready, or why a newer version was refused.
    pub(crate) why: Option<String>,
}
