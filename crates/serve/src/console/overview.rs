//! The first page: what is here, how good it is, what is going on.

use maud::{Markup, html};

use super::cards::{bars, colour, no_model};
use super::layout::{Page, Place};
use super::words::{ago, day, item_href, minute, number};
use crate::state::Inner;
use crate::traffic::POINT_SECONDS;
use crate::world::World;

/// Popular items on the page.
const POPULAR: usize = 6;

pub(super) fn page(inner: &Inner) -> Page {
    let world = inner.world.load_full();
    let manifest = &world.base.manifest;
    let body = html! {
        h1 { "Overview" }
        p.lead {
            @match (manifest.first_ms(), manifest.last_ms()) {
                (Some(first), Some(last)) if !world.base.order_only() =>
                    { "Events from " (day(first)) " to " (day(last)) "." }
                (Some(_), Some(_)) => { "This log knows the order of events, not their times." }
                _ => { "This log has no event yet." }
            }
        }
        div.grid.four {
            (figure("Events", manifest.events))
            (figure("Users", u64::from(world.names().user_count())))
            (figure("Items", u64::from(world.names().item_count())))
            (figure("Slates logged", manifest.slates + inner.metrics.slates.get()))
        }
        section.card { (evaluation(inner)) }
        div.grid.two {
            section.card { (model(inner, &world)) }
            section.card { (traffic(inner, &world)) }
        }
        @if manifest.events > 0 {
            div.grid.two {
                section.card { (activity(&world)) }
                section.card { (popular(&world)) }
            }
        } @else {
            section.card.empty {
                h2 { "Nothing to recommend yet" }
                p { "Import events, and start the server again:" }
                pre.cmd { code { "tastemaker import movielens PATH --into " (inner.dir.display()) } }
            }
        }
    };
    Page { title: "Overview".into(), place: Place::Overview, body }
}

fn figure(label: &str, count: u64) -> Markup {
    html! {
        div.card { span.figure { (number(count)) } span.label { (label) } }
    }
}

fn evaluation(inner: &Inner) -> Markup {
    let latest = inner.report.load();
    html! {
        h2 { "Is anything better than what is popular lately?" }
        @match (&latest.newest, &latest.error) {
            (Some((id, report)), _) => {
                p.verdict { (report.verdict) }
                p { a href="/console/report" { "Evaluation " (id) ", with every number" } }
            }
            (None, Some(error)) => { p.notice { "The latest evaluation cannot be read. " (error) } }
            (None, None) => {
                p { "Nobody knows before it is measured. This trains on the past and tests on what "
                    "happened after:" }
                pre.cmd { code { "tastemaker evaluate " (inner.dir.display()) } }
            }
        }
    }
}

fn model(inner: &Inner, world: &World) -> Markup {
    html! {
        h2 { "Model" }
        @match &world.version {
            None => (no_model(&inner.dir)),
            Some(version) => {
                p {
                    span.figure { (version.id()) }
                    span.label {
                        "trained " (minute(version.facts().created_ms)) " on "
                        (number(version.facts().split.train_events)) " events"
                        @if let Some(since_ms) = inner.model.load().since_ms {
                            ", in service for " (ago(inner.clock.now_ms() - since_ms))
                        }
                    }
                }
                div.tags {
                    @for model in &version.facts().models {
                        span class=(colour(&model.name)) { (model.name) }
                    }
                }
                p.small style="margin-top:.9rem" { a href="/console/log" { "All versions" } }
            }
        }
    }
}

fn traffic(inner: &Inner, world: &World) -> Markup {
    let latencies = inner.metrics.recommended();
    let count = latencies.count();
    let points = inner.traffic.points();
    let bound = |share: f64| match latencies.quantile_s(share) {
        Some(seconds) => format!("{} ms", seconds * 1000.0),
        None => "over 5 s".into(),
    };
    let (slates, records) = inner.buffer.len();
    html! {
        h2 { "Traffic" }
        p {
            span.figure { (number(count)) }
            span.label {
                "recommendations since the start"
                @if count > 0 { "; half within " (bound(0.5)) ", 99 of 100 within " (bound(0.99)) }
            }
        }
        @if points.iter().any(|rate| *rate > 0.0) {
            (line(&points))
            div.axis {
                span { (points.len() as u64 * POINT_SECONDS / 60) " min ago" }
                span { "at most " (format!("{:.0}", points.iter().copied().fold(0.0, f32::max))) " a second" }
                span { "now" }
            }
        } @else if count == 0 {
            p { "Ask for some:" }
            pre.cmd { code { "curl 'http://" (inner.address()) "/v1/recommend?user=" (first_user(world)) "&k=5'" } }
        }
        p.small.soft style="margin-top:.9rem" {
            (number(inner.metrics.events.get())) " events came in. Waiting to be written: "
            (number(slates as u64)) " slates and " (number(records as u64)) " records"
            @if inner.buffer.slates_dropped() > 0 {
                "; " b { (number(inner.buffer.slates_dropped())) " slates did not fit" }
            }
            @if inner.metrics.flush_failures.get() > 0 {
                "; " (number(inner.metrics.flush_failures.get())) " flushes had to be tried again"
            }
            "."
        }
    }
}

fn first_user(world: &World) -> String {
    match world.names().user_count() {
        0 => "anybody".into(),
        _ => super::words::encoded(world.names().user_id(0)),
    }
}

/// A line of rates.
fn line(points: &[f32]) -> Markup {
    let most = points.iter().copied().fold(f32::MIN_POSITIVE, f32::max);
    let step = 600.0 / (points.len().max(2) - 1) as f32;
    let at = |(place, rate): (usize, &f32)| {
        format!("{:.1},{:.1}", place as f32 * step, 60.0 - 56.0 * rate / most)
    };
    let path: Vec<String> = points.iter().enumerate().map(at).collect();
    html! {
        svg.spark viewBox="0 0 600 64" preserveAspectRatio="none" role="img" aria-label="recommendations a second" {
            polyline points=(path.join(" ")) fill="none" stroke="currentColor" stroke-width="2" vector-effect="non-scaling-stroke" {}
        }
    }
}

fn activity(world: &World) -> Markup {
    let times = world.base.sequences.times_ms();
    let (Some(first), Some(last)) = (times.iter().min(), times.iter().max()) else {
        return html! {
            h2 { "Events over time" }
            p.soft { "No event counts as positive; see [feedback] in the settings." }
        };
    };
    html! {
        h2 { "Events over time" }
        (bars(times.iter().copied(), (*first, *last), "spark tall"))
        div.axis {
            @if world.base.order_only() { span { "first" } span { "last" } }
            @else { span { (day(*first)) } span { (day(*last)) } }
        }
    }
}

fn popular(world: &World) -> Markup {
    let names = world.names();
    html! {
        h2 { "Most popular" }
        ul.history {
            @for item in world.base.popular.iter().take(POPULAR) {
                li {
                    a href=(item_href(names.item_id(*item))) { (names.label(*item)) }
                    span.stars { (number(world.base.popularity[*item as usize])) }
                }
            }
        }
    }
}
