//! A report as a page: the answer first, then pictures, then every number, then what was
//! measured on what. One file, no script, nothing loaded from anywhere. A play of policies is
//! shown by the same frame, style and plots.

pub(crate) mod plot;
mod tables;

use maud::{DOCTYPE, Markup, PreEscaped, html};

use self::plot::{Row, Series};
use crate::report::{Group, Metric, ModelReport, Report, Slice};
use crate::terminal::setting_words;
use crate::verdict::count;

const STYLE: &str = include_str!("page/style.css");
/// Colours that tell models apart; further models begin again.
const COLOURS: usize = 8;

/// The whole document.
pub(crate) fn document(report: &Report) -> Markup {
    whole(&format!("Evaluation · {} split", report.setting.split.kind), &body(report))
}

/// A whole document around the inside of a page.
pub(crate) fn whole(title: &str, body: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) }
            }
            body style="margin:0" { main.evaluation-page { (body) } }
        }
    }
}

/// The style sheet, to stand inside a page.
pub(crate) fn style() -> Markup {
    html! { style { (PreEscaped(STYLE)) } }
}

/// The inside of the page.
pub(crate) fn body(report: &Report) -> Markup {
    let k = report.k();
    html! {
        article.evaluation {
            (style())
            @if let Some(leaky) = &report.leaky { p.leaky { (leaky) } }
            h1 { "Evaluation" }
            p.answer { (report.verdict) }
            @for note in &report.notes { p.note { (note) } }
            (legend(report))
            section {
                h2 { "NDCG@" (k) " by model" }
                p.about {
                    "Mean over users with its 95 % interval (user bootstrap). The dashed line is "
                    (report.setting.baseline) ". Each model ranked the whole catalogue of "
                    (count(report.setting.catalogue.items as usize)) " items."
                }
                @for size in &report.groups { (by_model(report, size.group, Metric::Ndcg)) }
                details {
                    summary { "Recall@" (k) " by model" }
                    @for size in &report.groups { (by_model(report, size.group, Metric::Recall)) }
                }
            }
            section {
                h2 { "By length of history" }
                p.about { "NDCG@" (k) " of users with so many training events." }
                (slices(report, |model| &model.by_history, "users", false))
            }
            section {
                h2 { "By popularity of the item" }
                p.about {
                    "Share of the items to be found that stood in the first " (k) " places, by how "
                    "popular they were in training. Popularity alone finds the head only."
                }
                (slices(report, |model| &model.by_popularity, "pairs", false))
            }
            @if report.models.iter().any(|model| !model.over_time.is_empty()) {
                section {
                    h2 { "Over test time" }
                    p.about {
                        "Share of the items to be found that stood in the first " (k) " places, by "
                        "when the user met them. Models do not learn during the test, so a line "
                        "that falls shows how fast they age."
                    }
                    (slices(report, |model| &model.over_time, "pairs", true))
                }
            }
            section {
                h2 { "Every number" }
                (tables::accuracy(report))
                (tables::beyond(report))
            }
            section {
                h2 { "What was measured" }
                @for line in setting_words(report) { p.fact { (line) } }
                (tables::definitions(report))
            }
        }
    }
}

fn colour(at: usize) -> String {
    format!("s{}", at % COLOURS)
}

fn legend(report: &Report) -> Markup {
    html! {
        ul.legend aria-label="Models" {
            @for (at, model) in report.models.iter().enumerate() {
                li { i class=(colour(at)) {} (model.name) }
            }
        }
    }
}

/// Models, the best first, with their intervals.
fn by_model(report: &Report, group: Group, metric: Metric) -> Markup {
    let k = report.k();
    let users = report.users(group);
    let mut rows: Vec<Row> = Vec::new();
    for (at, model) in report.models.iter().enumerate() {
        if let Some(measured) = model.metric(group, k, metric) {
            let (label, colour) = (model.name.clone(), colour(at));
            rows.push(Row { label, colour, value: measured.mean });
        }
    }
    rows.sort_by(|a, b| b.value.value.total_cmp(&a.value.value));
    let baseline = report.model(&report.setting.baseline);
    let line = baseline.and_then(|model| model.metric(group, k, metric));
    html! {
        h3 { (group) " " span.n { "n = " (count(users)) } }
        @if rows.is_empty() {
            p.about { "There is none in this test." }
        } @else {
            (plot::intervals(&rows, line.map(|line| line.mean.value), &format!("{metric}@{k}, {group}")))
        }
    }
}

fn slices(
    report: &Report,
    of: impl Fn(&ModelReport) -> &[Slice],
    unit: &str,
    lines: bool,
) -> Markup {
    let Some(first) = report.models.first() else { return html! {} };
    let labels: Vec<(String, String)> = of(first)
        .iter()
        .map(|slice| (slice.label.clone(), format!("{} {unit}", count(slice.n))))
        .collect();
    let series: Vec<Series> = report
        .models
        .iter()
        .enumerate()
        .map(|(at, model)| Series {
            label: model.name.clone(),
            colour: colour(at),
            values: of(model).iter().map(|slice| slice.value).collect(),
        })
        .collect();
    plot::grouped(&labels, &series, lines)
}
