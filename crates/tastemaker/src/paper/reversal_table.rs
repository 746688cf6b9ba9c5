//! Whether the order of models survives another split, as tables.

use std::fmt::Write;

use evaluate::Interval;

use super::reversal::{Counts, OfMetric, Order, Placed, ReversalSummary, Reversals, Side};
use super::table::{Rows, shown_name};

/// All of it; `table` draws rows, the first of which is the head.
pub(crate) fn reversals(all: &Reversals, table: Rows<'_>) -> String {
    let mut text = String::from("**Does the order of models survive another split?**\n\n");
    if all.totals.is_empty() {
        text.push_str("no two models are finished under both splits yet");
    } else {
        text.push_str(&table(&overview(all)));
        text.push_str(
            "\n\nPairs of models. Reversed: by the means. Decided: the 95 % interval of the \
             difference, users paired and seeds averaged, excludes 0.",
        );
    }
    for set in &all.sets {
        let _ = write!(text, "\n\n**{}: {}**", set.title, in_words(&set.sides));
        if !set.metrics.is_empty() {
            let _ = write!(text, "\n\n{}", table(&ranks(set)));
        }
        let reversed = reversed(set);
        if reversed.len() > 1 {
            let _ = write!(text, "\n\nReversed beyond doubt:\n\n{}", table(&reversed));
        } else if !set.metrics.is_empty() {
            text.push_str("\n\nNo pair is decided one way and the other.");
        }
        if !set.missing.is_empty() {
            let each =
                set.missing.iter().map(|missing| format!("{}/{}", missing.grid, missing.arm));
            let _ = write!(text, "\n\nNot finished: {}.", each.collect::<Vec<_>>().join(", "));
        }
    }
    text
}

/// `leave-last-out (leaky), 943 cases, against time`.
fn in_words(sides: &[Side; 2]) -> String {
    let side = |side: &Side| {
        let leaky = if side.leaky { " (leaky)" } else { "" };
        let cases = match side.cases {
            0 => String::new(),
            cases => format!(", {cases} cases"),
        };
        format!("{}{leaky}{cases}", side.split)
    };
    format!("{}; against {}", side(&sides[0]), side(&sides[1]))
}

fn short(side: &Side) -> &str {
    side.split.split(',').next().unwrap_or_default()
}

fn overview(all: &Reversals) -> Vec<Vec<String>> {
    let [first, second] = match all.sets.first() {
        Some(set) => set.sides.each_ref().map(short),
        None => ["", ""],
    };
    let mut rows = vec![vec![
        "set".to_owned(),
        "by".into(),
        "models".into(),
        "pairs".into(),
        "reversed".into(),
        "decided under both".into(),
        "of these reversed".into(),
        "Kendall's τ".into(),
        format!("best, {first}"),
        format!("best, {second}"),
    ]];
    for set in &all.sets {
        for own in &set.metrics {
            let mut row =
                vec![set.title.clone(), shown_name(&own.metric), own.arms.len().to_string()];
            row.extend(counted(&own.counts));
            row.push(own.kendall_tau.map_or("–".into(), |tau| format!("{tau:.2}")));
            row.extend(own.best.iter().map(|best| titles(own, best)));
            rows.push(row);
        }
    }
    for total in all.totals.iter().filter(|total| total.sets > 1) {
        let mut row = vec!["all".to_owned(), shown_name(&total.metric), String::new()];
        row.extend(counted(&total.counts));
        row.extend([const { String::new() }; 3]);
        rows.push(row);
    }
    rows
}

fn counted(counts: &Counts) -> [String; 4] {
    let share = |part: usize, of: usize| match of {
        0 => part.to_string(),
        of => format!("{part} ({:.0} %)", 100.0 * part as f64 / of as f64),
    };
    [
        counts.pairs.to_string(),
        share(counts.reversed, counts.pairs),
        counts.decided_in_both.to_string(),
        share(counts.decided_reversed, counts.decided_in_both),
    ]
}

fn titles(own: &OfMetric, names: &[String]) -> String {
    let of = |name: &String| title(own, name).to_owned();
    names.iter().map(of).collect::<Vec<_>>().join(" = ")
}

fn title<'a>(own: &'a OfMetric, name: &'a str) -> &'a str {
    own.arms.iter().find(|arm| arm.arm == name).map_or(name, |arm| &arm.title)
}

fn ranks(set: &ReversalSummary) -> Vec<Vec<String>> {
    let mut head = vec!["model".to_owned(), "seeds".to_owned()];
    for own in &set.metrics {
        for side in &set.sides {
            head.push(format!("{}, {}", shown_name(&own.metric), short(side)));
            head.push("rank".into());
        }
    }
    let mut rows = vec![head];
    let Some(first) = set.metrics.first() else { return rows };
    for arm in &first.arms {
        let seeds = match arm.seeds {
            [one, other] if one == other => one.to_string(),
            [one, other] => format!("{one}, {other}"),
        };
        let mut row = vec![arm.title.clone(), seeds];
        for own in &set.metrics {
            match own.arms.iter().find(|placed| placed.arm == arm.arm) {
                Some(placed) => row.extend(values(placed)),
                None => row.extend([const { String::new() }; 4]),
            }
        }
        rows.push(row);
    }
    rows
}

fn values(placed: &Placed) -> impl Iterator<Item = String> {
    let both = placed.values.iter().zip(placed.ranks);
    both.flat_map(|(value, rank)| [format!("{value:.4}"), rank.to_string()])
}

/// Pairs that are reversed beyond doubt: who is better by the second split, and than whom.
fn reversed(set: &ReversalSummary) -> Vec<Vec<String>> {
    let [first, second] = set.sides.each_ref().map(short);
    let by = |split: &str| format!("ahead, {split}");
    let mut rows = vec![vec![
        "by".to_owned(),
        format!("better by {second}"),
        "than".into(),
        by(second),
        by(first),
    ]];
    for own in &set.metrics {
        for pair in own.pairs.iter().filter(|pair| pair.verdict == Order::Reversed) {
            let turned = pair.turned();
            let [winner, loser] =
                turned.arms.each_ref().map(|name| title(own, name).to_owned());
            let [first, second] = turned.differences.each_ref().map(ahead);
            rows.push(vec![shown_name(&own.metric), winner, loser, second, first]);
        }
    }
    rows
}

fn ahead(difference: &Interval) -> String {
    let Interval { value, low, high } = difference;
    format!("{value:+.4} [{low:+.4}, {high:+.4}]")
}
