//! `/v1/users`.

use std::collections::BTreeMap;

use axum::extract::{Path, RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use data::format_ms;

use super::body::JsonBody;
use super::{NO_ATTRIBUTES, Shared, json_bytes, known, off_paged, to_json};
use crate::intake;
use crate::problem::{ErrorAnswer, Problem};
use crate::search;
use crate::wire::{
    Accepted, HistoryEvent, Listing, UserAnswer, UserBatch, UserBody, UserList, UserRow, pairs,
};
use crate::world::{Names, World};

/// Users, all or those that a search finds.
#[utoipa::path(
    get,
    path = "/v1/users",
    tag = "users",
    params(
        ("q" = Option<String>, Query, description = "Part of an id or an attribute, any case"),
        ("k" = Option<u64>, Query, description = "How many, 1 to 1000; 50 by default"),
        ("from" = Option<u32>, Query, description = "Where to go on: `next` of the last answer")
    ),
    responses(
        (status = 200, description = "In the order in which the log met them", body = UserList),
        (status = 400, description = "Not the query it should be", body = ErrorAnswer),
        (status = 422, description = "A value that does not do", body = ErrorAnswer),
    )
)]
pub(super) async fn list_users(
    State(shared): State<Shared>,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let listing = Listing::of_query(pairs(query.as_deref())?)?;
    let bytes = off_paged(shared, move |inner| {
        let world = inner.world.load_full();
        let names = world.names();
        let (found, next) = search::users(&names, &listing);
        let row = |index: &u32| UserRow {
            id: names.user_id(*index),
            attributes: attributes(&names, *index),
            events: world.history(*index).view().len() as u32,
        };
        Ok(to_json(&UserList { users: found.iter().map(row).collect(), next }))
    })
    .await?;
    Ok(json_bytes(StatusCode::OK, bytes))
}

/// One user, with the latest of its history.
#[utoipa::path(
    get,
    path = "/v1/users/{id}",
    tag = "users",
    params(
        ("id" = String, Path, description = "User id"),
        ("k" = Option<u64>, Query, description = "Events of the history, 1 to 1000; 50 by default")
    ),
    responses(
        (status = 200, description = "The user", body = UserAnswer),
        (status = 400, description = "Not the query it should be", body = ErrorAnswer),
        (status = 404, description = "No such user", body = ErrorAnswer),
        (status = 422, description = "A value that does not do", body = ErrorAnswer),
    )
)]
pub(super) async fn get_user(
    State(shared): State<Shared>,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let k = Listing::of_k(pairs(query.as_deref())?, crate::limits::ROWS_DEFAULT)?;
    let bytes = off_paged(shared, move |inner| {
        let world = inner.world.load_full();
        let names = world.names();
        let index = known("user", &id, |id| names.user_index(id))?;
        Ok(to_json(&facts(&world, &names, index, k)))
    })
    .await?;
    Ok(json_bytes(StatusCode::OK, bytes))
}

/// Adds users or replaces what is known of them, one or up to 10,000.
#[utoipa::path(
    post,
    path = "/v1/users",
    tag = "users",
    request_body(content(
        (UserBody = "application/json"),
        (UserBatch = "application/json"),
    )),
    responses(
        (status = 202, description = "Taken in; refused ones are listed", body = Accepted),
        (status = 400, description = "Not the JSON it should be", body = ErrorAnswer),
        (status = 413, description = "Too large", body = ErrorAnswer),
        (status = 415, description = "Not JSON", body = ErrorAnswer),
        (status = 422, description = "Nothing in it does", body = ErrorAnswer),
        (status = 429, description = "The buffer is full; come again", body = ErrorAnswer),
    )
)]
pub(super) async fn put_users(
    State(shared): State<Shared>,
    body: JsonBody,
) -> Result<Response, Problem> {
    let bytes =
        off_paged(shared, move |inner| Ok(to_json(&intake::users(inner, body.parse()?)?)))
            .await?;
    Ok(json_bytes(StatusCode::ACCEPTED, bytes))
}

fn attributes(names: &Names, index: u32) -> &BTreeMap<String, String> {
    names.user(index).map_or(&NO_ATTRIBUTES, |user| &user.attributes)
}

fn facts<'a>(world: &World, names: &'a Names, index: u32, k: usize) -> UserAnswer<'a> {
    let history = world.history(index);
    let view = history.view();
    let latest = view.last(k);
    let order_only = world.base.order_only();
    let event = |at: usize| HistoryEvent {
        item: names.item_id(latest.items[at]),
        title: names.item(latest.items[at]).and_then(|item| item.title.as_deref()),
        time: match order_only {
            true => latest.times_ms[at].to_string(),
            false => format_ms(latest.times_ms[at]),
        },
        value: latest.values[at],
    };
    UserAnswer {
        id: names.user_id(index),
        attributes: attributes(names, index),
        events: view.len() as u32,
        history: (0..latest.len()).rev().map(event).collect(),
    }
}
