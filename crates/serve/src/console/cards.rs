//! Parts that several pages show.

use maud::{Markup, html};
use retrieve::Reason;

use super::words::{encoded, item_href, number};
use crate::pipeline::{Chosen, Selection};
use crate::world::Names;

/// Class of the colour of a model's badge.
pub(super) fn colour(name: &str) -> &'static str {
    match name {
        "item-knn" => "by c1",
        "als" => "by c2",
        "popular-lately" => "by c3",
        "ease" => "by c4",
        "walk" => "by c5",
        "popular" => "by c6",
        "sasrec" => "by c7",
        "hstu" => "by c8",
        _ => "by",
    }
}

/// An item's categories, each a link to more of it.
pub(super) fn categories(names: &Names, item: u32, most: usize) -> Markup {
    let list = names.item(item).map_or(&[][..], |item| &item.categories);
    html! {
        @for category in list.iter().take(most) {
            a.tag href={ "/console/items?category=" (encoded(category)) } { (category) }
        }
        @if list.len() > most { span.tag { "+" (list.len() - most) } }
    }
}

/// A ranked list: titles, reasons, and who proposed each item.
pub(super) fn recommended(names: &Names, chosen: &[Chosen]) -> Markup {
    html! {
        ol.recs {
            @for chosen in chosen {
                li {
                    div {
                        (title(names, chosen.item))
                        div.why { (why(names, &chosen.reason)) }
                        div.tags {
                            @for source in &chosen.sources {
                                span class=(colour(&source.name))
                                    title={ "place " (source.rank + 1) " in the list of " (source.name) ", score " (source.score) } {
                                    (source.name) " #" (source.rank + 1)
                                }
                            }
                            (categories(names, chosen.item, 4))
                        }
                    }
                }
            }
        }
    }
}

/// A ranked list that stands beside others; an item of `shared` is in several of them.
pub(super) fn column(names: &Names, chosen: &[Chosen], shared: impl Fn(u32) -> bool) -> Markup {
    html! {
        ol.recs {
            @for chosen in chosen {
                li class=[shared(chosen.item).then_some("shared")] {
                    div {
                        (title(names, chosen.item))
                        div.why { (why(names, &chosen.reason)) }
                    }
                }
            }
        }
    }
}

/// A ranked list without reasons: the page says what all of it goes with.
pub(super) fn alike(names: &Names, chosen: &[Chosen]) -> Markup {
    html! {
        ol.recs {
            @for chosen in chosen {
                li {
                    div {
                        (title(names, chosen.item))
                        div.tags { (categories(names, chosen.item, 6)) }
                    }
                }
            }
        }
    }
}

/// An item's title, a link to its page.
pub(super) fn title(names: &Names, item: u32) -> Markup {
    html! { a.title href=(item_href(names.item_id(item))) { (names.label(item)) } }
}

/// Bars of a plot over time.
pub(super) const BARS: usize = 96;

/// Events over time as bars: instants between `first_ms` and `last_ms`.
pub(super) fn bars(
    times_ms: impl Iterator<Item = i64>,
    (first_ms, last_ms): (i64, i64),
    class: &str,
) -> Markup {
    let span = (last_ms - first_ms).max(1) as f64;
    let mut counts = [0u32; BARS];
    for time_ms in times_ms {
        let bar = ((time_ms - first_ms) as f64 / span * BARS as f64) as usize;
        counts[bar.min(BARS - 1)] += 1;
    }
    let most = counts.iter().copied().max().unwrap_or(1).max(1);
    let height = |count: u32| (60.0 * f64::from(count) / f64::from(most)).max(1.0);
    html! {
        svg class=(class) viewBox={ "0 0 " (BARS * 6) " 64" } preserveAspectRatio="none" role="img"
            aria-label={ "events over time, at most " (number(most)) " in one bar" } {
            @for (bar, count) in counts.iter().enumerate() {
                @if *count > 0 {
                    rect x=(bar * 6) width="5" fill="currentColor"
                        y=(format!("{:.1}", 64.0 - height(*count)))
                        height=(format!("{:.1}", height(*count))) {}
                }
            }
        }
    }
}

/// The reason in words, with a link to the item that it names.
fn why(names: &Names, reason: &Reason) -> Markup {
    match reason {
        Reason::Because { item } => html! {
            "because of " a href=(item_href(names.item_id(*item))) { (names.label(*item)) }
        },
        other => html! { (names.reason_in_words(other)) },
    }
}

/// What each stage of the pipeline left.
pub(super) fn funnel(selection: &Selection) -> Markup {
    let filtered = &selection.filtered;
    let retrieved: u32 = selection.retrieved.iter().map(|source| source.retrieved).sum();
    let rows = [
        ("Catalogue", filtered.catalogue),
        ("Admitted by filters", filtered.admitted),
        ("Retrieved by sources", retrieved),
        ("Different candidates", selection.candidates.len() as u32),
        ("Selected", selection.items.len() as u32),
    ];
    // Numbers of very different size: bars grow with the logarithm.
    let most = f64::from(filtered.catalogue.max(2)).ln();
    let width = |count: u32| 100.0 * f64::from(count.max(1)).ln() / most;
    html! {
        div.funnel {
            @for (name, count) in rows {
                span { (name) }
                span.bar aria-hidden="true" { @if count > 0 { i style={ "width:" (format!("{:.1}", width(count))) "%" } {} } }
                span.num { (number(count)) }
            }
        }
        p.small.soft style="margin-top:.6rem" {
            @if filtered.seen > 0 { (number(filtered.seen)) " seen already" }
            @if filtered.seen > 0 && filtered.by_facts > 0 { ", " }
            @if filtered.by_facts > 0 { (number(filtered.by_facts)) " not available" }
            @if filtered.seen + filtered.by_facts > 0 { ". " }
            @for (name, micros) in &selection.micros {
                (name) " " (number(*micros)) " µs "
            }
            "(bars are logarithmic)"
        }
        div.tags {
            @for source in &selection.retrieved {
                span class=(colour(&source.name)) {
                    (source.name) ": " (number(source.retrieved)) " of " (number(source.quota))
                }
            }
        }
    }
}

/// What to do where there is no model.
pub(super) fn no_model(dir: &std::path::Path) -> Markup {
    html! {
        p { "No model version yet, so answers are the most popular items. Train the models and "
            "this page changes by itself:" }
        pre.cmd { code { "tastemaker train " (dir.display()) } }
    }
}
