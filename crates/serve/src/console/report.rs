//! The latest evaluation, inside the console.

use maud::html;

use super::layout::{Page, Place};
use crate::state::Inner;

pub(super) fn page(inner: &Inner) -> Page {
    let latest = inner.report.load();
    let body = html! {
        @match (&latest.newest, &latest.error) {
            (Some((_, report)), _) => div.report { (report.html_body()) },
            (None, Some(error)) => {
                h1 { "Evaluation" }
                p.notice { "The latest evaluation cannot be read. " (error) }
                p { "Find out what is damaged, then evaluate again:" }
                pre.cmd { code { "tastemaker verify " (inner.dir.display()) } }
            }
            (None, None) => {
                h1 { "Evaluation" }
                section.card.empty {
                    h2 { "Not measured yet" }
                    p { "An evaluation trains every model on the past, tests it on what happened "
                        "after, and says with intervals whether anything beats what was popular "
                        "lately." }
                    pre.cmd { code { "tastemaker evaluate " (inner.dir.display()) } }
                }
            }
        }
    };
    Page { title: "Evaluation".into(), place: Place::Report, body }
}
