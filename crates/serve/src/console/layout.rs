//! What every page has around it.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::words::ago;
use crate::problem::Problem;
use crate::state::Inner;

/// A page to be put into the layout.
pub(super) struct Page {
    pub(super) title: String,
    /// Which entry of the navigation it belongs to.
    pub(super) place: Place,
    pub(super) body: Markup,
}

/// Entries of the navigation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Overview,
    Users,
    Items,
    Report,
    Worlds,
    Log,
}

const NAVIGATION: [(Place, &str, &str); 6] = [
    (Place::Overview, "/console", "Overview"),
    (Place::Users, "/console/users", "Users"),
    (Place::Items, "/console/items", "Items"),
    (Place::Report, "/console/report", "Evaluation"),
    (Place::Worlds, "/console/worlds", "Worlds"),
    (Place::Log, "/console/log", "Log"),
];

/// Three bars, one of them ahead.
const MARK: &str = r#"<svg width="22" height="22" viewBox="0 0 22 22" aria-hidden="true"><rect x="2" y="11" width="4.4" height="9" rx="2" fill="currentColor" opacity=".35"/><rect x="8.8" y="6" width="4.4" height="14" rx="2" fill="currentColor" opacity=".6"/><rect x="15.6" y="2" width="4.4" height="18" rx="2" style="fill:var(--accent)"/></svg>"#;
const ICON: &str = "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 22 22'%3E%3Crect x='2' y='11' width='4.4' height='9' rx='2' fill='%237aa'/%3E%3Crect x='8.8' y='6' width='4.4' height='14' rx='2' fill='%23488'/%3E%3Crect x='15.6' y='2' width='4.4' height='18' rx='2' fill='%230b6e6e'/%3E%3C/svg%3E";

/// The whole document.
pub(super) fn render(inner: &Inner, page: Page) -> Markup {
    let world = inner.world.load();
    let model = inner.model.load();
    let version = world.version.as_ref().map(|version| version.id());
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (page.title) " · Tastemaker" }
                link rel="icon" href=(ICON);
                link rel="stylesheet" href="/console/style.css";
            }
            body {
                a.skip href="#main" { "Skip to the content" }
                header.top {
                    div {
                        a.brand href="/console" { (PreEscaped(MARK)) "Tastemaker" }
                        nav.main aria-label="Main" {
                            @for (place, href, name) in NAVIGATION {
                                a href=(href) aria-current=[(place == page.place).then_some("page")] {
                                    (name)
                                }
                            }
                        }
                        span.status {
                            @match version {
                                Some(id) => { span.dot {} "model " (id) }
                                None => { span.dot.off {} "no model" }
                            }
                        }
                    }
                }
                main #main {
                    @if let Some(refused) = &model.refused {
                        p.notice role="status" {
                            @if refused.id.is_empty() {
                                b { "The pointer to the current model version cannot be read. " }
                            } @else {
                                b { "Model version " (refused.id) " was refused. " }
                            }
                            @if version.is_some() { "The one before keeps serving. " }
                            (refused.why)
                        }
                    }
                    @if let Some(why) = inner.delta_refused.load().as_ref() {
                        p.notice role="status" {
                            b { "A delta of the model was refused. " }
                            "It stays as it was before. " (why)
                        }
                    }
                    (page.body)
                }
                footer {
                    div {
                        "Serving " code { (inner.dir.display()) }
                        " for " (ago(inner.clock.now_ms() - inner.started_ms))
                        " · " a href="/openapi.json" { "API" }
                        " · " a href="/metrics" { "metrics" }
                    }
                }
            }
        }
    }
}

/// What went wrong, as a page.
pub(super) fn problem(problem: &Problem) -> Page {
    let title = match problem.status.as_u16() {
        404 => "Not found",
        500.. => "Something went wrong",
        _ => "That does not work",
    };
    Page {
        title: title.into(),
        place: Place::Overview,
        body: html! {
            h1 { (title) }
            p.lead { (problem.message()) }
            p { a href="/console/users" { "Find a user" } " or " a href="/console/items" { "find an item" } "." }
        },
    }
}

/// A search field that works without a script.
pub(super) fn search(action: &str, label: &str, value: Option<&str>) -> Markup {
    html! {
        form.search role="search" action=(action) method="get" {
            input type="search" name="q" value=[value] placeholder=(label) aria-label=(label)
                autocomplete="off" spellcheck="false";
            button type="submit" { "Search" }
        }
    }
}
