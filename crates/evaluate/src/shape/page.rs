//! Shapes as a page: a plot and a table of distances for each curve.

use data::grouped;
use maud::{Markup, html};

use super::{CURVES, Calibration, LENGTHS, REUSE, SKEW};
use crate::number::fixed;
use crate::page::plot::{Curve, curves};
use crate::page::{style, whole};

/// What each curve answers.
pub(super) const QUESTIONS: [(&str, &str); 3] = [
    ("reuse", "Share of look-ups that fall on ids used at most so many times"),
    ("skew", "Share of events that fall on the most popular share of items"),
    ("lengths", "Share of visits with at most so many events"),
];
/// Colours of worlds, then of real logs; further ones begin again.
const MADE: [&str; 5] = ["s0", "s1", "s2", "s3", "s4"];
const REAL: [&str; 3] = ["s5 dashed", "s6 dashed", "s7 dashed"];

/// Points of a curve.
pub(super) fn ticks(curve: &str) -> usize {
    match curve {
        "reuse" => REUSE.len(),
        "skew" => SKEW.len(),
        _ => LENGTHS.len(),
    }
}

/// Where a point of a curve is.
pub(super) fn label(curve: &str, at: usize) -> String {
    match curve {
        "reuse" => grouped(REUSE[at]),
        "skew" => format!("{} %", SKEW[at] * 100.0),
        _ => LENGTHS[at].to_string(),
    }
}

/// The whole document.
pub(super) fn document(held: &Calibration) -> Markup {
    whole(
        "Worlds beside real logs",
        &html! {
            article.evaluation {
                (style())
                h1 { "Worlds beside real logs" }
                p.answer { (answer(held)) }
            p.note { "Real logs are dashed." }
                @for (curve, question) in QUESTIONS { (section(held, curve, question)) }
                section {
                    h2 { "What was counted" }
                    table {
                        tbody {
                            @for shape in &held.shapes { tr { th { (shape.name) } td { (shape.what) } } }
                        }
                    }
                    @for missing in &held.missing { p.note { "Not there: " (missing) } }
                }
            }
        },
    )
}

/// The verdict in a sentence.
fn answer(held: &Calibration) -> String {
    let words: Vec<String> = held
        .nearest
        .iter()
        .map(|it| {
            format!("{} of {}: {} ({})", it.curve, it.real, it.made, fixed(it.distance, 2))
        })
        .collect();
    match words.is_empty() {
        true => "There is no real log to hold the worlds against.".into(),
        false => format!("Nearest worlds, with the largest distance — {}.", words.join("; ")),
    }
}

/// Real logs and worlds each count from the first of theirs.
fn colour(held: &Calibration, at: usize) -> &'static str {
    let made = held.shapes[at].made;
    let before = held.shapes[..at].iter().filter(|shape| shape.made == made).count();
    if made { MADE[before % MADE.len()] } else { REAL[before % REAL.len()] }
}

fn section(held: &Calibration, curve: &str, question: &str) -> Markup {
    let of = CURVES.iter().find(|(name, _)| *name == curve).map(|(_, of)| of);
    let drawn: Vec<Curve> = held
        .shapes
        .iter()
        .enumerate()
        .filter_map(|(at, shape)| {
            let values = of.and_then(|of| of(shape))?.clone();
            Some(Curve {
                label: shape.name.clone(),
                colour: colour(held, at).to_owned(),
                values,
            })
        })
        .collect();
    let nearest: Vec<_> = held.nearest.iter().filter(|it| it.curve == curve).collect();
    html! {
        section {
            h2 { (question) }
            ul.legend aria-label="Logs; real ones are dashed" {
                @for curve in &drawn { li { i class=(curve.colour) {} (curve.label) } }
            }
            (curves(&drawn, question, &|at| label(curve, at)))
            @if !nearest.is_empty() {
                h3 { "Largest distance of the two curves" }
                table {
                    thead {
                        tr {
                            th { "real log" }
                            th { "nearest world" }
                            th { "all, from near to far" }
                        }
                    }
                    tbody {
                        @for it in nearest {
                            tr {
                                th { (it.real) }
                                td { (it.made) " " (fixed(it.distance, 3)) }
                                td {
                                    @for (at, (name, distance)) in it.all.iter().enumerate() {
                                        @if at > 0 { ", " }
                                        (name) " " (fixed(*distance, 2))
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}
