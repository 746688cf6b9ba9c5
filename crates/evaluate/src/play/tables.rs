//! Every number of a play in tables.

use maud::{Markup, html};

use super::measure::MEASURES;
use super::words::arm_name;
use super::{Difference, PlayReport, PolicyEstimates};
use crate::number::{digits, fixed, interval, signed, signed_interval};

/// Both arms side by side.
pub(super) fn totals(play: &PlayReport) -> Markup {
    let people = play.world.users as f64;
    html! {
        div.wide {
            table {
                thead {
                    tr {
                        th { "" }
                        @for arm in &play.arms { th.num { (arm.name) } }
                        th.num { "change" }
                    }
                }
                tbody {
                    @for measure in MEASURES {
                        tr {
                            th scope="row" { (measure.name) }
                            @for arm in &play.arms { td.num { (measure.text(&arm.total, people)) } }
                            td.num { (measure.change(play)) }
                        }
                    }
                }
            }
        }
    }
}

/// What is paired, with intervals.
pub(super) fn differences(play: &PlayReport) -> Markup {
    html! {
        div.wide {
            table {
                thead {
                    tr {
                        th { "" }
                        th.num { (arm_name(play, 0)) }
                        th.num { (arm_name(play, 1)) }
                        th.num { "difference" }
                        th.num { "95 % interval" }
                    }
                }
                tbody {
                    @for row in &play.differences {
                        @let digits = digits(row.first.abs().max(row.second.abs()));
                        tr {
                            th scope="row" { (row.of) }
                            td.num { (fixed(row.first, digits)) }
                            td.num { (fixed(row.second, digits)) }
                            td.num { span class=(direction(row)) { (signed(row.difference.value, digits)) } }
                            td.num { (signed_interval(row.difference, digits)) }
                        }
                    }
                }
            }
        }
    }
}

/// Whether the first arm is better, worse, or neither is known.
fn direction(row: &Difference) -> &'static str {
    let fewer_is_better = row.of.contains("abandon") || row.of.contains("skip");
    let (above, below) = (row.difference.low > 0.0, row.difference.high < 0.0);
    match (above, below) {
        (true, _) if fewer_is_better => "worse",
        (_, true) if fewer_is_better => "better",
        (true, _) => "better",
        (_, true) => "worse",
        (false, false) => "even",
    }
}

/// One estimator a row, the truth below them.
pub(super) fn estimators(estimates: &PolicyEstimates) -> Markup {
    let truth = estimates.true_value;
    html! {
        div.wide {
            table {
                thead {
                    tr {
                        th { "estimator" }
                        th.num { "value" }
                        th.num { "95 % interval" }
                        th.num { "off by" }
                        th.num { "covers the truth" }
                    }
                }
                tbody {
                    @for estimator in &estimates.estimators {
                        @let it = estimator.value;
                        tr {
                            th scope="row" { (estimator.name) }
                            td.num { (fixed(it.value, 4)) }
                            td.num { (interval(it, 4)) }
                            td.num { (signed(it.value - truth, 4)) }
                            td.num {
                                @if estimator.covers(truth) { span.better { "yes" } }
                                @else { span.worse { "no" } }
                            }
                        }
                    }
                    tr {
                        th scope="row" { "true value" }
                        td.num { (fixed(truth, 4)) }
                        td.num { "" }
                        td.num { "" }
                        td.num { "" }
                    }
                }
            }
        }
    }
}

/// What the words mean.
pub(super) fn definitions() -> Markup {
    html! {
        details {
            summary { "What the words mean" }
            dl {
                dt { "satisfaction" }
                dd { "What a click was truly worth to the person. It is known because the world is simulated; a click on something that only looks good counts little." }
                dt { "click rate expected" }
                dd { "Clicks that the slates were expected to bring, over impressions: the truth without its noise." }
                dt { "visits abandoned" }
                dd { "Share of the visits that ended in the middle of a slate." }
                dt { "creations" }
                dd { "Items that people made themselves; others are shown them from the next day on." }
                dt { "true value" }
                dd { "Of the first policy on the requests of the log, from the probabilities of the world. An estimator sees only what a product would have logged." }
                dt { "IPS, SNIPS" }
                dd { "What was logged, weighted by how much likelier the first policy would have shown it; SNIPS divides by the sum of the weights." }
                dt { "DM, DR" }
                dd { "DM asks a model of the reward; DR corrects that model by the weighted errors that it makes in the log, and is right where either the model or the propensities are." }
                dt { "worth of a log" }
                dd { "Effective sample size over requests: a log of a policy that rarely does what the other would have done is worth few requests of that other." }
            }
        }
    }
}
