//! Requests that ask for something.

use axum::http::StatusCode;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use crate::limits::{
    CATEGORIES_MAX, EXCLUDE_MAX, K_DEFAULT, K_MAX, ROWS_DEFAULT, SESSION_ITEMS_MAX,
    SURFACE_BYTES_MAX, TITLE_BYTES_MAX,
};
use crate::problem::Problem;
use crate::strict::{Fields, Node};

/// A request for recommendations.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Ask {
    pub(crate) user: Option<String>,
    pub(crate) history: Option<Vec<String>>,
    pub(crate) k: usize,
    pub(crate) categories: Vec<String>,
    pub(crate) available_only: bool,
    pub(crate) exclude: Vec<String>,
    pub(crate) explain: bool,
    pub(crate) surface: String,
    pub(crate) model: Option<String>,
    pub(crate) seed: Option<u64>,
}

impl Default for Ask {
    fn default() -> Ask {
        Ask {
            user: None,
            history: None,
            k: K_DEFAULT as usize,
            categories: Vec::new(),
            available_only: true,
            exclude: Vec::new(),
            explain: false,
            surface: "api".into(),
            model: None,
            seed: None,
        }
    }
}

impl Ask {
    /// From a JSON body.
    pub(crate) fn of_body(node: Node) -> Result<Ask, Problem> {
        let mut fields = Fields::of(node, "")?;
        let mut ask = Ask::of_common(&mut fields)?;
        ask.history = fields.ids("history", SESSION_ITEMS_MAX)?;
        if let Some(mut filters) = fields.object("filters")? {
            ask.of_filters(&mut filters)?;
            filters.end()?;
        }
        fields.end()?;
        ask.checked()
    }

    /// From a query string; there the filters stand beside the rest.
    pub(crate) fn of_query(pairs: Vec<(String, String)>) -> Result<Ask, Problem> {
        let mut fields = Fields::of_query(pairs, &["categories", "exclude", "history"])?;
        let mut ask = Ask::of_common(&mut fields)?;
        ask.history = fields.ids("history", SESSION_ITEMS_MAX)?;
        ask.of_filters(&mut fields)?;
        fields.end()?;
        ask.checked()
    }

    fn of_common(fields: &mut Fields) -> Result<Ask, Problem> {
        let surface = fields.text("surface", SURFACE_BYTES_MAX)?;
        if surface.as_deref() == Some("") {
            return Err(Problem::value(
                "surface",
                "surface is empty; leave it out, or name a place \
                                                  like home",
            ));
        }
        Ok(Ask {
            user: fields.id("user")?,
            k: count(fields, "k", K_DEFAULT)?,
            explain: fields.flag("explain")?.unwrap_or(false),
            surface: surface.unwrap_or_else(|| "api".into()),
            model: fields.id("model")?,
            seed: fields.natural("seed")?,
            ..Ask::default()
        })
    }

    fn of_filters(&mut self, fields: &mut Fields) -> Result<(), Problem> {
        self.categories = fields.ids("categories", CATEGORIES_MAX)?.unwrap_or_default();
        self.available_only = fields.flag("available")?.unwrap_or(true);
        self.exclude = fields.ids("exclude", EXCLUDE_MAX)?.unwrap_or_default();
        Ok(())
    }

    fn checked(self) -> Result<Ask, Problem> {
        if self.user.is_some() && self.history.is_some() {
            let message = "user and history exclude each other: a known user has a history";
            return Err(Problem::value("history", message)
                .hint("leave history out, or leave user out for a session without a user"));
        }
        Ok(self)
    }
}

/// A whole number from 1 to [`K_MAX`].
fn count(fields: &mut Fields, name: &'static str, default: u64) -> Result<usize, Problem> {
    match fields.natural(name)? {
        None => Ok(default as usize),
        Some(number @ 1..=K_MAX) => Ok(number as usize),
        Some(number) => {
            let path = fields.path(name);
            let message = format!("{path} {number} does not do; it is from 1 to {K_MAX}");
            Err(Problem::value(path, message))
        }
    }
}

/// A request for a list of items or users.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Listing {
    /// Part of an id, a title or an attribute; any case.
    pub(crate) search: Option<String>,
    pub(crate) k: usize,
    /// First index to look at.
    pub(crate) from: u32,
}

impl Listing {
    pub(crate) fn of_query(pairs: Vec<(String, String)>) -> Result<Listing, Problem> {
        let mut fields = Fields::of_query(pairs, &[])?;
        let search = fields.text("q", TITLE_BYTES_MAX)?.filter(|text| !text.trim().is_empty());
        let k = count(&mut fields, "k", ROWS_DEFAULT)?;
        let from = fields.natural("from")?.unwrap_or(0);
        let from = u32::try_from(from)
            .map_err(|_| Problem::value("from", format!("from {from} is beyond every list")))?;
        fields.end()?;
        Ok(Listing { search, k, from })
    }

    /// Of a route that takes nothing but k.
    pub(crate) fn of_k(pairs: Vec<(String, String)>, default: u64) -> Result<usize, Problem> {
        let mut fields = Fields::of_query(pairs, &[])?;
        let k = count(&mut fields, "k", default)?;
        fields.end()?;
        Ok(k)
    }
}

/// The query string as pairs.
pub(crate) fn pairs(query: Option<&str>) -> Result<Vec<(String, String)>, Problem> {
    let query = query.unwrap_or_default();
    if query.len() > crate::limits::QUERY_STRING_BYTES_MAX {
        let message = format!(
            "the query string has {} bytes, more than {}",
            query.len(),
            crate::limits::QUERY_STRING_BYTES_MAX
        );
        return Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", message)
            .hint("post the request as JSON"));
    }
    query.split('&').filter(|pair| !pair.is_empty()).map(pair).collect()
}

fn pair(text: &str) -> Result<(String, String), Problem> {
    let (name, value) = text.split_once('=').unwrap_or((text, ""));
    Ok((decoded(name)?, decoded(value)?))
}

/// Undoes `%41` and `+`. What is no UTF-8 is refused, not replaced: two ids would become one.
fn decoded(text: &str) -> Result<String, Problem> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
                match (digit(rest.next()), digit(rest.next())) {
                    (Some(high), Some(low)) => (high * 16 + low) as u8,
                    _ => {
                        let message =
                            "the query string has a % without two hex digits after it";
                        return Err(Problem::malformed("bad_query", "", message));
                    }
                }
            }
            other => other,
        });
    }
    String::from_utf8(bytes).map_err(|_| {
        Problem::malformed("bad_query", "", "the query string is not UTF-8 once decoded")
    })
}

/// What to recommend, and for whom.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "the schema of what Ask::of_body reads")]
pub(crate) struct AskBody {
    /// For whom; an id that nobody knows gets popular items. A whole number counts as its digits.
    #[schema(example = "414", min_length = 1, max_length = 256)]
    user: Option<String>,
    /// Item ids, oldest first: a session without a user. Not together with `user`.
    #[schema(max_items = 10000)]
    history: Option<Vec<String>>,
    /// How many items.
    #[schema(default = 10, minimum = 1, maximum = 1000)]
    k: Option<u64>,
    filters: Option<AskFilters>,
    /// Whether to say for each item which models proposed it, and what happened at each stage.
    #[schema(default = false)]
    explain: Option<bool>,
    /// Where the slate will be shown; kept in the log.
    #[schema(default = "api", example = "home", max_length = 64)]
    surface: Option<String>,
    /// One model instead of the merge of all.
    #[schema(example = "item-knn")]
    model: Option<String>,
    /// Seed of the order among equal scores.
    seed: Option<u64>,
}

/// Which items may come back. Items of the history never do.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "the schema of what Ask::of_body reads")]
pub(crate) struct AskFilters {
    /// Only items of at least one of these categories.
    #[schema(max_items = 100)]
    categories: Option<Vec<String>>,
    /// Only available items; false admits the others as well.
    #[schema(default = true)]
    available: Option<bool>,
    /// Item ids that must not come back.
    #[schema(max_items = 10000)]
    exclude: Option<Vec<String>>,
}

/// The same as a query string.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code, reason = "the schema of what Ask::of_query reads")]
pub(crate) struct RecommendQuery {
    /// For whom.
    user: Option<String>,
    /// Item ids, oldest first; may come several times.
    history: Option<Vec<String>>,
    /// How many items.
    #[param(default = 10, minimum = 1, maximum = 1000)]
    k: Option<u64>,
    /// Only items of one of these; may come several times.
    categories: Option<Vec<String>>,
    /// Only available items.
    available: Option<bool>,
    /// Item ids that must not come back; may come several times.
    exclude: Option<Vec<String>>,
    /// Whether to explain.
    explain: Option<bool>,
    /// Where the slate will be shown.
    surface: Option<String>,
    /// One model instead of the merge of all.
    model: Option<String>,
    /// Seed of the order among equal scores.
    seed: Option<u64>,
}
