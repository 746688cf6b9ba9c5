//! Events, items and users as they are posted, alone or in batches.

use std::collections::BTreeMap;

use data::{Item, NewEvent, User, check};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::limits::{AHEAD_MS_MAX, BATCH_MAX, CATEGORIES_MAX, TEXT_BYTES_MAX, TITLE_BYTES_MAX};
use crate::problem::Problem;
use crate::strict::{Fields, Node, too_many};

/// The records of a body: one object, or `{"events": [...]}`. Says whether it was a batch.
pub(crate) fn batch(node: Node, name: &'static str) -> Result<(Vec<Node>, bool), Problem> {
    let mut fields = Fields::of(node, "")?;
    if !fields.has(name) {
        return Ok((vec![fields.into_node()], false));
    }
    match fields.take(name) {
        Some(Node::List(nodes)) if nodes.len() > BATCH_MAX => {
            Err(too_many(name.to_owned(), nodes.len(), BATCH_MAX))
        }
        Some(Node::List(nodes)) if nodes.is_empty() => {
            Err(Problem::value(name, format!("{name} is empty; send at least one")))
        }
        Some(Node::List(nodes)) => {
            fields.end()?;
            Ok((nodes, true))
        }
        _ => {
            let message = format!("{name} should be a list");
            Err(Problem::malformed("wrong_type", name, message))
        }
    }
}

/// An event. Without a time it happens now.
pub(crate) fn event(node: Node, place: &str, now_ms: i64) -> Result<NewEvent, Problem> {
    let mut fields = Fields::of(node, place)?;
    let kind_path = fields.path("kind");
    let time_path = fields.path("time");
    let query_path = fields.path("query");
    let event = NewEvent {
        id: fields.id("id")?,
        kind: fields.id("kind")?.ok_or_else(|| {
            let message =
                format!("{kind_path} is missing; name what happened: rating, click, play");
            Problem::malformed("missing_field", &kind_path, message)
        })?,
        time_ms: fields.time_ms("time")?.unwrap_or(now_ms),
        user: fields.id("user")?,
        item: fields.id("item")?,
        value: fields.value("value")?,
        query: fields.text("query", check::QUERY_BYTES_MAX)?,
        request: fields.id("request")?,
    };
    if let Some(query) = &event.query {
        check::query(&query_path, query).map_err(|why| Problem::value(&query_path, why))?;
    }
    fields.end()?;
    if event.user.is_none() && event.item.is_none() {
        let message = "neither user nor item; an event is about one of them at least";
        return Err(Problem::malformed("missing_field", place, message));
    }
    if event.time_ms > now_ms.saturating_add(AHEAD_MS_MAX) {
        let message = format!(
            "{time_path} {} lies more than a day ahead of the server's clock ({})",
            data::format_ms(event.time_ms),
            data::format_ms(now_ms)
        );
        return Err(Problem::value(time_path, message));
    }
    Ok(event)
}

/// An item, whole: what is left out is not known.
pub(crate) fn item(node: Node, place: &str) -> Result<Item, Problem> {
    let mut fields = Fields::of(node, place)?;
    let id = required_id(&mut fields)?;
    let item = Item {
        id,
        title: fields.text("title", TITLE_BYTES_MAX)?.filter(|title| !title.is_empty()),
        text: fields.text("text", TEXT_BYTES_MAX)?,
        categories: fields.ids("categories", CATEGORIES_MAX)?.unwrap_or_default(),
        creator: fields.id("creator")?,
        created_ms: fields.time_ms("created")?,
        available: fields.flag("available")?.unwrap_or(true),
        attributes: fields.attributes("attributes")?,
    };
    fields.end()?;
    Ok(item)
}

/// A user, whole.
pub(crate) fn user(node: Node, place: &str) -> Result<User, Problem> {
    let mut fields = Fields::of(node, place)?;
    let user =
        User { id: required_id(&mut fields)?, attributes: fields.attributes("attributes")? };
    fields.end()?;
    Ok(user)
}

fn required_id(fields: &mut Fields) -> Result<String, Problem> {
    let path = fields.path("id");
    fields
        .id("id")?
        .ok_or_else(|| Problem::malformed("missing_field", &path, format!("{path} is missing")))
}

/// An instant.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(untagged)]
#[allow(dead_code, reason = "the schema of what Fields::time_ms reads")]
pub(crate) enum Instant {
    /// RFC 3339, or a date: `2026-01-31T12:00:00Z`.
    Text(String),
    /// Whole seconds or milliseconds since 1970.
    Number(i64),
}

/// What happened.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "the schema of what event() reads")]
pub(crate) struct EventBody {
    /// The sender's own id of this event; the same id is taken in once.
    #[schema(min_length = 1, max_length = 256)]
    id: Option<String>,
    /// What happened.
    #[schema(example = "rating", min_length = 1, max_length = 256)]
    kind: String,
    /// When; now, where it is left out.
    time: Option<Instant>,
    /// Who.
    #[schema(example = "414", min_length = 1, max_length = 256)]
    user: Option<String>,
    /// On what. An event has a user or an item, or both.
    #[schema(example = "318", min_length = 1, max_length = 256)]
    item: Option<String>,
    /// How much: a rating, seconds, a price.
    value: Option<f32>,
    /// What was searched for.
    #[schema(max_length = 4096)]
    query: Option<String>,
    /// The `request` of the recommendation that it follows from.
    #[schema(max_length = 256)]
    request: Option<String>,
}

/// Many events.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "the schema of what batch() reads")]
pub(crate) struct EventBatch {
    /// In the order in which they happened.
    #[schema(min_items = 1, max_items = 10000)]
    events: Vec<EventBody>,
}

/// An item, whole: it replaces what was known under this id.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "the schema of what item() reads")]
pub(crate) struct ItemBody {
    /// Item id.
    #[schema(min_length = 1, max_length = 256)]
    id: String,
    /// Title for people.
    #[schema(max_length = 4096)]
    title: Option<String>,
    /// Longer text.
    #[schema(max_length = 65536)]
    text: Option<String>,
    /// Genres, departments, tags.
    #[schema(max_items = 100)]
    categories: Option<Vec<String>>,
    /// Who made it.
    creator: Option<String>,
    /// When it came to be.
    created: Option<Instant>,
    /// Whether it may be recommended.
    #[schema(default = true)]
    available: Option<bool>,
    /// Everything else, by name.
    attributes: Option<BTreeMap<String, String>>,
}

/// Many items.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "the schema of what batch() reads")]
pub(crate) struct ItemBatch {
    /// The later of equal ids wins.
    #[schema(min_items = 1, max_items = 10000)]
    items: Vec<ItemBody>,
}

/// A user, whole: it replaces what was known under this id.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "the schema of what user() reads")]
pub(crate) struct UserBody {
    /// User id.
    #[schema(min_length = 1, max_length = 256)]
    id: String,
    /// Everything known, by name.
    attributes: Option<BTreeMap<String, String>>,
}

/// Many users.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "the schema of what batch() reads")]
pub(crate) struct UserBatch {
    /// The later of equal ids wins.
    #[schema(min_items = 1, max_items = 10000)]
    users: Vec<UserBody>,
}
