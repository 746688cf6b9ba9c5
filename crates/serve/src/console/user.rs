//! One user: what it did, and what every model makes of it.

use std::collections::BTreeMap;

use maud::{Markup, html};

use super::cards::{colour, column, funnel, no_model, recommended};
use super::layout::{Page, Place, search};
use super::words::{amount, day, encoded, item_href, number, user_href};
use crate::pipeline::{self, Effort, Selection};
use crate::problem::Problem;
use crate::state::Inner;
use crate::wire::Ask;
use crate::world::{Names, World};

/// Items of a list, of a column, and events of the history.
const LIST: usize = 20;
const COLUMN: usize = 10;
const HISTORY: usize = 40;
/// Categories that say what a user likes.
const TASTES: usize = 6;

/// The name of the view of all models side by side.
const SIDE_BY_SIDE: &str = "side-by-side";
/// The name of the view of the merged list.
const MERGED: &str = "merged";

pub(super) fn page(inner: &Inner, id: &str, view: Option<&str>) -> Result<Page, Problem> {
    let world = inner.world.load_full();
    let names = world.names();
    let user = names
        .user_index(id)
        .ok_or_else(|| Problem::not_found(format!("There is no user “{id}”.")))?;
    let view = view.unwrap_or(MERGED);
    let models: Vec<String> = world
        .version
        .as_ref()
        .map(|version| version.facts().models.iter().map(|model| model.name.clone()).collect())
        .unwrap_or_default();
    let now_ms = inner.clock.now_ms();
    let select = |model: Option<&str>, k: usize| {
        let model = model.map(str::to_owned);
        let ask = Ask { user: Some(id.to_owned()), k, model, ..Ask::default() };
        pipeline::select(&world, &ask, Effort::Full, now_ms)
    };
    let shown = if view == SIDE_BY_SIDE {
        let mut columns = vec![(MERGED.to_owned(), select(None, COLUMN)?)];
        for name in &models {
            columns.push((name.clone(), select(Some(name), COLUMN)?));
        }
        side_by_side(&columns)
    } else {
        let model = Some(view).filter(|view| *view != MERGED);
        one_list(&select(model, LIST)?)
    };
    let events = world.history(user).view().len();
    let attributes = names.user(user).map(|user| &user.attributes);
    let span = {
        let history = world.history(user);
        let times_ms = history.view().times_ms;
        (times_ms.first().copied(), times_ms.last().copied())
    };
    let tastes = tastes(&world, &names, user);
    let body = html! {
        (search("/console/users", "Another user", None))
        h1 { "User " (id) }
        p.lead {
            (number(events as u64)) " positive event" @if events != 1 { "s" }
            @if let (Some(first), Some(last), false) = (span.0, span.1, world.base.order_only()) {
                " from " (day(first)) " to " (day(last))
            }
            @for (name, value) in attributes.into_iter().flatten() { " · " (name) " " (value) }
            @if !tastes.is_empty() {
                br;
                "Mostly "
                @for (at, (category, share)) in tastes.iter().enumerate() {
                    @if at > 0 { ", " }
                    a href={ "/console/items?category=" (encoded(category)) } { (category) }
                    (format!("\u{a0}{:.0}\u{a0}%", 100.0 * share))
                }
            }
        }
        @if view == SIDE_BY_SIDE {
            section.card.recommended { h2 { "Recommended" } (tabs(id, view, &models)) (shown) }
            section.card { (history(&world, &names, user)) }
        } @else {
            div.grid.user {
                section.card { (history(&world, &names, user)) }
                section.card.recommended {
                    h2 { "Recommended" }
                    @if models.is_empty() { (no_model(&inner.dir)) } @else { (tabs(id, view, &models)) }
                    (shown)
                }
            }
        }
    };
    Ok(Page { title: format!("User {id}"), place: Place::Users, body })
}

/// The categories that this user's items have most often, with their share of the history.
fn tastes(world: &World, names: &Names, user: u32) -> Vec<(String, f64)> {
    let history = world.history(user);
    let items = history.view().items;
    let mut counts: BTreeMap<&str, u32> = BTreeMap::new();
    for item in items {
        for category in names.item(*item).map_or(&[][..], |item| &item.categories) {
            *counts.entry(category).or_default() += 1;
        }
    }
    let mut counts: Vec<(&str, u32)> = counts.into_iter().collect();
    counts.sort_by_key(|(category, count)| (std::cmp::Reverse(*count), *category));
    let share = |count: u32| f64::from(count) / items.len() as f64;
    counts
        .into_iter()
        .take(TASTES)
        .map(|(category, count)| (category.to_owned(), share(count)))
        .collect()
}

fn tabs(id: &str, view: &str, models: &[String]) -> Markup {
    let tab = |name: &str, label: &str| {
        let current = (name == view).then_some("page");
        let href = match name {
            MERGED => user_href(id),
            _ => format!("{}?view={name}", user_href(id)),
        };
        html! { a href=(href) aria-current=[current] { (label) } }
    };
    html! {
        nav.tabs aria-label="Models" {
            (tab(MERGED, "Merged"))
            @for name in models { (tab(name, name)) }
            (tab(SIDE_BY_SIDE, "Side by side"))
        }
    }
}

fn one_list(selection: &Selection) -> Markup {
    html! {
        (degraded(selection))
        @if selection.items.is_empty() {
            p.soft style="margin-top:1rem" { "Nothing comes back for this user." }
        }
        (recommended(&selection.names, &selection.items))
        details style="margin-top:1rem" {
            summary { "How this list came about" }
            (funnel(selection))
        }
    }
}

fn side_by_side(columns: &[(String, Selection)]) -> Markup {
    let lists = |item: u32| {
        let has = |(_, selection): &&(String, Selection)| {
            selection.items.iter().any(|chosen| chosen.item == item)
        };
        // The merged list, the first, is made of the others.
        columns.iter().skip(1).filter(has).count()
    };
    html! {
        p.small.soft style="margin:.6rem 0 .9rem" { "A coloured title is in the lists of several models." }
        div.columns tabindex="0" role="group" aria-label="Recommendations of every model" {
            @for (name, selection) in columns {
                div {
                    h3 { @if name == MERGED { "Merged" } @else { span class=(colour(name)) { (name) } } }
                    @if selection.items.is_empty() { p.small.soft { "nothing" } }
                    (column(&selection.names, &selection.items, |item| lists(item) > 1))
                }
            }
        }
    }
}

fn degraded(selection: &Selection) -> Markup {
    html! {
        @if let Some(degraded) = &selection.degraded {
            p.notice style="margin-top:.75rem" { (degraded.text) }
        }
    }
}

fn history(world: &World, names: &Names, user: u32) -> Markup {
    let history = world.history(user);
    let latest = history.view().last(HISTORY);
    let rated = world.base.catalogue.kinds.iter().any(|kind| kind == "rating");
    let with_times = !world.base.order_only();
    let valued = latest.values.iter().any(|value| (*value - 1.0).abs() > f32::EPSILON);
    html! {
        h2 { "History" }
        @if latest.is_empty() {
            p.soft { "Nothing that counts as positive yet." }
        }
        ul.history {
            @for at in (0..latest.len()).rev() {
                li {
                    a href=(item_href(names.item_id(latest.items[at]))) { (names.label(latest.items[at])) }
                    span.stars {
                        @if valued {
                            @if rated { "★ " }
                            (amount(latest.values[at]))
                        }
                    }
                    @if with_times { span.when { (day(latest.times_ms[at])) } }
                }
            }
        }
        @if history.view().len() > HISTORY {
            p.small.soft { "The latest " (HISTORY) " of " (number(history.view().len() as u64)) "." }
        }
    }
}
