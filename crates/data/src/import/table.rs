//! One row of any table, by the column map: cells in, events and catalogue rows out.

use std::borrow::Cow;

use super::column_map::{EventMap, ItemMap, TimeUnit, UserMap, listed};
use super::fields::shown;
use super::instant;
use super::{ColumnMap, Row, RowSink};
use crate::{ClockKind, Error, Item, Result, User};

/// One cell, as its format holds it.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Cell<'a> {
    /// Empty, null or not there.
    Missing,
    Text(Cow<'a, str>),
    Integer(i64),
    Natural(u64),
    Float(f64),
    Bool(bool),
    /// An instant with a type of its own.
    TimeMs(i64),
    List(Vec<String>),
    /// Something that no column of ours holds.
    Other(&'static str),
}

impl<'a> Cell<'a> {
    pub(super) fn text(text: &'a str) -> Cell<'a> {
        if text.is_empty() { Cell::Missing } else { Cell::Text(Cow::Borrowed(text)) }
    }

    /// As an id or a text: whole numbers are written out exactly, others are not ids.
    fn as_text(&self, name: &str) -> Result<Option<Cow<'_, str>>, String> {
        Ok(Some(match self {
            Cell::Missing => return Ok(None),
            Cell::Text(text) => Cow::Borrowed(text),
            Cell::Integer(number) => Cow::Owned(number.to_string()),
            Cell::Natural(number) => Cow::Owned(number.to_string()),
            Cell::Bool(flag) => Cow::Owned(flag.to_string()),
            Cell::Float(number) => {
                return Err(format!("{name} {number} is a number but not an exact whole one"));
            }
            Cell::TimeMs(time_ms) => Cow::Owned(crate::format_ms(*time_ms)),
            Cell::List(_) => return Err(format!("{name} is a list")),
            Cell::Other(what) => return Err(format!("{name} is {what}")),
        }))
    }

    fn as_number(&self, name: &str) -> Result<Option<f64>, String> {
        Ok(Some(match self {
            Cell::Missing => return Ok(None),
            Cell::Text(text) => return super::fields::number(name, text.as_bytes()),
            Cell::Integer(number) => *number as f64,
            Cell::Natural(number) => *number as f64,
            Cell::Float(number) => *number,
            Cell::Bool(flag) => f64::from(u8::from(*flag)),
            _ => return Err(format!("{name} is not a number")),
        }))
    }

    #[inline]
    fn as_time(&self, name: &str, unit: TimeUnit, clock: ClockKind) -> Result<i64, String> {
        match self {
            Cell::Missing => Err(format!("{name} is missing")),
            Cell::TimeMs(time_ms) => Ok(*time_ms),
            Cell::Integer(number) => instant::from_whole(name, *number, unit, clock),
            Cell::Natural(number) => match i64::try_from(*number) {
                Ok(number) => instant::from_whole(name, number, unit, clock),
                Err(_) => Err(format!("{name} {number} is absurd")),
            },
            Cell::Float(number) => instant::from_fraction(name, *number, unit, clock),
            Cell::Text(text) => instant::from_text(name, text, unit, clock),
            _ => Err(format!("{name} is not a time")),
        }
    }
}

/// A column map with places instead of names.
pub(super) struct Table {
    clock: ClockKind,
    /// Every column that is read; cells come in this order.
    wanted: Vec<String>,
    event: Option<EventAt>,
    item: Option<ItemAt>,
    user: Option<UserAt>,
}

struct EventAt {
    user: Option<usize>,
    item: Option<usize>,
    time: Option<usize>,
    time_unit: TimeUnit,
    kind: Option<usize>,
    kind_constant: String,
    value: Option<usize>,
    query: Option<usize>,
    request: Option<usize>,
    id: Option<usize>,
}

struct ItemAt {
    id: usize,
    title: Option<usize>,
    text: Option<usize>,
    categories: Option<usize>,
    separator: String,
    creator: Option<usize>,
    created: Option<usize>,
    available: Option<usize>,
    attributes: Vec<usize>,
}

struct UserAt {
    id: usize,
    attributes: Vec<usize>,
}

/// Collects the columns that are read.
#[derive(Default)]
struct Wanted(Vec<String>);

impl Wanted {
    fn place(&mut self, name: &str) -> usize {
        self.0.iter().position(|known| known == name).unwrap_or_else(|| {
            self.0.push(name.to_owned());
            self.0.len() - 1
        })
    }

    fn maybe(&mut self, name: &Option<String>) -> Option<usize> {
        name.as_deref().map(|name| self.place(name))
    }
}

impl Table {
    pub(super) fn new(map: &ColumnMap) -> Table {
        let mut wanted = Wanted::default();
        let event = map.event.as_ref().map(|event| event_at(event, &mut wanted));
        let item = map.item.as_ref().map(|item| item_at(item, &mut wanted));
        let user = map.user.as_ref().map(|user| user_at(user, &mut wanted));
        Table { clock: map.clock, wanted: wanted.0, event, item, user }
    }

    /// Names of the columns that are read, in the order in which cells must come.
    pub(super) fn wanted(&self) -> &[String] {
        &self.wanted
    }

    /// Where each wanted column lies among `columns`.
    pub(super) fn places(&self, columns: &[String], place: &str) -> Result<Vec<usize>> {
        let find = |name: &String| {
            let mut found = columns
                .iter()
                .enumerate()
                .filter(|(_, column)| *column == name)
                .map(|(at, _)| at);
            match (found.next(), found.next()) {
                (Some(at), None) => Ok(at),
                (Some(_), Some(_)) => {
                    Err(Error::input(place, format!("column {name:?} is there twice")))
                }
                (None, _) => {
                    let listed = listed(columns);
                    Err(Error::input(
                        place,
                        format!("there is no column {name:?}; it has {listed}"),
                    ))
                }
            }
        };
        self.wanted.iter().map(find).collect()
    }

    /// Gives the sink what the row holds.
    pub(super) fn emit(
        &self,
        line: u64,
        cells: &[Cell<'_>],
        sink: &mut dyn RowSink,
    ) -> Result<()> {
        if let Some(item) = &self.item {
            match self.item_row(item, cells) {
                Ok(item) => sink.item(line, item)?,
                Err(reason) => return sink.reject(line, &reason),
            }
        }
        if let Some(user) = &self.user {
            match self.user_row(user, cells) {
                Ok(user) => sink.user(line, user)?,
                Err(reason) => return sink.reject(line, &reason),
            }
        }
        match &self.event {
            Some(event) => self.event_row(event, line, cells, sink),
            None => Ok(()),
        }
    }

    fn event_row(
        &self,
        at: &EventAt,
        line: u64,
        cells: &[Cell<'_>],
        sink: &mut dyn RowSink,
    ) -> Result<()> {
        let text = |place: Option<usize>| {
            place.map_or(Ok(None), |place| cells[place].as_text(&self.wanted[place]))
        };
        let required = |place: Option<usize>| match (place, text(place)?) {
            (Some(place), None) => Err(format!("{} is missing", self.wanted[place])),
            (_, text) => Ok(text),
        };
        let time = || match at.time {
            Some(place) => cells[place].as_time(&self.wanted[place], at.time_unit, self.clock),
            // Without a time column the order of the lines is the order.
            None => Ok(line as i64),
        };
        let value =
            || at.value.map_or(Ok(None), |place| cells[place].as_number(&self.wanted[place]));
        let parts = || -> Result<_, String> {
            Ok((
                (required(at.user)?, required(at.item)?, required(at.kind)?),
                (time()?, value()?),
                (text(at.query)?, text(at.request)?, text(at.id)?),
            ))
        };
        let ((user, item, kind), (time_ms, value), (query, request, id)) = match parts() {
            Ok(parts) => parts,
            Err(reason) => return sink.reject(line, &reason),
        };
        let row = Row {
            id: id.as_deref(),
            time_ms,
            kind: kind.as_deref().unwrap_or(&at.kind_constant),
            user: user.as_deref(),
            item: item.as_deref(),
            value,
            query: query.as_deref(),
            request: request.as_deref(),
        };
        sink.event(line, &row)
    }

    fn item_row(&self, at: &ItemAt, cells: &[Cell<'_>]) -> Result<Item, String> {
        let text = |place: Option<usize>| -> Result<Option<String>, String> {
            let Some(place) = place else { return Ok(None) };
            Ok(cells[place].as_text(&self.wanted[place])?.map(Cow::into_owned))
        };
        let id =
            text(Some(at.id))?.ok_or_else(|| format!("{} is missing", self.wanted[at.id]))?;
        let mut item = Item::bare(&id);
        item.title = text(at.title)?;
        item.text = text(at.text)?;
        item.creator = text(at.creator)?;
        item.categories = match at.categories.map(|place| &cells[place]) {
            Some(Cell::List(names)) => names.clone(),
            Some(_) => text(at.categories)?.map_or_else(Vec::new, |joined| {
                let names = joined.split(at.separator.as_str()).map(str::trim);
                names.filter(|name| !name.is_empty()).map(str::to_owned).collect()
            }),
            None => Vec::new(),
        };
        item.created_ms = match at.created {
            Some(place) if cells[place] != Cell::Missing => {
                let name = &self.wanted[place];
                let time_ms = cells[place].as_time(name, TimeUnit::Auto, ClockKind::Real)?;
                crate::check::time_ms(name, time_ms)?;
                Some(time_ms)
            }
            _ => None,
        };
        item.available = match text(at.available)? {
            Some(flag) => truth(&flag)
                .ok_or_else(|| format!("{:?} is neither true nor false", shown(&flag)))?,
            None => true,
        };
        item.attributes = self.attributes(&at.attributes, cells)?;
        Ok(item)
    }

    fn user_row(&self, at: &UserAt, cells: &[Cell<'_>]) -> Result<User, String> {
        let id = cells[at.id].as_text(&self.wanted[at.id])?;
        let id = id.ok_or_else(|| format!("{} is missing", self.wanted[at.id]))?.into_owned();
        Ok(User { id, attributes: self.attributes(&at.attributes, cells)? })
    }

    fn attributes(
        &self,
        places: &[usize],
        cells: &[Cell<'_>],
    ) -> Result<std::collections::BTreeMap<String, String>, String> {
        let mut found = std::collections::BTreeMap::new();
        for &place in places {
            let name = &self.wanted[place];
            let text = match &cells[place] {
                Cell::Float(number) => Some(number.to_string()),
                Cell::List(names) => Some(names.join("|")),
                cell => cell.as_text(name)?.map(Cow::into_owned),
            };
            found.extend(text.map(|text| (name.clone(), text)));
        }
        Ok(found)
    }
}

fn truth(text: &str) -> Option<bool> {
    match text.trim().to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" | "t" | "y" => Some(true),
        "false" | "0" | "no" | "f" | "n" => Some(false),
        _ => None,
    }
}

fn event_at(map: &EventMap, wanted: &mut Wanted) -> EventAt {
    EventAt {
        user: wanted.maybe(&map.user),
        item: wanted.maybe(&map.item),
        time: wanted.maybe(&map.time),
        time_unit: map.time_unit,
        kind: wanted.maybe(&map.kind),
        kind_constant: map.kind_constant.clone().unwrap_or_else(|| {
            let rated =
                map.value.as_deref().is_some_and(|name| name.eq_ignore_ascii_case("rating"));
            if rated { "rating" } else { "interaction" }.to_owned()
        }),
        value: wanted.maybe(&map.value),
        query: wanted.maybe(&map.query),
        request: wanted.maybe(&map.request),
        id: wanted.maybe(&map.id),
    }
}

fn item_at(map: &ItemMap, wanted: &mut Wanted) -> ItemAt {
    ItemAt {
        id: wanted.place(&map.id),
        title: wanted.maybe(&map.title),
        text: wanted.maybe(&map.text),
        categories: wanted.maybe(&map.categories),
        separator: map.categories_separator.clone().unwrap_or_else(|| "|".to_owned()),
        creator: wanted.maybe(&map.creator),
        created: wanted.maybe(&map.created),
        available: wanted.maybe(&map.available),
        attributes: map.attributes.iter().map(|name| wanted.place(name)).collect(),
    }
}

fn user_at(map: &UserMap, wanted: &mut Wanted) -> UserAt {
    UserAt {
        id: wanted.place(&map.id),
        attributes: map.attributes.iter().map(|name| wanted.place(name)).collect(),
    }
}
