//! `/v1/events`.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use super::body::JsonBody;
use super::{Shared, json_bytes, off_paged, to_json};
use crate::intake;
use crate::problem::{ErrorAnswer, Problem};
use crate::wire::{Accepted, EventBatch, EventBody};

/// Takes in events, one or up to 10,000. The next recommendation sees them; `durable` is false:
/// they are in memory until the next flush.
#[utoipa::path(
    post,
    path = "/v1/events",
    tag = "events",
    request_body(content(
        (EventBody = "application/json"),
        (EventBatch = "application/json"),
    )),
    responses(
        (status = 202, description = "Taken in; refused ones are listed", body = Accepted),
        (status = 400, description = "Not the JSON it should be", body = ErrorAnswer),
        (status = 409, description = "This log has no clock for live events", body = ErrorAnswer),
        (status = 413, description = "Too large", body = ErrorAnswer),
        (status = 415, description = "Not JSON", body = ErrorAnswer),
        (status = 422, description = "Nothing in it does", body = ErrorAnswer),
        (status = 429, description = "The buffer is full; come again", body = ErrorAnswer),
    )
)]
pub(super) async fn post_events(
    State(shared): State<Shared>,
    body: JsonBody,
) -> Result<Response, Problem> {
    let bytes =
        off_paged(shared, move |inner| Ok(to_json(&intake::events(inner, body.parse()?)?)))
            .await?;
    Ok(json_bytes(StatusCode::ACCEPTED, bytes))
}
