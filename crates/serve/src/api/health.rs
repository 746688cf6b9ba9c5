//! `/livez`, `/readyz`, `/metrics`, `/openapi.json`.

use std::sync::OnceLock;

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};

use super::{Shared, json_bytes, to_json};
use crate::problem::{ErrorAnswer, Problem};
use crate::wire::{Live, Ready};

/// Answers as long as the process does.
#[utoipa::path(
    get,
    path = "/livez",
    tag = "health",
    responses((status = 200, description = "Alive", body = Live))
)]
pub(super) async fn livez() -> Response {
    json_bytes(StatusCode::OK, to_json(&Live { live: true }))
}

/// Whether a model answers. A newer version that was refused is told, but does not make the
/// server unready: the old one serves.
#[utoipa::path(
    get,
    path = "/readyz",
    tag = "health",
    responses(
        (status = 200, description = "A model answers", body = Ready),
        (status = 503, description = "No model: popular items only", body = Ready),
    )
)]
pub(super) async fn readyz(State(shared): State<Shared>) -> Response {
    let world = shared.world.load();
    let model = shared.model.load();
    let model_version = world.version.as_ref().map(|version| version.id().to_owned());
    let refused = model.refused.as_ref().map(|refused| match refused.id.as_str() {
        "" => format!("the pointer to the current model version: {}", refused.why),
        id => format!("model version {id} was refused: {}", refused.why),
    });
    let ready = model_version.is_some();
    let delta = shared.delta_refused.load();
    let refused = refused.or_else(|| {
        delta.as_ref().as_ref().map(|why| format!("a delta of the model was refused: {why}"))
    });
    let why = refused.or_else(|| {
        (!ready).then(|| "no model version yet: `tastemaker train DIR` makes one".to_owned())
    });
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    json_bytes(status, to_json(&Ready { ready, model_version, why }))
}

/// Counters and latencies in the Prometheus text format.
#[utoipa::path(
    get,
    path = "/metrics",
    tag = "health",
    responses(
        (status = 200, description = "Metrics", body = String,
            content_type = "application/openmetrics-text"),
        (status = 500, description = "A bug", body = ErrorAnswer),
    )
)]
pub(super) async fn metrics(State(shared): State<Shared>) -> Result<Response, Problem> {
    let page = shared.metrics.page(&shared.gauges()).map_err(|_| Problem::bug())?;
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    Ok(([(CONTENT_TYPE, kind)], page).into_response())
}

/// This document.
#[utoipa::path(
    get,
    path = "/openapi.json",
    tag = "health",
    responses((status = 200, description = "OpenAPI 3.1", body = Object))
)]
pub(super) async fn openapi_document() -> Response {
    static TEXT: OnceLock<Vec<u8>> = OnceLock::new();
    let text = TEXT.get_or_init(|| to_json(&super::routes().1));
    json_bytes(StatusCode::OK, text.clone())
}
