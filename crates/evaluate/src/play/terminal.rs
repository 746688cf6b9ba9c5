//! A play as text: the verdict, then one compact table a question.

use comfy_table::Table;

use super::measure::MEASURES;
use super::words::{arm_name, interleaved_words, of_the_log, pace, weights, world_words};
use super::{PlayReport, PolicyEstimates};
use crate::number::{digits, fixed, interval, signed, signed_interval};
use crate::terminal::{add, table};

/// The whole text. Lines of prose are not wrapped: the terminal does that.
pub(super) fn text(play: &PlayReport) -> String {
    let mut lines = vec![play.verdict.clone(), String::new()];
    lines.push(format!("what happened in {} days", play.world.days));
    lines.push(totals(play).to_string());
    if !play.differences.is_empty() {
        lines.push(String::new());
        lines.push("a person, first minus second".to_owned());
        lines.push(differences(play).to_string());
    }
    if let Some(interleaved) = &play.interleaved {
        lines.push(interleaved_words(play, interleaved));
    }
    for estimates in &play.estimates {
        lines.push(String::new());
        lines.push(of_the_log(play, estimates));
        lines.extend(estimates.alarms.iter().map(|alarm| format!("ALARM: {alarm}")));
        lines.push(estimators(estimates).to_string());
        lines.push(weights(estimates));
    }
    lines.push(String::new());
    lines.extend(world_words(play));
    let paces: Vec<String> = play.arms.iter().map(pace).collect();
    lines.push(format!("time: {}", paces.join("; ")));
    lines.join("\n") + "\n"
}

fn totals(play: &PlayReport) -> Table {
    let people = play.world.users as f64;
    let mut header = vec![String::new()];
    header.extend(play.arms.iter().map(|arm| arm.name.clone()));
    header.push("change".to_owned());
    let mut table = table(header);
    for measure in MEASURES {
        let mut cells = vec![measure.name.to_owned()];
        cells.extend(play.arms.iter().map(|arm| measure.text(&arm.total, people)));
        cells.push(measure.change(play));
        add(&mut table, cells);
    }
    table
}

fn differences(play: &PlayReport) -> Table {
    let arms = [0, 1].map(|at| arm_name(play, at).to_owned());
    let words = ["difference", "95 % interval"].map(str::to_owned);
    let header = std::iter::once(String::new()).chain(arms).chain(words);
    let mut table = table(header.collect());
    for row in &play.differences {
        let digits = digits(row.first.abs().max(row.second.abs()));
        add(
            &mut table,
            vec![
                row.of.clone(),
                fixed(row.first, digits),
                fixed(row.second, digits),
                signed(row.difference.value, digits),
                signed_interval(row.difference, digits),
            ],
        );
    }
    table
}

fn estimators(estimates: &PolicyEstimates) -> Table {
    let truth = estimates.true_value;
    let header = ["estimator", "value", "95 % interval", "off by", "covers the truth"];
    let mut table = table(header.map(str::to_owned).into());
    for estimator in &estimates.estimators {
        let it = estimator.value;
        add(
            &mut table,
            vec![
                estimator.name.clone(),
                fixed(it.value, 4),
                interval(it, 4),
                signed(it.value - truth, 4),
                if estimator.covers(truth) { "yes" } else { "no" }.to_owned(),
            ],
        );
    }
    add(&mut table, vec!["true value".into(), fixed(truth, 4)]);
    table
}
