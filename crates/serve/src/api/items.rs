//! `/v1/items` and `/v1/similar`.

use axum::extract::{Path, RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use data::format_ms;

use super::body::JsonBody;
use super::{NO_ATTRIBUTES, Shared, json_bytes, known, off_paged, to_json};
use crate::intake;
use crate::pipeline;
use crate::problem::{ErrorAnswer, Problem};
use crate::search;
use crate::wire::{
    Accepted, ItemAnswer, ItemBatch, ItemBody, ItemList, Listing, SimilarAnswer, pairs,
};
use crate::world::{Names, World};

/// Items that go with an item.
#[utoipa::path(
    get,
    path = "/v1/similar/{item}",
    tag = "items",
    params(
        ("item" = String, Path, description = "Item id"),
        ("k" = Option<u64>, Query, description = "How many, 1 to 1000; 10 by default")
    ),
    responses(
        (status = 200, description = "Best first", body = SimilarAnswer),
        (status = 400, description = "Not the query it should be", body = ErrorAnswer),
        (status = 404, description = "No such item", body = ErrorAnswer),
        (status = 422, description = "A value that does not do", body = ErrorAnswer),
    )
)]
pub(super) async fn similar(
    State(shared): State<Shared>,
    Path(item): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let k = Listing::of_k(pairs(query.as_deref())?, crate::limits::K_DEFAULT)?;
    let bytes = off_paged(shared, move |inner| {
        let world = inner.world.load_full();
        let names = world.names();
        let index = known("item", &item, |id| names.item_index(id))?;
        let now_ms = inner.clock.now_ms();
        let (model, chosen) = pipeline::similar(&world, &names, index, k, now_ms);
        Ok(to_json(&SimilarAnswer {
            item: &item,
            model,
            model_version: world.version.as_ref().map(|version| version.id()),
            items: pipeline::items(&names, &chosen, false),
        }))
    })
    .await?;
    Ok(json_bytes(StatusCode::OK, bytes))
}

/// Items, all or those that a search finds.
#[utoipa::path(
    get,
    path = "/v1/items",
    tag = "items",
    params(
        ("q" = Option<String>, Query, description = "Part of a title or an id, any case"),
        ("k" = Option<u64>, Query, description = "How many, 1 to 1000; 50 by default"),
        ("from" = Option<u32>, Query, description = "Where to go on: `next` of the last answer")
    ),
    responses(
        (status = 200, description = "In the order of the catalogue", body = ItemList),
        (status = 400, description = "Not the query it should be", body = ErrorAnswer),
        (status = 422, description = "A value that does not do", body = ErrorAnswer),
    )
)]
pub(super) async fn list_items(
    State(shared): State<Shared>,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let listing = Listing::of_query(pairs(query.as_deref())?)?;
    let bytes = off_paged(shared, move |inner| {
        let world = inner.world.load_full();
        let names = world.names();
        let (found, next) = search::items(&names, &listing);
        let items = found.iter().map(|index| facts(&world, &names, *index)).collect();
        Ok(to_json(&ItemList { items, next }))
    })
    .await?;
    Ok(json_bytes(StatusCode::OK, bytes))
}

/// One item.
#[utoipa::path(
    get,
    path = "/v1/items/{id}",
    tag = "items",
    params(("id" = String, Path, description = "Item id")),
    responses(
        (status = 200, description = "The item", body = ItemAnswer),
        (status = 404, description = "No such item", body = ErrorAnswer),
        (status = 422, description = "Not an id", body = ErrorAnswer),
    )
)]
pub(super) async fn get_item(
    State(shared): State<Shared>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let world = shared.world.load_full();
    let names = world.names();
    let index = known("item", &id, |id| names.item_index(id))?;
    Ok(json_bytes(StatusCode::OK, to_json(&facts(&world, &names, index))))
}

/// Adds items or replaces them whole, one or up to 10,000; they are seen at once.
#[utoipa::path(
    post,
    path = "/v1/items",
    tag = "items",
    request_body(content(
        (ItemBody = "application/json"),
        (ItemBatch = "application/json"),
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
pub(super) async fn put_items(
    State(shared): State<Shared>,
    body: JsonBody,
) -> Result<Response, Problem> {
    let bytes =
        off_paged(shared, move |inner| Ok(to_json(&intake::items(inner, body.parse()?)?)))
            .await?;
    Ok(json_bytes(StatusCode::ACCEPTED, bytes))
}

fn facts<'a>(world: &World, names: &'a Names, index: u32) -> ItemAnswer<'a> {
    let item = names.item(index);
    ItemAnswer {
        id: names.item_id(index),
        title: item.and_then(|item| item.title.as_deref()),
        text: item.and_then(|item| item.text.as_deref()),
        categories: item.map_or(&[], |item| &item.categories),
        creator: item.and_then(|item| item.creator.as_deref()),
        created: item.and_then(|item| item.created_ms).map(format_ms),
        available: item.is_none_or(|item| item.available),
        attributes: item.map_or(&NO_ATTRIBUTES, |item| &item.attributes),
        events: world.base.popularity.get(index as usize).copied().unwrap_or(0),
    }
}
