//! What goes over the wire: requests as they come in, answers as they go out. Nothing else of
//! this crate serialises. Requests are read by hand from strict JSON; the types with
//! [`utoipa::ToSchema`] that stand beside them say the same to the OpenAPI document.

mod ask;
mod answer;
mod records;

pub(crate) use answer::{
    Accepted, AdmittedCounts, Degraded, HistoryEvent, ItemAnswer, ItemList, Live, Ready,
    ReasonAnswer, Recommendation, RecommendedItem, RowError, SimilarAnswer, SourceAnswer,
    SourceCounts, Trace, UserAnswer, UserList, UserRow,
};
pub(crate) use ask::{Ask, AskBody, Listing, RecommendQuery, pairs};
pub(crate) use records::{
    EventBatch, EventBody, ItemBatch, ItemBody, UserBatch, UserBody, batch, event, item, user,
};
