//! `/v1/recommend`.

use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;

use super::body::JsonBody;
use super::{Shared, json_bytes, off, to_json};
use crate::pipeline::{self, Effort};
use crate::problem::{ErrorAnswer, Problem};
use crate::state::Inner;
use crate::wire::{Ask, AskBody, RecommendQuery, Recommendation, pairs};

/// Recommends items, best first, and logs what it showed.
#[utoipa::path(
    post,
    path = "/v1/recommend",
    tag = "recommend",
    request_body = AskBody,
    responses(
        (status = 200, description = "A slate", body = Recommendation),
        (status = 400, description = "Not the JSON it should be", body = ErrorAnswer),
        (status = 413, description = "Too large", body = ErrorAnswer),
        (status = 415, description = "Not JSON", body = ErrorAnswer),
        (status = 422, description = "A value that does not do", body = ErrorAnswer),
        (status = 503, description = "Overloaded; come again", body = ErrorAnswer),
    )
)]
pub(super) async fn recommend(
    State(shared): State<Shared>,
    body: JsonBody,
) -> Result<Response, Problem> {
    let ask = if body.is_short() {
        Ask::of_body(body.parse()?)?
    } else {
        off(move || Ask::of_body(body.parse()?)).await?
    };
    respond(shared, ask).await
}

/// The same, asked with a query string.
#[utoipa::path(
    get,
    path = "/v1/recommend",
    tag = "recommend",
    params(RecommendQuery),
    responses(
        (status = 200, description = "A slate", body = Recommendation),
        (status = 400, description = "Not the query it should be", body = ErrorAnswer),
        (status = 413, description = "Too large", body = ErrorAnswer),
        (status = 422, description = "A value that does not do", body = ErrorAnswer),
        (status = 503, description = "Overloaded; come again", body = ErrorAnswer),
    )
)]
pub(super) async fn recommend_by_query(
    State(shared): State<Shared>,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let ask = Ask::of_query(pairs(query.as_deref())?)?;
    respond(shared, ask).await
}

/// With a place: all models, off the executor. Without one: popular items, which cost little.
async fn respond(shared: Shared, ask: Ask) -> Result<Response, Problem> {
    let bytes = match shared.admission.place().await {
        Some(place) => {
            off(move || {
                let bytes = computed(&shared, &ask, Effort::Full);
                drop(place);
                bytes
            })
            .await?
        }
        None => computed(&shared, &ask, Effort::Overloaded)?,
    };
    Ok(json_bytes(StatusCode::OK, bytes))
}

fn computed(inner: &Inner, ask: &Ask, effort: Effort) -> Result<Vec<u8>, Problem> {
    let now_ms = inner.clock.now_ms();
    let world = inner.world.load_full();
    let selection = pipeline::select(&world, ask, effort, now_ms)?;
    let (number, request) = inner.ids.next();
    let bytes = to_json(&pipeline::answer(&request, &selection, ask.explain));
    if let Some(degraded) = &selection.degraded {
        inner.metrics.degraded(degraded.reason);
    }
    inner.metrics.slates.inc();
    pipeline::log(&inner.buffer, (number, &request), ask, &selection, now_ms);
    if inner.buffer.len().0 >= inner.config.flush_records as usize {
        inner.flush_wanted.notify_one();
    }
    Ok(bytes)
}
