//! One item: what is known of it, and what goes with it.

use maud::{Markup, html};

use super::cards::{alike, bars, categories, colour, no_model};
use super::layout::{Page, Place, search};
use super::words::{day, number};
use crate::pipeline;
use crate::problem::Problem;
use crate::state::Inner;
use crate::world::{Names, World};

/// Similar items on the page.
const SIMILAR: usize = 15;
/// Events up to which the page looks at all of them for its plot: a few milliseconds.
const SCANNED_MAX: usize = 5_000_000;

pub(super) fn page(inner: &Inner, id: &str) -> Result<Page, Problem> {
    let world = inner.world.load_full();
    let names = world.names();
    let index = names
        .item_index(id)
        .ok_or_else(|| Problem::not_found(format!("There is no item “{id}”.")))?;
    let now_ms = inner.clock.now_ms();
    let (model, similar) = pipeline::similar(&world, &names, index, SIMILAR, now_ms);
    let body = html! {
        (search("/console/items", "Another item", None))
        h1 { (names.label(index)) }
        div.tags style="margin:0 0 1.5rem" { (categories(&names, index, 20)) }
        div.grid.item {
            section.card {
                h2 {
                    "Similar items "
                    @if let Some(model) = model { span class=(colour(model)) { (model) } }
                }
                @if world.version.is_none() {
                    (no_model(&inner.dir))
                } @else if similar.is_empty() {
                    p.soft {
                        "The models know nothing that goes with it: too few people took it, or it "
                        "came after they were trained."
                    }
                }
                (alike(&names, &similar))
            }
            div.grid {
                section.card { h2 { "Facts" } (facts(&world, &names, index)) }
                (over_time(&world, index))
            }
        }
    };
    Ok(Page { title: names.label(index).to_owned(), place: Place::Items, body })
}

/// When it was taken, against the whole time of the log.
fn over_time(world: &World, index: u32) -> Markup {
    let sequences = &world.base.sequences;
    let manifest = &world.base.manifest;
    let (Some(first_ms), Some(last_ms)) = (manifest.first_ms(), manifest.last_ms()) else {
        return html! {};
    };
    if sequences.events() > SCANNED_MAX || world.base.order_only() {
        return html! {};
    }
    let taken = sequences.items().iter().zip(sequences.times_ms());
    let times = taken.filter(|(item, _)| **item == index).map(|(_, time_ms)| *time_ms);
    html! {
        section.card {
            h2 { "Events over time" }
            (bars(times, (first_ms, last_ms), "spark"))
            div.axis { span { (day(first_ms)) } span { (day(last_ms)) } }
        }
    }
}

fn facts(world: &World, names: &Names, index: u32) -> Markup {
    let item = names.item(index);
    let events = world.base.popularity.get(index as usize).copied().unwrap_or(0);
    html! {
        dl.facts {
            dt { "Id" } dd { code { (names.item_id(index)) } }
            dt { "Positive events" } dd { (number(events)) }
            dt { "Recommended" }
            dd { @if item.is_none_or(|item| item.available) { "yes" } @else { span.pill.warn { "not available" } } }
            @if let Some(item) = item {
                @if let Some(creator) = &item.creator { dt { "By" } dd { (creator) } }
                @if let Some(created_ms) = item.created_ms { dt { "Since" } dd { (day(created_ms)) } }
                @for (name, value) in &item.attributes { dt { (name) } dd { (value) } }
                @if let Some(text) = &item.text { dt { "Text" } dd { (text) } }
            }
        }
    }
}
