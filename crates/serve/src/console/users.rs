//! Find a user.

use maud::html;

use super::layout::{Page, Place, search};
use super::words::{day, number, user_href};
use crate::search;
use crate::state::Inner;
use crate::wire::Listing;

/// Rows of the page.
const ROWS: usize = 50;
/// Users among whom the most active are sought.
const FOUND_MAX: usize = 2_000_000;
/// Items of a row.
const LATELY: usize = 3;
/// Attributes of a row.
const ATTRIBUTES: usize = 4;

pub(super) fn page(inner: &Inner, asked: Option<&str>) -> Page {
    let world = inner.world.load_full();
    let names = world.names();
    let listing = Listing { search: asked.map(str::to_owned), k: FOUND_MAX, from: 0 };
    let (found, _) = search::users(&names, &listing);
    let events = |user: u32| world.history(user).view().len();
    let mut rows: Vec<(usize, u32)> = found.iter().map(|user| (events(*user), *user)).collect();
    // An exact id comes first, then the most active.
    let exact = asked.and_then(|id| names.user_index(id));
    rows.sort_by_key(|(events, user)| {
        (exact != Some(*user), std::cmp::Reverse(*events), *user)
    });
    let total = rows.len();
    rows.truncate(ROWS);
    let with_times = !world.base.order_only();
    let last_day =
        |user: u32| world.history(user).view().times_ms.last().map(|time| day(*time));
    let lately = |user: u32| {
        let history = world.history(user);
        let latest = history.view().last(LATELY).items;
        let titles: Vec<&str> = latest.iter().rev().map(|item| names.label(*item)).collect();
        titles.join(" · ")
    };
    let attributes = |user: u32| {
        let user = names.user(user)?;
        let shown: Vec<String> = user
            .attributes
            .iter()
            .take(ATTRIBUTES)
            .map(|(name, value)| format!("{name} {value}"))
            .collect();
        Some(shown.join(" · ")).filter(|text| !text.is_empty())
    };
    let with_attributes = rows.iter().any(|(_, user)| attributes(*user).is_some());
    let body = html! {
        h1 { "Users" }
        p.lead {
            @match asked {
                Some(asked) => { (number(total as u64)) " of " (number(names.user_count())) " users match “" (asked) "”." }
                None => { (number(names.user_count())) " users; the most active come first." }
            }
        }
        (search("/console/users", "Id or attribute of a user", asked))
        @if rows.is_empty() {
            section.card.empty {
                h2 { "Nobody here" }
                @if asked.is_some() {
                    p { "No id and no attribute holds that. " a href="/console/users" { "All users" } }
                } @else {
                    p { "Import events, and start the server again:" }
                    pre.cmd { code { "tastemaker import FORMAT PATH --into " (inner.dir.display()) } }
                }
            }
        } @else {
            section.card {
                div.scroll {
                    table {
                        thead { tr {
                            th { "User" }
                            th.hide-small { "Lately" }
                            @if with_attributes { th { "Known" } }
                            th.num { "Positive events" }
                            @if with_times { th { "Last" } }
                        } }
                        tbody {
                            @for (events, user) in &rows {
                                tr {
                                    td { a href=(user_href(names.user_id(*user))) { (names.user_id(*user)) } }
                                    td.wide.hide-small { (lately(*user)) }
                                    @if with_attributes { td { (attributes(*user).unwrap_or_default()) } }
                                    td.num { (number(*events as u64)) }
                                    @if with_times { td.nowrap { (last_day(*user).unwrap_or_else(|| "–".into())) } }
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
    Page { title: "Users".into(), place: Place::Users, body }
}
