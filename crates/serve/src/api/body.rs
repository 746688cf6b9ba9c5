//! A JSON body: its type, its size, then its strict parse.

use std::pin::Pin;

use axum::body::{Body, HttpBody};
use axum::extract::{FromRequest, Request};
use axum::http::StatusCode;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};

use crate::limits::{BODY_BYTES_MAX, BODY_PASSED_OVER_MAX};
use crate::problem::Problem;
use crate::strict::{self, Node};

/// Bodies up to here are parsed where they are; larger ones are left to whoever reads them.
const PARSED_HERE: usize = 16 << 10;

/// The bytes of a JSON body.
pub(super) struct JsonBody(Vec<u8>);

impl JsonBody {
    /// Parses it. Long ones take milliseconds: not on the executor.
    pub(super) fn parse(&self) -> Result<Node, Problem> {
        strict::parse(&self.0)
    }

    /// Whether parsing is quick.
    pub(super) fn is_short(&self) -> bool {
        self.0.len() <= PARSED_HERE
    }
}

impl<S: Sync> FromRequest<S> for JsonBody {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<JsonBody, Problem> {
        let headers = request.headers();
        let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or("");
        let kind = kind.split(';').next().unwrap_or_default().trim();
        if !kind.eq_ignore_ascii_case("application/json") {
            let message = format!(
                "the body is {}, it should be application/json",
                if kind.is_empty() { "of no type" } else { kind }
            );
            return Err(Problem::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "unsupported_media_type",
                message,
            )
            .hint("send the header content-type: application/json"));
        }
        let stated = headers
            .get(CONTENT_LENGTH)
            .and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
        if stated.is_some_and(|length| length > BODY_PASSED_OVER_MAX as u64) {
            return Err(too_large());
        }
        read(request.into_body(), stated.unwrap_or(0)).await.map(JsonBody)
    }
}

/// The bytes of a body. One that is somewhat too large is read to its end and thrown away:
/// a client that is still sending would see a broken connection instead of the answer.
async fn read(mut body: Body, stated: u64) -> Result<Vec<u8>, Problem> {
    let mut bytes = Vec::with_capacity((stated as usize).min(BODY_BYTES_MAX));
    let mut passed = 0usize;
    loop {
        let frame =
            std::future::poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await;
        let data = match frame {
            None if passed > BODY_BYTES_MAX => return Err(too_large()),
            None => return Ok(bytes),
            Some(Ok(frame)) => match frame.into_data() {
                Ok(data) => data,
                // Trailers say nothing here.
                Err(_) => continue,
            },
            Some(Err(_)) => {
                return Err(Problem::malformed("bad_body", "", "the body broke off"));
            }
        };
        passed += data.len();
        if passed <= BODY_BYTES_MAX {
            bytes.extend_from_slice(&data);
        } else if passed > BODY_PASSED_OVER_MAX {
            return Err(too_large());
        } else {
            bytes = Vec::new();
        }
    }
}

fn too_large() -> Problem {
    let message = format!("the body has more than {BODY_BYTES_MAX} bytes");
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", message)
        .hint("send it in several requests")
}
