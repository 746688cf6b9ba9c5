//! A play as a page: the verdict first, then what happened day by day, then every number, then
//! what a log would have said of it, then the world.

use data::grouped;
use maud::{Markup, html};

use super::measure::{
    click_rate, satisfaction_a_person, satisfaction_a_visit, visits_a_person,
};
use super::words::{arm_name, interleaved_words, of_the_log, pace, weights, world_words};
use super::{PlayReport, PolicyEstimates, Tally, tables};
use crate::number::fixed;
use crate::page::plot::{Curve, Row, around, curves};
use crate::page::{style, whole};

/// Colours of the arms; further arms begin again.
const COLOURS: [&str; 4] = ["s2", "s5", "s3", "s4"];

/// The whole document.
pub(super) fn document(play: &PlayReport) -> Markup {
    let (first, second) = (arm_name(play, 0), arm_name(play, 1));
    whole(&format!("{first} against {second} · {}", play.world.preset), &body(play))
}

/// The inside of the page.
pub(super) fn body(play: &PlayReport) -> Markup {
    let alarms: usize = play.estimates.iter().map(|it| it.alarms.len()).sum();
    html! {
        article.evaluation {
            (style())
            h1 { (arm_name(play, 0)) " against " (arm_name(play, 1)) }
            p.answer { (play.verdict) }
            p.note {
                "Played in the simulated world " b { (play.world.preset) } ", whose truth is known: "
                (grouped(play.world.users)) " people, " (play.world.days) " days."
                @if alarms > 0 {
                    " Of what the log says, " (alarms) @if alarms == 1 { " thing is" } @else { " things are" }
                    " not to be trusted: each alarm stands beside its numbers."
                }
            }
            ul.legend aria-label="Policies" {
                @for (at, arm) in play.arms.iter().enumerate() {
                    li { i class=(colour(at)) {} (arm.name) }
                }
            }
            section { (days(play)) }
            section {
                h2 { "What happened" }
                p.about {
                    "Sums over all days. Satisfaction is what people got out of their clicks, which no "
                    "product sees. A person's sum over all days is the value of a policy in the long "
                    "term: who is pleased comes back sooner, and creates more."
                }
                (tables::totals(play))
                @if !play.differences.is_empty() {
                    h3 { "A person, " (arm_name(play, 0)) " minus " (arm_name(play, 1)) }
                    p.about { "With the 95 % interval over people. The colour says where it leaves 0 out." }
                    (tables::differences(play))
                }
            }
            @if let Some(interleaved) = &play.interleaved {
                section {
                    h2 { "In one slate" }
                    p.fact { (interleaved_words(play, interleaved)) "." }
                }
            }
            @for estimates in &play.estimates { section { (of_log(play, estimates)) } }
            section {
                h2 { "The world" }
                @for line in world_words(play) { p.fact { (line) "." } }
                p.fact {
                    "It took "
                    @for (at, arm) in play.arms.iter().enumerate() {
                        @if at > 0 { "; " }
                        (pace(arm))
                    }
                    "."
                }
                (tables::definitions())
            }
        }
    }
}

fn colour(at: usize) -> &'static str {
    COLOURS[at % COLOURS.len()]
}

fn days(play: &PlayReport) -> Markup {
    let plot = |of: fn(&Tally, f64) -> f64, about: &str| {
        let lines = play.arms.iter().enumerate().map(|(at, arm)| Curve {
            label: arm.name.clone(),
            colour: colour(at).to_owned(),
            values: arm.days.iter().map(|day| of(day, play.world.users as f64)).collect(),
        });
        curves(&lines.collect::<Vec<_>>(), about, &|day| match day {
            0 => "day 1".to_owned(),
            day => (day + 1).to_string(),
        })
    };
    let folded = |name: &str, of: fn(&Tally, f64) -> f64| {
        html! { details { summary { (name) } (plot(of, name)) } }
    };
    let name = "Satisfaction a person, day by day";
    html! {
        h2 { (name) }
        @if play.arms.iter().all(|arm| arm.days.is_empty()) {
            p.about { "No day was played." }
        } @else {
            p.about { "The truth, over everybody: also over those who did not come that day." }
            (plot(satisfaction_a_person, name))
            (folded("Satisfaction a visit", satisfaction_a_visit))
            (folded("Visits a person", visits_a_person))
            (folded("Click rate", |day, _| click_rate(day)))
        }
    }
}

fn of_log(play: &PlayReport, estimates: &PolicyEstimates) -> Markup {
    let truth = estimates.true_value;
    let rows: Vec<Row> = estimates
        .estimators
        .iter()
        .map(|it| Row {
            label: it.name.clone(),
            colour: if it.covers(truth) { "s4" } else { "s6" }.to_owned(),
            value: it.value,
        })
        .collect();
    html! {
        h2 { (of_the_log(play, estimates)) }
        @for alarm in &estimates.alarms { p.alarm style="margin:.6rem 0" { (alarm) } }
        p.about {
            "The dashed line is the truth, " (fixed(truth, 4)) ". Points are estimates from the log with "
            "their 95 % intervals over people; those that miss it have another colour. An arrow goes on "
            "beyond the picture."
        }
        @if rows.is_empty() {
            p.about { "Nothing was estimated." }
        } @else {
            (around(&rows, truth, &estimates.of))
            (tables::estimators(estimates))
        }
        p.about style="margin-top:.8rem" { (weights(estimates)) "." }
    }
}
