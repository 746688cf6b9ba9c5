//! Find an item.

use maud::html;

use super::cards::categories;
use super::layout::{Page, Place, search};
use super::words::{item_href, number};
use crate::search;
use crate::state::Inner;
use crate::wire::Listing;

/// Rows of the page.
const ROWS: usize = 50;
/// Items among which the most popular are sought.
const FOUND_MAX: usize = 2_000_000;

pub(super) fn page(inner: &Inner, asked: Option<&str>, category: Option<&str>) -> Page {
    let world = inner.world.load_full();
    let names = world.names();
    let listing = Listing { search: asked.map(str::to_owned), k: FOUND_MAX, from: 0 };
    let (mut found, _) = search::items(&names, &listing);
    if let Some(category) = category {
        found.retain(|item| {
            names
                .item(*item)
                .is_some_and(|item| item.categories.iter().any(|own| own == category))
        });
    }
    let events = |item: u32| world.base.popularity.get(item as usize).copied().unwrap_or(0);
    let exact = asked.and_then(|id| names.item_index(id));
    found.sort_by_key(|item| (exact != Some(*item), std::cmp::Reverse(events(*item)), *item));
    let total = found.len();
    found.truncate(ROWS);
    let body = html! {
        h1 { @match category { Some(category) => (category), None => "Items" } }
        p.lead {
            @match asked {
                Some(asked) => { (number(total as u64)) " of " (number(names.item_count())) " items match “" (asked) "”." }
                None => { (number(total as u64)) " items; the most popular come first." }
            }
            @if category.is_some() { " " a href="/console/items" { "All items" } }
        }
        (search("/console/items", "Title or id of an item", asked))
        @if found.is_empty() {
            section.card.empty {
                h2 { "No such item" }
                p { "No title and no id holds that. " a href="/console/items" { "All items" } }
            }
        } @else {
            section.card {
                div.scroll {
                    table {
                        thead { tr { th { "Item" } th.hide-small { "Categories" } th.num { "Positive events" } } }
                        tbody {
                            @for item in &found {
                                tr {
                                    td {
                                        a href=(item_href(names.item_id(*item))) { (names.label(*item)) }
                                        @if names.item(*item).is_some_and(|item| !item.available) {
                                            " " span.pill.warn { "not available" }
                                        }
                                    }
                                    td.hide-small { div.tags style="margin:0" { (categories(&names, *item, 5)) } }
                                    td.num { (number(events(*item))) }
                                }
                            }
                        }
                    }
                }
                @if total > ROWS {
                    p.small.soft style="margin-top:1rem" { "The first " (ROWS) " of " (number(total as u64)) "; search to find the others." }
                }
            }
        }
    };
    Page { title: "Items".into(), place: Place::Items, body }
}
