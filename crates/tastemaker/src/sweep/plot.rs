//! The plot of a sweep in SVG: one panel a setting, NDCG@10 against its values. The best
//! combination is marked in each.

use maud::{Markup, html};
use serde_json::Value;

use super::plan::value_in_words;
use super::summary::{Axis, Spread, Summary};
use crate::experiment::{Frame, Label, px, sheet};

/// Labels of values that stand side by side at most.
const LABELS_MAX: usize = 6;

/// The plot; empty panels where nothing is finished.
pub(crate) fn svg(summary: &Summary) -> String {
    let panels: Vec<Markup> = summary.varied.iter().map(|axis| panel(summary, axis)).collect();
    sheet(&summary.title, &panels)
}

/// A combination in a panel.
struct Mark {
    /// Where its value lies, 0 to 1.
    at: f64,
    ndcg: Spread,
    words: String,
    best: bool,
}

fn panel(summary: &Summary, axis: &Axis) -> Markup {
    let known: Vec<(&Value, Spread, String)> = summary
        .combinations
        .iter()
        .filter_map(|tried| {
            let words = super::plan::in_words(&tried.values);
            Some((tried.values.get(&axis.path)?, tried.ndcg?, words))
        })
        .collect();
    let values: Vec<&Value> = known.iter().map(|(value, ..)| *value).collect();
    let across = Across::of(&values, axis.log);
    let marks: Vec<Mark> = known
        .into_iter()
        .enumerate()
        .map(|(place, (value, ndcg, words))| Mark {
            at: across.share(value),
            ndcg,
            words,
            best: place == 0,
        })
        .collect();
    let frame = frame(&marks);
    // Words take turns in two lines.
    let turns = if across.ends.is_none() { 2 } else { 1 };
    let labels: Vec<Label> = across
        .labels
        .iter()
        .enumerate()
        .map(|(at, (share, words))| Label {
            share: *share,
            words: words.clone(),
            line: at % turns,
        })
        .collect();
    let scale = if across.log { ", log scale" } else { "" };
    let name = format!("{} by {}{scale}", summary.metric, axis.path);
    let x = |mark: &Mark| px(frame.x(mark.at));
    let y = |value: f64| px(frame.y(value));
    html! {
        (frame.axes(&name, &labels))
        // The best is drawn last, above the others.
        @for mark in marks.iter().rev() {
            g class=(if mark.best { "best" } else { "mark" }) {
                title { (mark.words) ": " (format!("{:.4}", mark.ndcg.mean)) }
                line x1=(x(mark)) x2=(x(mark)) y1=(y(mark.ndcg.min)) y2=(y(mark.ndcg.max)) {}
                circle cx=(x(mark)) cy=(y(mark.ndcg.mean)) r=(if mark.best { 5 } else { 4 }) {}
            }
        }
    }
}

/// Around all marks.
fn frame(marks: &[Mark]) -> Frame {
    let low = marks.iter().map(|mark| mark.ndcg.min).fold(f64::INFINITY, f64::min);
    let high = marks.iter().map(|mark| mark.ndcg.max).fold(f64::NEG_INFINITY, f64::max);
    Frame::around(low, high)
}

/// How values lie from left to right.
struct Across {
    log: bool,
    /// Ends of a scale of numbers; none: values stand side by side.
    ends: Option<(f64, f64)>,
    /// What stands side by side.
    words: Vec<String>,
    labels: Vec<(f64, String)>,
}

impl Across {
    fn of(values: &[&Value], log: bool) -> Across {
        let numbers: Option<Vec<f64>> = values.iter().map(|value| value.as_f64()).collect();
        let mut numbers = numbers.unwrap_or_default();
        numbers.sort_by(f64::total_cmp);
        numbers.dedup_by(|a, b| a.total_cmp(b).is_eq());
        let mut words: Vec<String> = values.iter().map(|value| value_in_words(value)).collect();
        words.sort();
        words.dedup();
        let mut across = Across { log: false, ends: None, words, labels: Vec::new() };
        let (Some(first), Some(last)) = (numbers.first(), numbers.last()) else {
            let room = 80 / across.words.len().max(1);
            let label = |word: &String| (across.side(word), shortened(word, room));
            across.labels = across.words.iter().map(label).collect();
            return across;
        };
        // Lists like 32, 64, 128 and 0.001, 0.01 are meant by ratio.
        across.log = *first > 0.0 && (log || last / first >= 8.0);
        across.ends = Some((*first, *last));
        let shown = if numbers.len() <= LABELS_MAX { numbers } else { vec![*first, *last] };
        across.labels =
            shown.iter().map(|value| (across.place(*value), rounded(*value))).collect();
        across
    }

    /// Where a value lies, 0 to 1.
    fn share(&self, value: &Value) -> f64 {
        match (self.ends, value.as_f64()) {
            (Some(_), Some(value)) => self.place(value),
            _ => self.side(&value_in_words(value)),
        }
    }

    fn place(&self, value: f64) -> f64 {
        let (from, to) = self.ends.unwrap_or((0.0, 1.0));
        let share = match self.log {
            true => (value / from).ln() / (to / from).ln(),
            false => (value - from) / (to - from),
        };
        if share.is_finite() { share } else { 0.5 }
    }

    fn side(&self, word: &String) -> f64 {
        let at = self.words.binary_search(word).unwrap_or(0);
        (at as f64 + 0.5) / self.words.len().max(1) as f64
    }
}

fn shortened(word: &str, room: usize) -> String {
    if word.chars().count() <= room {
        return word.to_owned();
    }
    word.chars().take(room.saturating_sub(1)).chain(['…']).collect()
}

/// To three digits; whole numbers as they are.
fn rounded(value: f64) -> String {
    if value.fract().abs() < f64::EPSILON {
        return value.to_string();
    }
    format!("{value:.2e}")
        .parse::<f64>()
        .map_or_else(|_| value.to_string(), |it| it.to_string())
}

#[cfg(test)]
mod tests;
