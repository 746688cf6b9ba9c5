//! The plot of a sweep in SVG: one panel a setting, NDCG@10 against its values. The best
//! combination is marked in each.

use maud::{Markup, PreEscaped, html};
use serde_json::Value;

use super::plan::value_in_words;
use super::summary::{Axis, Spread, Summary};

/// Sizes in the plot's own units.
const WIDTH: f64 = 380.0;
const HEIGHT: f64 = 260.0;
const LEFT: f64 = 62.0;
const RIGHT: f64 = 18.0;
const TOP: f64 = 34.0;
const BOTTOM: f64 = 44.0;
const ABREAST: usize = 2;
/// Labels of values that stand side by side at most.
const LABELS_MAX: usize = 6;

const STYLE: &str = "text{font:12px sans-serif;fill:#333}.axis{stroke:#999}.grid{stroke:#ddd}\
    .mark{fill:#2a6f97;stroke:#2a6f97}.best{fill:#d1495b;stroke:#d1495b}.name{font-weight:bold}\
    @media(prefers-color-scheme:dark){text{fill:#ddd}.axis{stroke:#777}.grid{stroke:#444}\
    .mark{fill:#61a5c2;stroke:#61a5c2}}";

/// The plot; empty panels where nothing is finished.
pub(crate) fn svg(summary: &Summary) -> String {
    let rows = summary.varied.len().div_ceil(ABREAST).max(1);
    let columns = summary.varied.len().clamp(1, ABREAST);
    let (width, height) = (WIDTH * columns as f64, HEIGHT * rows as f64);
    let markup = html! {
        svg xmlns="http://www.w3.org/2000/svg" viewBox=(format!("0 0 {width} {height}"))
            width=(width) height=(height) role="img" aria-label=(summary.title) {
            style { (PreEscaped(STYLE)) }
            @for (at, axis) in summary.varied.iter().enumerate() {
                @let (x, y) = ((at % ABREAST) as f64 * WIDTH, (at / ABREAST) as f64 * HEIGHT);
                g transform=(format!("translate({x} {y})")) { (panel(summary, axis)) }
            }
        }
    };
    markup.into_string()
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
    let (low, high) = heights(&marks);
    let x = |share: f64| LEFT + 14.0 + (WIDTH - LEFT - RIGHT - 28.0) * share;
    let floor = HEIGHT - BOTTOM;
    let y = |value: f64| floor - (floor - TOP) * (value - low) / (high - low);
    html! {
        text.name x=(LEFT) y="20" { (summary.metric) " by " (axis.path) @if across.log { ", log scale" } }
        line.axis x1=(LEFT) x2=(WIDTH - RIGHT) y1=(floor) y2=(floor) {}
        @for step in 0..=4 {
            @let value = low + (high - low) * f64::from(step) / 4.0;
            line.grid x1=(LEFT) x2=(WIDTH - RIGHT) y1=(px(y(value))) y2=(px(y(value))) {}
            text x=(LEFT - 6.0) y=(px(y(value) + 4.0)) text-anchor="end" { (format!("{value:.4}")) }
        }
        @for (at, (share, label)) in across.labels.iter().enumerate() {
            // Words take turns in two lines.
            @let line = if across.ends.is_none() { at % 2 } else { 0 };
            text x=(px(x(*share))) y=(floor + 18.0 + 15.0 * line as f64) text-anchor="middle" { (label) }
        }
        // The best is drawn last, above the others.
        @for mark in marks.iter().rev() {
            g class=(if mark.best { "best" } else { "mark" }) {
                title { (mark.words) ": " (format!("{:.4}", mark.ndcg.mean)) }
                line x1=(px(x(mark.at))) x2=(px(x(mark.at))) y1=(px(y(mark.ndcg.min))) y2=(px(y(mark.ndcg.max))) {}
                circle cx=(px(x(mark.at))) cy=(px(y(mark.ndcg.mean))) r=(if mark.best { 5 } else { 4 }) {}
            }
        }
    }
}

/// The least and the most with room; the second above the first.
fn heights(marks: &[Mark]) -> (f64, f64) {
    let low = marks.iter().map(|mark| mark.ndcg.min).fold(f64::INFINITY, f64::min);
    let high = marks.iter().map(|mark| mark.ndcg.max).fold(f64::NEG_INFINITY, f64::max);
    if low > high {
        return (0.0, 1.0);
    }
    let room = ((high - low) * 0.08).max(5e-4);
    ((low - room).max(0.0), high + room)
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

fn px(at: f64) -> String {
    format!("{at:.1}")
}

#[cfg(test)]
mod tests;
