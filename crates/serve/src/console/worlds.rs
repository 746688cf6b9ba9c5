//! Plays of two policies in a simulated world, the newest first.

use evaluate::PlayReport;
use maud::{Markup, html};

use super::layout::{Page, Place};
use crate::problem::Problem;
use crate::state::Inner;

/// Links to other plays at most.
const LINKS: usize = 20;

/// The newest play.
pub(super) fn page(inner: &Inner) -> Page {
    let latest = inner.play.load();
    let body = match (&latest.newest, &latest.error) {
        (Some((id, play)), _) => shown(inner, id, play),
        (None, Some(error)) => damaged(inner, error),
        (None, None) => html! {
            h1 { "Worlds" }
            section.card.empty {
                h2 { "Nothing played yet" }
                p { "In a simulated world the truth is known: what people want, what they get out of "
                    "it, and whether they come back. Two policies play in worlds that begin the same; "
                    "the page then shows what each of them was worth, and what a log would have said "
                    "of it." }
                pre.cmd { code {
                    "tastemaker world play --policy item-knn --against popular --log "
                    (inner.dir.display())
                } }
            }
        },
    };
    whole("Worlds".into(), body)
}

/// The play of this name.
pub(super) fn of_play(inner: &Inner, id: &str) -> Result<Page, Problem> {
    let body = match evaluate::read_play(&inner.files, &inner.plays_dir(), id) {
        Ok(Some(play)) => shown(inner, id, &play),
        Ok(None) => return Err(Problem::not_found(format!("There is no play “{id}”."))),
        Err(error) => damaged(inner, &error.to_string()),
    };
    Ok(whole(format!("Play {id}"), body))
}

fn whole(title: String, body: Markup) -> Page {
    Page { title, place: Place::Worlds, body }
}

fn shown(inner: &Inner, id: &str, play: &PlayReport) -> Markup {
    html! {
        (links(inner, id))
        div.report { (play.html_body()) }
    }
}

fn damaged(inner: &Inner, error: &str) -> Markup {
    html! {
        h1 { "Worlds" }
        p.notice { "This play cannot be read. " (error) }
        p { "Find out what is damaged, then play again:" }
        pre.cmd { code { "tastemaker verify " (inner.dir.display()) } }
        (links(inner, ""))
    }
}

/// To the other plays, the newest first, where there are any.
fn links(inner: &Inner, shown: &str) -> Markup {
    let ids = evaluate::play_ids(&inner.files, &inner.plays_dir()).unwrap_or_default();
    if ids.iter().all(|id| id == shown) {
        return html! {};
    }
    html! {
        nav.tabs aria-label="Plays" style="margin-bottom:1.5rem" {
            @for id in ids.iter().rev().take(LINKS) {
                a href=(format!("/console/worlds/{id}")) aria-current=[(id == shown).then_some("page")] {
                    "Play " (id)
                }
            }
        }
    }
}
