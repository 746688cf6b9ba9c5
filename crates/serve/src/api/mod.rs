//! The routes of the API, one file a noun. Each route states itself to the OpenAPI document
//! where it is registered, so that the two cannot differ.

mod body;
mod recommend;
mod items;
mod users;
mod events;
mod health;

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use data::check;
use serde::Serialize;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::problem::Problem;
use crate::state::Inner;

/// What handlers get.
pub(crate) type Shared = Arc<Inner>;

#[derive(OpenApi)]
#[openapi(info(
    title = "Tastemaker",
    description = "Recommendations from an event log. Every answer that is not a success is an \
                   object `error` with a code, the field at fault and a message. Ids are texts of \
                   1 to 256 bytes without control characters, taken as they are; a whole number \
                   counts as its digits. Unknown fields and keys that appear twice are refused."
))]
struct Document;

/// All routes, and the document of them.
pub(crate) fn routes() -> (axum::Router<Shared>, utoipa::openapi::OpenApi) {
    OpenApiRouter::with_openapi(Document::openapi())
        .routes(routes!(recommend::recommend, recommend::recommend_by_query))
        .routes(routes!(items::similar))
        .routes(routes!(items::list_items, items::put_items))
        .routes(routes!(items::get_item))
        .routes(routes!(users::list_users, users::put_users))
        .routes(routes!(users::get_user))
        .routes(routes!(events::post_events))
        .routes(routes!(health::livez))
        .routes(routes!(health::readyz))
        .routes(routes!(health::metrics))
        .routes(routes!(health::openapi_document))
        .split_for_parts()
}

/// A JSON answer from bytes that are JSON already.
fn json_bytes(status: StatusCode, bytes: Vec<u8>) -> Response {
    (status, [(CONTENT_TYPE, "application/json")], bytes).into_response()
}

fn to_json(answer: &impl Serialize) -> Vec<u8> {
    // Every type of `wire` has string keys and finite numbers.
    serde_json::to_vec(answer).expect("wire types serialise")
}

/// What is known of an item or a user of which only the id is.
static NO_ATTRIBUTES: BTreeMap<String, String> = BTreeMap::new();

/// The index of an id from a path; `what` is an item or a user.
fn known(
    what: &str,
    id: &str,
    index_of: impl FnOnce(&str) -> Option<u32>,
) -> Result<u32, Problem> {
    check::id("the id", id).map_err(|why| Problem::value("id", why))?;
    index_of(id)
        .ok_or_else(|| Problem::not_found(format!("there is no {what} {id:?}")).at("id"))
}

/// Runs work that may take longer than half a millisecond where it blocks no other request.
async fn off<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Problem> + Send + 'static,
) -> Result<T, Problem> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(_) => Err(Problem::bug()),
    }
}

/// As [`off`], with a place among pages, lists and batches, of which few run at once.
pub(crate) async fn off_paged<T: Send + 'static>(
    shared: Shared,
    work: impl FnOnce(&Inner) -> Result<T, Problem> + Send + 'static,
) -> Result<T, Problem> {
    let place = shared.admission.page().await;
    off(move || {
        let result = work(&shared);
        drop(place);
        result
    })
    .await
}
