//! Every number of a report in tables.

use maud::{Markup, html};

use crate::Interval;
use crate::report::{Group, Metric, ModelReport, Report};
use crate::terminal::microseconds;
use crate::verdict::count;

/// One table a group of users and cut-off, all but the first folded away.
pub(super) fn accuracy(report: &Report) -> Markup {
    html! {
        @for size in &report.groups {
            @for (at, k) in report.setting.k.iter().enumerate() {
                @if size.users > 0 {
                    details open[at == 0] {
                        summary { "Accuracy at " (k) ", " (size.group) " " span.n { "n = " (count(size.users)) } }
                        div.wide { (of_group(report, size.group, *k)) }
                    }
                } @else if at == 0 {
                    p.about { "Accuracy, " (size.group) ": n = 0, nobody." }
                }
            }
        }
    }
}

fn of_group(report: &Report, group: Group, k: u32) -> Markup {
    html! {
        table {
            thead {
                tr {
                    th { "model" }
                    th.num { (Metric::Ndcg) "@" (k) }
                    th.num { "vs " (report.setting.baseline) }
                    @for metric in &Metric::EVERY[1..] { th.num { (metric) "@" (k) } }
                }
            }
            tbody {
                @for model in &report.models {
                    tr {
                        th scope="row" { (model.name) }
                        td.num { (cell(model, group, k, Metric::Ndcg)) }
                        td.num {
                            @match model.metric(group, k, Metric::Ndcg).and_then(|it| it.difference) {
                                Some(by) => {
                                    span class=(direction(by)) { (format!("{:+.4}", by.value)) }
                                    small { (format!("{:+.4} to {:+.4}", by.low, by.high)) }
                                }
                                None => { "—" }
                            }
                        }
                        @for metric in &Metric::EVERY[1..] {
                            td.num { (cell(model, group, k, *metric)) }
                        }
                    }
                }
            }
        }
    }
}

/// Whether an interval lies above 0, below 0, or around it.
fn direction(by: Interval) -> &'static str {
    if by.low > 0.0 {
        "better"
    } else if by.high < 0.0 {
        "worse"
    } else {
        "even"
    }
}

fn cell(model: &ModelReport, group: Group, k: u32, metric: Metric) -> Markup {
    match model.metric(group, k, metric) {
        Some(measured) => four(measured.mean),
        None => html! { "—" },
    }
}

fn four(it: Interval) -> Markup {
    html! { (format!("{:.4}", it.value)) small { (format!("{:.4} to {:.4}", it.low, it.high)) } }
}

/// What accuracy does not say.
pub(super) fn beyond(report: &Report) -> Markup {
    let users = report.users(Group::All);
    let interval = |it: Option<Interval>| {
        html! {
            @match it { Some(it) => (four(it)), None => { "—" } }
        }
    };
    let number =
        |value: Option<f64>| value.map_or("—".to_owned(), |value| format!("{value:.4}"));
    html! {
        @for (at, k) in report.setting.k.iter().enumerate() {
            details open[at == 0] {
                summary { "Beyond accuracy at " (k) ", all users" }
                div.wide {
                    table {
                        thead {
                            tr {
                                th { "model" }
                                th.num { "debiased HR" }
                                th.num { "coverage" }
                                th.num { "Gini" }
                                th.num { "novelty, bits" }
                                th.num { "diversity" }
                                th.num { "empty lists" }
                                th.num { "µs a user" }
                            }
                        }
                        tbody {
                            @for model in &report.models {
                                @if let Some(beyond) = model.beyond_at(*k) {
                                    tr {
                                        th scope="row" { (model.name) }
                                        td.num { (interval(beyond.debiased_hit_rate)) }
                                        td.num { (number(beyond.coverage)) }
                                        td.num { (number(beyond.gini)) }
                                        td.num { (interval(beyond.novelty)) }
                                        td.num { (interval(beyond.diversity)) }
                                        td.num { (count(model.empty_lists)) }
                                        td.num { (format!("{:.0}", microseconds(model, users))) }
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

/// What the words mean.
pub(super) fn definitions(report: &Report) -> Markup {
    let k = report.k();
    html! {
        details {
            summary { "What the words mean" }
            dl {
                dt { "NDCG@" (k) }
                dd { "Hits in the first " (k) " places, higher places counting more, over the best that was possible for the user." }
                dt { "Recall@" (k) ", Precision@" (k) ", HR@" (k) }
                dd { "Share of the user's relevant items that were found; share of the places that held one; whether any did." }
                dt { "MRR@" (k) ", MAP@" (k) }
                dd { "One over the place of the first hit; mean precision at the hits, over min(relevant, " (k) ")." }
                dt { "debiased HR" }
                dd { "Chance that a relevant item is found, each weighted by one over the root of its training users, so that popular items count less." }
                dt { "coverage, Gini" }
                dd { "Share of the catalogue in anybody's list; how unevenly places are handed out (0 evenly, near 1 all to one)." }
                dt { "novelty" }
                dd { "Mean of -log2 of the share of training users who have the item: 1 bit is known to half of them, 10 bits to one in a thousand." }
                dt { "diversity" }
                dd { "Mean of 1 - Jaccard similarity of the categories of two items of a list." }
                dt { "warm, cold" }
                dd { "Users with and without a history at the split. Models that need a history give cold users an empty list, and that counts as misses." }
            }
        }
    }
}
