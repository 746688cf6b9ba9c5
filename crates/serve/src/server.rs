//! From a socket to an answer: the router and what surrounds every request.

use std::future::Future;
use std::time::Duration;

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::{Router, serve as axum_serve};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tower_http::catch_panic::CatchPanicLayer;

use crate::api::{self, Shared};
use crate::config::check_address;
use crate::connection::Bounded;
use crate::limits::{DRAIN_SECONDS, IN_FLIGHT_MAX, REQUEST_SECONDS};
use crate::problem::Problem;
use crate::state::ServeState;
use crate::stopwatch::Stopwatch;
use crate::{Error, Result, console, keeper};

/// Answers on `listener` until `shutdown` ends, then lets open requests finish and writes what
/// is buffered into the log.
///
/// # Errors
/// Where the listener is reachable from other machines and [`crate::ServeConfig::allow_remote`]
/// is not set, the socket fails, or the last flush fails: then the error counts what is lost.
pub async fn serve(
    state: ServeState,
    listener: TcpListener,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<()> {
    let shared = state.inner;
    let address = listener.local_addr().map_err(Error::Listen)?;
    check_address(address, shared.config.allow_remote)?;
    // A second server on one state would be told the first one's address: only words of the
    // console depend on it.
    let _ = shared.listening.set(address);
    let (stop_keeper, stopped) = watch::channel(false);
    let keeper = tokio::spawn(keeper::keep(shared.clone(), stopped));
    let (draining, drain) = tokio::sync::oneshot::channel::<()>();
    let server =
        axum_serve(Bounded::new(listener), router(shared)).with_graceful_shutdown(async move {
            shutdown.await;
            let _ = draining.send(());
        });
    let server = tokio::spawn(server.into_future());
    let served = tokio::select! {
        served = server => match served {
            Ok(served) => served.map_err(Error::Listen),
            Err(error) => Err(Error::Task(error.to_string())),
        },
        () = async {
            // The clock of the drain starts when shutdown does.
            let _ = drain.await;
            tokio::time::sleep(Duration::from_secs(DRAIN_SECONDS)).await;
        } => Ok(()),
    };
    // The keeper listens until the very end; where it is gone, its own error says why.
    let _ = stop_keeper.send(true);
    let kept = match keeper.await {
        Ok(kept) => kept,
        Err(error) => Err(Error::Task(error.to_string())),
    };
    // What is lost weighs more than how the socket ended.
    kept.and(served)
}

/// All routes, with what surrounds them.
pub(crate) fn router(shared: Shared) -> Router {
    let (api, _) = api::routes();
    Router::new()
        .merge(api)
        .merge(console::routes())
        .fallback(unknown_route)
        .method_not_allowed_fallback(wrong_method)
        .layer(CatchPanicLayer::custom(|_| Problem::bug().into_response()))
        .layer(from_fn_with_state(shared.clone(), surround))
        .with_state(shared)
}

/// Counts every request in and out, bounds how many there are and how long each may take.
async fn surround(State(shared): State<Shared>, request: Request, next: Next) -> Response {
    let watch = Stopwatch::start();
    let route = request.extensions().get::<MatchedPath>().cloned();
    let limit = Duration::from_secs(REQUEST_SECONDS);
    let entered = shared.admission.enter(IN_FLIGHT_MAX);
    let mut response = match &entered {
        None => {
            let message = format!("more than {IN_FLIGHT_MAX} requests at once");
            Problem::unavailable("overloaded", message).into_response()
        }
        Some(_) => match tokio::time::timeout(limit, next.run(request)).await {
            Ok(response) => response,
            Err(_) => {
                let message = format!("not done within {REQUEST_SECONDS} seconds");
                Problem::unavailable("timeout", message).into_response()
            }
        },
    };
    drop(entered);
    let headers = response.headers_mut();
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    let route = route.as_ref().map_or("other", MatchedPath::as_str);
    shared.metrics.answered(route, response.status().as_u16(), watch.elapsed());
    response
}

async fn unknown_route(request: Request) -> Problem {
    let path = crate::strict::shown(request.uri().path());
    Problem::not_found(format!("there is nothing at {path}"))
        .hint("/openapi.json lists what there is; /console is for people")
}

async fn wrong_method(request: Request) -> Problem {
    let message = format!(
        "{} is not what {} takes",
        request.method(),
        crate::strict::shown(request.uri().path())
    );
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", message)
        .hint("the header allow names what it takes")
}
