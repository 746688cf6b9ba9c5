//! `/console`: pages for people, rendered here, one file a page. No script, no file from
//! anywhere else: the content security policy says so to the browser.

mod layout;
mod words;
mod overview;
mod users;
mod user;
mod items;
mod item;
mod cards;
mod report;
mod worlds;
mod facts;

use axum::Router;
use axum::extract::{Path, RawQuery, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY,
};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use maud::Markup;

use crate::api::{Shared, off_paged};
use crate::problem::Problem;
use crate::state::Inner;
use crate::wire::pairs;

use layout::Page;

/// Nothing but what this server renders: no script at all, no request to elsewhere, no frame.
const POLICY: &str = "default-src 'none'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
                      form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// The routes of the console.
pub(crate) fn routes() -> Router<Shared> {
    Router::new()
        .route("/console", get(overview_page))
        .route("/console/", get(overview_page))
        .route("/console/users", get(users_page))
        .route("/console/users/{id}", get(user_page))
        .route("/console/items", get(items_page))
        .route("/console/items/{id}", get(item_page))
        .route("/console/report", get(report_page))
        .route("/console/worlds", get(worlds_page))
        .route("/console/worlds/{id}", get(play_page))
        .route("/console/log", get(facts_page))
        .route("/console/style.css", get(style))
}

/// What a page gets from its address.
struct Address {
    pairs: Vec<(String, String)>,
}

impl Address {
    fn get(&self, name: &str) -> Option<&str> {
        let found = self.pairs.iter().find(|(known, _)| known == name)?;
        Some(found.1.trim()).filter(|text| !text.is_empty())
    }
}

async fn overview_page(State(shared): State<Shared>) -> Response {
    page(shared, None, |inner, _| Ok(overview::page(inner))).await
}

async fn users_page(State(shared): State<Shared>, RawQuery(query): RawQuery) -> Response {
    page(shared, query, |inner, address| Ok(users::page(inner, address.get("q")))).await
}

async fn user_page(
    State(shared): State<Shared>,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> Response {
    page(shared, query, move |inner, address| user::page(inner, &id, address.get("view"))).await
}

async fn items_page(State(shared): State<Shared>, RawQuery(query): RawQuery) -> Response {
    page(shared, query, |inner, address| {
        Ok(items::page(inner, address.get("q"), address.get("category")))
    })
    .await
}

async fn item_page(State(shared): State<Shared>, Path(id): Path<String>) -> Response {
    page(shared, None, move |inner, _| item::page(inner, &id)).await
}

async fn report_page(State(shared): State<Shared>) -> Response {
    page(shared, None, |inner, _| Ok(report::page(inner))).await
}

async fn worlds_page(State(shared): State<Shared>) -> Response {
    page(shared, None, |inner, _| Ok(worlds::page(inner))).await
}

async fn play_page(State(shared): State<Shared>, Path(id): Path<String>) -> Response {
    page(shared, None, move |inner, _| worlds::of_play(inner, &id)).await
}

async fn facts_page(State(shared): State<Shared>) -> Response {
    page(shared, None, |inner, _| Ok(facts::page(inner))).await
}

async fn style() -> Response {
    let headers = [
        (CONTENT_TYPE, "text/css; charset=utf-8"),
        // A new build may bring a new one.
        (CACHE_CONTROL, "max-age=60"),
    ];
    (headers, include_str!("style.css")).into_response()
}

/// Renders off the executor; what goes wrong is a page too.
async fn page(
    shared: Shared,
    query: Option<String>,
    render: impl FnOnce(&Inner, &Address) -> Result<Page, Problem> + Send + 'static,
) -> Response {
    let for_problem = shared.clone();
    let rendered = off_paged(shared, move |inner| {
        let address = Address { pairs: pairs(query.as_deref())? };
        let page = render(inner, &address)?;
        Ok(layout::render(inner, page))
    })
    .await;
    match rendered {
        Ok(markup) => html(StatusCode::OK, markup),
        Err(problem) => {
            html(problem.status, layout::render(&for_problem, layout::problem(&problem)))
        }
    }
}

fn html(status: StatusCode, markup: Markup) -> Response {
    let headers: [(HeaderName, HeaderValue); 3] = [
        (CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8")),
        (CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY)),
        (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    ];
    (status, headers, markup.into_string()).into_response()
}
