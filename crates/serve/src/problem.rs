//! What is wrong with a request, as JSON with the right status. Every answer that is not a
//! success has this one shape, unknown routes and panics included.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use crate::limits::RETRY_AFTER_SECONDS;

/// A refused request.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Problem {
    pub(crate) status: StatusCode,
    code: &'static str,
    field: Option<String>,
    message: String,
    hint: Option<String>,
}

/// An answer that is not a success.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ErrorAnswer<'a> {
    /// What went wrong.
    pub(crate) error: ErrorFacts<'a>,
}

/// What went wrong.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ErrorFacts<'a> {
    /// For programs: `bad_json`, `unknown_field`, `bad_value`, `too_large`, `not_found`, ….
    pub(crate) code: &'a str,
    /// The field at fault, as a path: `events[3].value`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) field: Option<&'a str>,
    /// For people.
    pub(crate) message: &'a str,
    /// What to do next.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) hint: Option<&'a str>,
}

impl Problem {
    pub(crate) fn new(
        status: StatusCode,
        code: &'static str,
        message: impl Into<String>,
    ) -> Problem {
        Problem { status, code, field: None, message: message.into(), hint: None }
    }

    /// The body is not what it should be: no JSON, a wrong type, an unknown field.
    pub(crate) fn malformed(
        code: &'static str,
        field: impl Into<String>,
        message: impl Into<String>,
    ) -> Problem {
        Problem::new(StatusCode::BAD_REQUEST, code, message).at(field)
    }

    /// The body is well formed, but a value in it does not do.
    pub(crate) fn value(field: impl Into<String>, message: impl Into<String>) -> Problem {
        Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "bad_value", message).at(field)
    }

    pub(crate) fn not_found(message: impl Into<String>) -> Problem {
        Problem::new(StatusCode::NOT_FOUND, "not_found", message)
    }

    /// For now; the client should come again.
    pub(crate) fn unavailable(code: &'static str, message: impl Into<String>) -> Problem {
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, code, message)
    }

    /// A bug, told without its details.
    pub(crate) fn bug() -> Problem {
        let message = "the server failed to answer this request: that is a bug of the server";
        Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", message)
    }

    pub(crate) fn at(mut self, field: impl Into<String>) -> Problem {
        self.field = Some(field.into()).filter(|field| !field.is_empty());
        self
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Problem {
        self.hint = Some(hint.into());
        self
    }

    pub(crate) fn field(&self) -> Option<&str> {
        self.field.as_deref()
    }

    pub(crate) fn message(&self) -> &str {
        &self.message
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let answer = ErrorAnswer {
            error: ErrorFacts {
                code: self.code,
                field: self.field.as_deref(),
                message: &self.message,
                hint: self.hint.as_deref(),
            },
        };
        let body = serde_json::to_vec(&answer).expect("strings serialise");
        let mut response = (self.status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let again = [StatusCode::TOO_MANY_REQUESTS, StatusCode::SERVICE_UNAVAILABLE];
        if again.contains(&self.status) {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(RETRY_AFTER_SECONDS));
        }
        response
    }
}
