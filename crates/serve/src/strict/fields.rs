//! The fields of one object, taken by name and type; what nobody took is refused.

use std::collections::BTreeMap;

use axum::http::StatusCode;
use data::{check, parse_ms};

use super::{Node, shown};
use crate::limits::{ATTRIBUTE_BYTES_MAX, ATTRIBUTES_MAX};
use crate::problem::Problem;

/// An object on its way to a type of ours.
#[derive(Debug)]
pub(crate) struct Fields {
    /// Path of the object; empty for the body itself.
    place: String,
    entries: Vec<(String, Node)>,
    /// Names that were asked for: what the message about an unknown field offers.
    asked: Vec<&'static str>,
    /// From a query string, where everything is a text.
    from_query: bool,
}

/// `place.name`, or the name alone at the top.
pub(crate) fn join(place: &str, name: &str) -> String {
    if place.is_empty() { name.to_owned() } else { format!("{place}.{name}") }
}

impl Fields {
    /// Of a JSON object.
    pub(crate) fn of(node: Node, place: &str) -> Result<Fields, Problem> {
        match node {
            Node::Object(entries) => Ok(Fields {
                place: place.to_owned(),
                entries,
                asked: Vec::new(),
                from_query: false,
            }),
            other => {
                let where_ = if place.is_empty() { "the body" } else { place };
                let message = format!("{where_} is {}, it should be an object", other.name());
                Err(Problem::malformed("wrong_type", place, message))
            }
        }
    }

    /// Of a query string. Names in `lists` may come several times.
    pub(crate) fn of_query(
        pairs: Vec<(String, String)>,
        lists: &[&str],
    ) -> Result<Fields, Problem> {
        let mut entries: Vec<(String, Node)> = Vec::new();
        for (name, text) in pairs {
            let is_list = lists.contains(&name.as_str());
            match entries.iter_mut().find(|(known, _)| *known == name) {
                Some((_, Node::List(texts))) => texts.push(Node::Text(text)),
                Some(_) => {
                    let message = format!("{:?} appears twice in the query", shown(&name));
                    return Err(Problem::malformed("duplicate_key", shown(&name), message));
                }
                None if is_list => entries.push((name, Node::List(vec![Node::Text(text)]))),
                None => entries.push((name, Node::Text(text))),
            }
        }
        Ok(Fields { place: String::new(), entries, asked: Vec::new(), from_query: true })
    }

    /// Path of the field called `name`.
    pub(crate) fn path(&self, name: &str) -> String {
        join(&self.place, name)
    }

    /// Whether there is such a field.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.entries.iter().any(|(known, _)| known == name)
    }

    /// The object again, whole.
    pub(crate) fn into_node(self) -> Node {
        Node::Object(self.entries)
    }

    /// The value of a field; `null` counts as not there.
    pub(crate) fn take(&mut self, name: &'static str) -> Option<Node> {
        self.asked.push(name);
        let at = self.entries.iter().position(|(known, _)| known == name)?;
        Some(self.entries.swap_remove(at).1).filter(|node| *node != Node::Null)
    }

    /// An object in it.
    pub(crate) fn object(&mut self, name: &'static str) -> Result<Option<Fields>, Problem> {
        let path = self.path(name);
        self.take(name).map(|node| Fields::of(node, &path)).transpose()
    }

    /// A list in it, at most `most` long.
    pub(crate) fn list(
        &mut self,
        name: &'static str,
        most: usize,
    ) -> Result<Option<Vec<Node>>, Problem> {
        let path = self.path(name);
        match self.take(name) {
            None => Ok(None),
            Some(Node::List(nodes)) if nodes.len() > most => {
                Err(too_many(path, nodes.len(), most))
            }
            Some(Node::List(nodes)) => Ok(Some(nodes)),
            Some(other) => Err(wrong(path, &other, "a list")),
        }
    }

    /// An id: text, or an exact whole number, by the rule of the importers.
    pub(crate) fn id(&mut self, name: &'static str) -> Result<Option<String>, Problem> {
        let path = self.path(name);
        self.take(name).map(|node| id(node, &path)).transpose()
    }

    /// A list of ids.
    pub(crate) fn ids(
        &mut self,
        name: &'static str,
        most: usize,
    ) -> Result<Option<Vec<String>>, Problem> {
        let path = self.path(name);
        let nodes = self.list(name, most)?;
        let one = |(at, node)| id(node, &format!("{path}[{at}]"));
        nodes.map(|nodes| nodes.into_iter().enumerate().map(one).collect()).transpose()
    }

    /// A text without control characters but white space, at most `most` bytes.
    pub(crate) fn text(
        &mut self,
        name: &'static str,
        most: usize,
    ) -> Result<Option<String>, Problem> {
        let path = self.path(name);
        self.take(name).map(|node| text(node, &path, most)).transpose()
    }

    /// A whole number from 0 on.
    pub(crate) fn natural(&mut self, name: &'static str) -> Result<Option<u64>, Problem> {
        let path = self.path(name);
        match self.take(name) {
            None => Ok(None),
            Some(Node::Natural(number)) => Ok(Some(number)),
            Some(Node::Text(text)) if self.from_query => match text.parse() {
                Ok(number) => Ok(Some(number)),
                Err(_) => {
                    let message =
                        format!("{path} {:?} is no whole number from 0 on", shown(&text));
                    Err(Problem::malformed("wrong_type", path, message))
                }
            },
            Some(other) => Err(wrong(path, &other, "a whole number from 0 on")),
        }
    }

    /// A finite number that fits 32 bits.
    pub(crate) fn value(&mut self, name: &'static str) -> Result<Option<f32>, Problem> {
        let path = self.path(name);
        let number = match self.take(name) {
            None => return Ok(None),
            Some(Node::Natural(number)) => number as f64,
            Some(Node::Negative(number)) => number as f64,
            Some(Node::Float(number)) => number,
            Some(other) => return Err(wrong(path, &other, "a number")),
        };
        check::value(&path, number)
            .map(Some)
            .map_err(|why| Problem::malformed("bad_number", path, why))
    }

    /// An instant: RFC 3339 or a date as text, or whole seconds or milliseconds since 1970.
    pub(crate) fn time_ms(&mut self, name: &'static str) -> Result<Option<i64>, Problem> {
        let path = self.path(name);
        let parsed = match self.take(name) {
            None => return Ok(None),
            Some(Node::Natural(number)) => parse_ms(&number.to_string()),
            Some(Node::Negative(number)) => parse_ms(&number.to_string()),
            Some(Node::Text(text)) => parse_ms(&text),
            Some(other) => {
                return Err(wrong(path, &other, "an instant like 2026-01-31T12:00:00Z"));
            }
        };
        let time_ms = parsed.ok_or_else(|| {
            Problem::value(
                &path,
                format!(
                    "{path} is no instant; write it like 2026-01-31T12:00:00Z, or as whole \
                         seconds or milliseconds since 1970"
                ),
            )
        })?;
        match check::time_ms(&path, time_ms) {
            Ok(()) => Ok(Some(time_ms)),
            Err(why) => Err(Problem::value(path, why)),
        }
    }

    /// True or false.
    pub(crate) fn flag(&mut self, name: &'static str) -> Result<Option<bool>, Problem> {
        let path = self.path(name);
        match self.take(name) {
            None => Ok(None),
            Some(Node::Bool(flag)) => Ok(Some(flag)),
            Some(Node::Text(text)) if self.from_query && text == "true" => Ok(Some(true)),
            Some(Node::Text(text)) if self.from_query && text == "false" => Ok(Some(false)),
            Some(other) => Err(wrong(path, &other, "true or false")),
        }
    }

    /// Names to texts; numbers and truth values are written out.
    pub(crate) fn attributes(
        &mut self,
        name: &'static str,
    ) -> Result<BTreeMap<String, String>, Problem> {
        let path = self.path(name);
        let Some(Fields { entries, .. }) = self.object(name)? else {
            return Ok(BTreeMap::new());
        };
        if entries.len() > ATTRIBUTES_MAX {
            return Err(too_many(path, entries.len(), ATTRIBUTES_MAX));
        }
        let one = |(key, node): (String, Node)| {
            let place = join(&path, &shown(&key));
            check::id("the name of an attribute", &key)
                .map_err(|why| Problem::value(&place, why))?;
            let value = match node {
                Node::Natural(number) => number.to_string(),
                Node::Negative(number) => number.to_string(),
                Node::Float(number) if number.is_finite() => number.to_string(),
                Node::Bool(flag) => flag.to_string(),
                node => text(node, &place, ATTRIBUTE_BYTES_MAX)?,
            };
            Ok((key, value))
        };
        entries.into_iter().map(one).collect()
    }

    /// Refuses what nobody asked for.
    pub(crate) fn end(self) -> Result<(), Problem> {
        let Some((name, _)) = self.entries.first() else { return Ok(()) };
        let path = join(&self.place, &shown(name));
        let message = format!("{path} is not known here");
        let hint = format!("known are: {}", self.asked.join(", "));
        Err(Problem::malformed("unknown_field", path, message).hint(hint))
    }
}

/// An id from a value.
fn id(node: Node, path: &str) -> Result<String, Problem> {
    let id = match node {
        Node::Text(text) => text,
        Node::Natural(number) => number.to_string(),
        Node::Negative(number) => number.to_string(),
        Node::Float(number) => {
            let message = format!("{path} {number} is a number but not an exact whole one");
            return Err(Problem::malformed("bad_number", path, message));
        }
        other => {
            return Err(wrong(path.to_owned(), &other, "an id: a text, or a whole number"));
        }
    };
    check::id(path, &id).map_err(|why| Problem::value(path, why))?;
    Ok(id)
}

fn text(node: Node, path: &str, most: usize) -> Result<String, Problem> {
    let Node::Text(text) = node else {
        return Err(wrong(path.to_owned(), &node, "a text"));
    };
    if text.len() > most {
        let message = format!("{path} has {} bytes, more than {most}", text.len());
        return Err(Problem::value(path, message));
    }
    if text.chars().any(|c| c.is_control() && !c.is_whitespace()) {
        return Err(Problem::value(path, format!("{path} holds a control character")));
    }
    Ok(text)
}

fn wrong(path: String, node: &Node, wanted: &str) -> Problem {
    let message = format!("{path} is {}, it should be {wanted}", node.name());
    Problem::malformed("wrong_type", path, message)
}

pub(crate) fn too_many(path: String, count: usize, most: usize) -> Problem {
    let message = format!("{path} has {count} entries, more than {most}");
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", message)
        .at(path)
        .hint(format!("send at most {most} in one request"))
}
