//! What a product writes of it: the rows of a log.

use std::collections::BTreeMap;

use data::{NewEvent, Shown, Slate};

use crate::happened::Happened;
use crate::item::{Creator, Item};
use crate::request::Request;
use crate::{Mode, World};

/// The id of an item.
pub fn item_id(item: u32) -> String {
    format!("i{item}")
}

/// The id of a person.
pub fn user_id(user: u32) -> String {
    format!("u{user}")
}

/// The id of a request, numbered over the whole run.
pub fn request_id(number: u64) -> String {
    format!("r{number}")
}

/// The catalogue row of an item: title, text, its topics from wide to narrow, who made it.
pub fn item(world: &World, item: &Item) -> data::Item {
    let words = world.words(item);
    let mut name = String::from("topic");
    let categories = world
        .topics()
        .path(item.leaf)
        .iter()
        .map(|child| {
            name.push_str(&format!("-{child}"));
            name.clone()
        })
        .collect();
    data::Item {
        id: item_id(item.id),
        title: Some(words.title),
        text: Some(words.text),
        categories,
        creator: Some(match item.creator {
            Creator::Maker(maker) => format!("m{maker}"),
            Creator::User(user) => user_id(user),
        }),
        created_ms: Some(item.born_ms),
        available: true,
        attributes: BTreeMap::from([
            ("language".to_owned(), item.language.to_string()),
            ("length_s".to_owned(), format!("{:.1}", item.length_s)),
            ("price".to_owned(), format!("{:.2}", item.price)),
        ]),
    }
}

/// The catalogue row of a person.
pub fn user(world: &World, number: u32) -> Option<data::User> {
    let user = world.users().get(number as usize)?;
    Some(data::User {
        id: user_id(number),
        attributes: BTreeMap::from([
            ("language".to_owned(), user.language.to_string()),
            ("market".to_owned(), user.market.to_string()),
        ]),
    })
}

/// Who made a slate, and how surely.
#[derive(Debug, Clone, Copy)]
pub struct Maker<'a> {
    /// Its name, in place of a model version.
    pub name: &'a str,
    /// Its seed.
    pub seed: u64,
    /// What it chose from, best first.
    pub candidates: &'a [u32],
    /// Probability of each shown item at its place.
    pub propensities: &'a [f32],
}

/// A slate as a server would log it. Item numbers of the world are the log's indices where items
/// were written in the order of their numbers.
pub fn slate(
    mode: Mode,
    number: u64,
    request: &Request,
    items: &[u32],
    maker: Maker<'_>,
) -> Slate {
    let surface = match (mode, request.query.is_some()) {
        (_, true) => "search",
        (Mode::Slates, _) => "home",
        (Mode::Stream, _) => "stream",
        (Mode::Playlist, _) => "playlist",
        (Mode::Pages, _) => "page",
    };
    let context = match request.page {
        Some(page) => {
            format!(r#"{{"language":{},"page":"{}"}}"#, request.language, item_id(page))
        }
        None => format!(r#"{{"language":{}}}"#, request.language),
    };
    let shown = items.iter().zip(maker.propensities).zip(0u16..);
    Slate {
        request: request_id(number),
        time_ms: request.time_ms,
        user: request.user.map(user_id),
        surface: surface.to_owned(),
        context,
        model_version: maker.name.to_owned(),
        seed: maker.seed,
        candidates: maker.candidates.to_vec(),
        shown: shown
            .map(|((item, propensity), position)| Shown {
                item: *item,
                position,
                propensity: *propensity,
            })
            .collect(),
    }
}

/// An event as a client would post it; `number` is that of its request.
pub fn event(number: u64, request: &Request, happened: &Happened) -> NewEvent {
    NewEvent {
        id: None,
        time_ms: happened.time_ms,
        kind: happened.kind.name().to_owned(),
        user: request.user.map(user_id),
        item: happened.item.map(item_id),
        value: happened.value,
        query: (happened.kind == crate::Kind::Search).then(|| request.query.clone()).flatten(),
        request: Some(request_id(number)),
    }
}
