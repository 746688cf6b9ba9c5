//! Which column of a table is what: a small TOML file, or a guess from the usual names.
//!
//! ```toml
//! clock = "real"              # or "approximate", "order-only"
//! [event]
//! user = "customer"           # at least one of user and item
//! item = "sku"
//! time = "bought_at"          # not needed where the clock is order-only
//! time_unit = "auto"          # or "s", "ms", "us", "ns", "rfc3339", "date"
//! kind = "action"             # or kind_constant = "purchase"
//! value = "price"
//! query = "search_text"
//! request = "request_id"
//! id = "event_id"
//! [item]                      # catalogue columns; without [event]: a catalogue file
//! id = "sku"
//! title = "name"
//! categories = "category_path"
//! categories_separator = ">"
//! attributes = ["colour"]
//! [csv]
//! delimiter = ";"
//! ```

use serde::Deserialize;

use super::fields::shown;
use crate::{ClockKind, Error, Result};

/// The map. What is left out is not read.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ColumnMap {
    /// How far the times can be trusted.
    pub clock: ClockKind,
    /// Columns of events.
    pub event: Option<EventMap>,
    /// Columns of the item catalogue.
    pub item: Option<ItemMap>,
    /// Columns of the user catalogue.
    pub user: Option<UserMap>,
    /// How the CSV is written.
    pub csv: CsvMap,
}

impl Default for ColumnMap {
    fn default() -> Self {
        Self {
            clock: ClockKind::Real,
            event: None,
            item: None,
            user: None,
            csv: CsvMap::default(),
        }
    }
}

/// Columns of events.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EventMap {
    /// Who.
    pub user: Option<String>,
    /// On what.
    pub item: Option<String>,
    /// When.
    pub time: Option<String>,
    /// How times are written.
    pub time_unit: TimeUnit,
    /// What was done.
    pub kind: Option<String>,
    /// What was done, the same for every row.
    pub kind_constant: Option<String>,
    /// How much.
    pub value: Option<String>,
    /// What was searched for.
    pub query: Option<String>,
    /// The request that it answers.
    pub request: Option<String>,
    /// The event's own id.
    pub id: Option<String>,
}

/// How a time is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TimeUnit {
    /// A number by its size (seconds below 10^11, milliseconds below 10^14, microseconds below
    /// 10^17, then nanoseconds), text as RFC 3339, a date and time, or a date.
    #[default]
    Auto,
    /// Seconds.
    S,
    /// Milliseconds.
    Ms,
    /// Microseconds.
    Us,
    /// Nanoseconds.
    Ns,
    /// Text with its offset from UTC: `2018-09-24T14:27:30Z`.
    Rfc3339,
    /// A day, `2018-09-24` or `20180924`, also as a number: its beginning, UTC.
    Date,
}

/// Columns of the item catalogue.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ItemMap {
    /// Its id.
    pub id: String,
    /// Title for people.
    pub title: Option<String>,
    /// Longer text.
    pub text: Option<String>,
    /// Categories, in one column.
    pub categories: Option<String>,
    /// What separates them; `|` where it is left out.
    pub categories_separator: Option<String>,
    /// Who made it.
    pub creator: Option<String>,
    /// When it came to be.
    pub created: Option<String>,
    /// Whether it may be recommended: true, 1, yes, or not.
    pub available: Option<String>,
    /// Further columns, kept under their names.
    pub attributes: Vec<String>,
}

/// Columns of the user catalogue.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct UserMap {
    /// Its id.
    pub id: String,
    /// Further columns, kept under their names.
    pub attributes: Vec<String>,
}

/// How a CSV is written.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CsvMap {
    /// What separates fields, one ASCII character; a tab is `"\t"`.
    pub delimiter: char,
    /// Whether the first line names the columns.
    pub header: bool,
    /// Names of the columns, where no line does.
    pub columns: Vec<String>,
}

impl Default for CsvMap {
    fn default() -> Self {
        Self { delimiter: ',', header: true, columns: Vec::new() }
    }
}

const USER: [&str; 8] =
    ["user_id", "userid", "user", "uid", "customer_id", "visitorid", "visitor_id", "client_id"];
const ITEM: [&str; 8] =
    ["item_id", "itemid", "item", "movie_id", "movieid", "product_id", "sku", "content_id"];
const TIME: [&str; 7] =
    ["timestamp", "time", "ts", "created_at", "datetime", "event_time", "date"];
const VALUE: [&str; 6] = ["rating", "value", "score", "weight", "quantity", "price"];
const KIND: [&str; 6] = ["kind", "event", "event_type", "type", "action", "behavior"];

impl ColumnMap {
    /// Reads a map. `place` names it in errors: unknown keys, and what cannot be meant.
    pub fn from_toml(text: &str, place: &str) -> Result<ColumnMap> {
        let map: ColumnMap =
            toml::from_str(text).map_err(|error| Error::input(place, error.to_string()))?;
        let refuse = |what: &str| Err(Error::input(place, what));
        match &map.event {
            Some(event) if event.user.is_none() && event.item.is_none() => {
                return refuse("[event] names neither a user nor an item column");
            }
            Some(event) if event.time.is_none() && map.clock != ClockKind::OrderOnly => {
                return refuse(
                    "[event] names no time column; without one, say clock = \"order-only\"",
                );
            }
            Some(event) if event.kind.is_some() && event.kind_constant.is_some() => {
                return refuse("[event] has both kind and kind_constant");
            }
            None if map.item.is_none() && map.user.is_none() => {
                return refuse("it has none of [event], [item] and [user]");
            }
            _ => {}
        }
        let item = map.item.as_ref().is_some_and(|item| item.id.is_empty());
        let user = map.user.as_ref().is_some_and(|user| user.id.is_empty());
        if item || user {
            return refuse("[item] and [user] need the column of their id");
        }
        if !map.csv.delimiter.is_ascii() || ['"', '\n', '\r'].contains(&map.csv.delimiter) {
            return refuse(
                "csv.delimiter is one ASCII character, not a quote or an end of line",
            );
        }
        if !map.csv.header && map.csv.columns.is_empty() {
            return refuse("csv.header is false, so csv.columns must name the columns");
        }
        if map.csv.header && !map.csv.columns.is_empty() {
            return refuse("csv.columns is for files without a header: say csv.header = false");
        }
        Ok(map)
    }

    /// A map from the usual names of columns, the first in a list of names before the second.
    pub(super) fn guess(columns: &[String], place: &str) -> Result<ColumnMap> {
        let find = |names: &[&str]| {
            let column =
                |name: &&str| columns.iter().find(|had| had.eq_ignore_ascii_case(name));
            names.iter().find_map(column).cloned()
        };
        let event = EventMap {
            user: find(&USER),
            item: find(&ITEM),
            time: find(&TIME),
            value: find(&VALUE),
            kind: find(&KIND),
            query: find(&["query"]),
            request: find(&["request", "request_id"]),
            id: find(&["event_id"]),
            ..EventMap::default()
        };
        if event.user.is_none() || event.item.is_none() || event.time.is_none() {
            let guess = |found: &Option<String>| {
                format!("{:?}", found.as_deref().unwrap_or("NAME OF THE COLUMN"))
            };
            return Err(Error::input(
                place,
                format!(
                    "which columns are user, item and time? it has {}; write this to a file, \
                     complete it, and pass it with --map FILE:\n[event]\nuser = {}\nitem = {}\n\
                     time = {}",
                    listed(columns),
                    guess(&event.user),
                    guess(&event.item),
                    guess(&event.time),
                ),
            ));
        }
        Ok(ColumnMap { event: Some(event), ..ColumnMap::default() })
    }
}

/// Names of columns for a message: not all of ten thousand.
pub(super) fn listed(columns: &[String]) -> String {
    const SHOWN: usize = 40;
    let mut names: Vec<String> =
        columns.iter().take(SHOWN).map(|name| format!("{:?}", shown(name))).collect();
    if columns.len() > SHOWN {
        names.push(format!("and {} more", columns.len() - SHOWN));
    }
    names.join(", ")
}
