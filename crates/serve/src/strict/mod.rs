//! Strict JSON: what the parser of `serde_json` lets pass silently is refused here, with the
//! path of the field. Two equal keys (the last one would win), a number that becomes infinite
//! in 32 bits, a whole number that is none (two ids would become one), fields nobody knows,
//! nesting without end.

mod fields;

use std::cell::RefCell;
use std::collections::HashSet;
use std::fmt;

use axum::http::StatusCode;
use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

pub(crate) use fields::{Fields, too_many};

use crate::limits::JSON_DEPTH_MAX;
use crate::problem::Problem;

/// Keys of one object up to which a search beats a hash.
const KEYS_FEW: usize = 32;

/// One JSON value, numbers as exact as they were written.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Node {
    Null,
    Bool(bool),
    /// A whole number from 0 on.
    Natural(u64),
    /// A whole number below 0.
    Negative(i64),
    /// Any other number.
    Float(f64),
    Text(String),
    List(Vec<Node>),
    /// Keys are distinct and in the order of the body.
    Object(Vec<(String, Node)>),
}

impl Node {
    /// What it is, for messages.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Node::Null => "null",
            Node::Bool(_) => "a truth value",
            Node::Natural(_) | Node::Negative(_) | Node::Float(_) => "a number",
            Node::Text(_) => "a text",
            Node::List(_) => "a list",
            Node::Object(_) => "an object",
        }
    }
}

/// Parses a body.
pub(crate) fn parse(bytes: &[u8]) -> Result<Node, Problem> {
    let error = match read(bytes, &Walk { path: None }) {
        Ok(node) => return Ok(node),
        Err(error) => error,
    };
    // Again, this time writing down where it is: the place of the fault is what stays.
    let walk = Walk { path: Some(RefCell::default()) };
    let _ = read(bytes, &walk);
    let path = walk.path.map(RefCell::into_inner).unwrap_or_default().join("");
    let path = path.trim_start_matches('.').to_owned();
    let said = error.to_string();
    Err(match said.split_once(MARK) {
        Some((_, marked)) => {
            let end = marked.rfind(" at line ").unwrap_or(marked.len());
            let (code, message) = marked[..end].split_once(MARK).unwrap_or(("bad_json", ""));
            let code = if code == "duplicate_key" { "duplicate_key" } else { "too_deep" };
            Problem::malformed(code, path, message)
        }
        None if said.starts_with("number out of range") => {
            Problem::malformed("bad_number", path, "the number is out of range")
        }
        None => Problem::new(
            StatusCode::BAD_REQUEST,
            "bad_json",
            format!("the body is not JSON: {said} (NaN and Infinity are no JSON numbers)"),
        )
        .at(path),
    })
}

/// Stands before errors that are ours, between code and message.
const MARK: char = '\u{1}';

fn ours<E: serde::de::Error>(code: &str, message: &str) -> E {
    E::custom(format!("{MARK}{code}{MARK}{message}"))
}

fn read(bytes: &[u8], walk: &Walk) -> serde_json::Result<Node> {
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let node = Seed { walk, depth: 0 }.deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok(node)
}

/// The way to the value that is being read; written down only in the second pass.
struct Walk {
    path: Option<RefCell<Vec<String>>>,
}

impl Walk {
    fn enter(&self, part: impl FnOnce() -> String) {
        if let Some(path) = &self.path {
            path.borrow_mut().push(part());
        }
    }

    /// Not called after a fault, so that its path stays.
    fn leave(&self) {
        if let Some(path) = &self.path {
            path.borrow_mut().pop();
        }
    }
}

#[derive(Clone, Copy)]
struct Seed<'w> {
    walk: &'w Walk,
    depth: usize,
}

impl Seed<'_> {
    fn deeper<E: serde::de::Error>(self) -> Result<Self, E> {
        if self.depth == JSON_DEPTH_MAX {
            let message = format!("nested deeper than {JSON_DEPTH_MAX} levels");
            return Err(ours("too_deep", &message));
        }
        Ok(Self { depth: self.depth + 1, ..self })
    }
}

impl<'de> DeserializeSeed<'de> for Seed<'_> {
    type Value = Node;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Node, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seed<'_> {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(Node::Null)
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Node, E> {
        Ok(Node::Bool(flag))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Node, E> {
        Ok(Node::Natural(number))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Node, E> {
        Ok(u64::try_from(number).map_or(Node::Negative(number), Node::Natural))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Node, E> {
        Ok(Node::Float(number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Node, E> {
        Ok(Node::Text(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Node, E> {
        Ok(Node::Text(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Node, A::Error> {
        let seed = self.deeper()?;
        let mut nodes = Vec::new();
        loop {
            self.walk.enter(|| format!("[{}]", nodes.len()));
            let Some(node) = list.next_element_seed(seed)? else { break };
            self.walk.leave();
            nodes.push(node);
        }
        self.walk.leave();
        Ok(Node::List(nodes))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Node, A::Error> {
        let seed = self.deeper()?;
        let mut fields: Vec<(String, Node)> = Vec::new();
        // Only asked, never walked, so its order shows nowhere.
        let mut known: HashSet<String> = HashSet::new();
        while let Some(key) = map.next_key::<String>()? {
            self.walk.enter(|| format!(".{key}"));
            if fields.len() == KEYS_FEW {
                known.extend(fields.iter().map(|(name, _)| name.clone()));
            }
            let twice = if fields.len() < KEYS_FEW {
                fields.iter().any(|(name, _)| *name == key)
            } else {
                !known.insert(key.clone())
            };
            if twice {
                let message = format!("key {:?} appears twice in one object", shown(&key));
                return Err(ours("duplicate_key", &message));
            }
            let node = map.next_value_seed(seed)?;
            self.walk.leave();
            fields.push((key, node));
        }
        Ok(Node::Object(fields))
    }
}

/// A piece of a request in a message: not all of a megabyte.
pub(crate) fn shown(text: &str) -> String {
    const CHARS_MAX: usize = 60;
    match text.char_indices().nth(CHARS_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests;
