//! Plots in SVG: values with intervals below each other, and values along an axis, side by side or
//! as curves. Colours and fonts come from the style sheet, so that both schemes work.

mod curves;
mod scale;

use maud::{Markup, html};

use self::scale::Scale;
use crate::Interval;
use crate::number::{fixed, with_interval};

pub(crate) use curves::{Curve, curves};

/// Width of every plot in its own units.
const WIDTH: f64 = 760.0;

/// One model of [`intervals`].
pub(crate) struct Row {
    pub(crate) label: String,
    /// A class of the style sheet.
    pub(crate) colour: String,
    pub(crate) value: Interval,
}

/// One model of [`grouped`]: a value for each label, where there is one.
pub(crate) struct Series {
    pub(crate) label: String,
    /// A class of the style sheet.
    pub(crate) colour: String,
    pub(crate) values: Vec<Option<Interval>>,
}

/// Rows from top to bottom, values from 0 on from left to right; `line` is marked across all rows.
pub(crate) fn intervals(rows: &[Row], line: Option<f64>, about: &str) -> Markup {
    let scale = Scale::from_zero(rows.iter().flat_map(|row| [row.value.low, row.value.high]));
    drawn(rows, line, about, &scale)
}

/// So many usual widths from the line, a value is far away.
const FAR: f64 = 4.0;

/// The same near `line`, wherever that is. What is far from it, by the width of most intervals, does
/// not press the others together: it ends at the edge, with an arrow.
pub(crate) fn around(rows: &[Row], line: f64, about: &str) -> Markup {
    let mut widths: Vec<f64> =
        rows.iter().map(|row| row.value.high - row.value.low).filter(|it| *it > 0.0).collect();
    widths.sort_by(f64::total_cmp);
    let usual = widths.get(widths.len().saturating_sub(1) / 2).copied();
    let room = usual.map_or(f64::INFINITY, |usual| usual * FAR);
    let ends = rows.iter().flat_map(|row| [row.value.low, row.value.value, row.value.high]);
    // Where the line is no number, nothing is far from it.
    let near = ends.filter(|end| !line.is_finite() || (end - line).abs() <= room);
    drawn(rows, Some(line), about, &Scale::around(near.chain([line])))
}

const LEFT: f64 = 132.0;
const RIGHT: f64 = 62.0;
const ROW: f64 = 28.0;

fn drawn(rows: &[Row], line: Option<f64>, about: &str, scale: &Scale) -> Markup {
    let height = rows.len() as f64 * ROW + 30.0;
    let bottom = height - 24.0;
    let x = |value: f64| LEFT + (WIDTH - LEFT - RIGHT) * scale.share(value).clamp(0.0, 1.0);
    html! {
        div.plot {
            svg viewBox=(format!("0 0 {WIDTH} {height}")) role="img" aria-label=(about) {
                @for tick in scale.ticks() {
                    line.grid x1=(px(x(tick))) x2=(px(x(tick))) y1="4" y2=(px(bottom)) {}
                    text.tick x=(px(x(tick))) y=(px(bottom + 17.0)) text-anchor="middle" { (scale.label(tick)) }
                }
                @if let Some(line) = line.filter(|line| line.is_finite()) {
                    line.base x1=(px(x(line))) x2=(px(x(line))) y1="4" y2=(px(bottom)) {}
                }
                @for (at, row) in rows.iter().enumerate() {
                    (mark(row, at as f64 * ROW + 18.0, scale, &x))
                }
            }
        }
    }
}

/// One row: its name, its interval, its value, and the value in digits.
fn mark(row: &Row, y: f64, scale: &Scale, x: &impl Fn(f64) -> f64) -> Markup {
    let Interval { value, low, high } = row.value;
    let there = !value.is_nan();
    let bounded = there && !low.is_nan() && !high.is_nan();
    let beyond = |value: f64| !(0.0..=1.0).contains(&scale.share(value));
    let end = match (bounded, there) {
        (true, _) => x(high),
        (false, true) => x(value),
        (false, false) => LEFT,
    };
    html! {
        g class=(row.colour) {
            title { (row.label) ": " (with_interval(row.value)) }
            text.name x=(px(LEFT - 12.0)) y=(px(y + 4.0)) text-anchor="end" { (short(&row.label)) }
            @if bounded {
                line.whisker x1=(px(x(low))) x2=(px(x(high))) y1=(px(y)) y2=(px(y)) {}
                @if beyond(low) { (arrow(x(low), y, -1.0)) }
                @if beyond(high) { (arrow(x(high), y, 1.0)) }
            }
            @if there && !beyond(value) { circle cx=(px(x(value))) cy=(px(y)) r="5" {} }
            text.value x=(px(end + 10.0)) y=(px(y + 4.0)) { (fixed(value, 4)) }
        }
    }
}

/// It goes on beyond the edge.
fn arrow(x: f64, y: f64, towards: f64) -> Markup {
    let back = x - towards * 7.0;
    let points = format!("{back:.1},{:.1} {x:.1},{y:.1} {back:.1},{:.1}", y - 5.0, y + 5.0);
    html! { polyline.arrow points=(points) {} }
}

/// A name that fits beside a plot.
fn short(name: &str) -> String {
    const LONGEST: usize = 19;
    match name.char_indices().nth(LONGEST) {
        Some(_) => name.chars().take(LONGEST - 1).chain(['…']).collect(),
        None => name.to_owned(),
    }
}

/// Labels from left to right with one mark a model beside each other, joined where `lines`.
pub(crate) fn grouped(labels: &[(String, String)], series: &[Series], lines: bool) -> Markup {
    const LEFT: f64 = 52.0;
    const HEIGHT: f64 = 300.0;
    const BOTTOM: f64 = HEIGHT - 46.0;
    const TOP: f64 = 10.0;
    let values = series.iter().flat_map(|series| &series.values).flatten();
    let scale = Scale::from_zero(values.flat_map(|it| [it.low, it.high]));
    let step = (WIDTH - LEFT) / labels.len().max(1) as f64;
    let dodge = (step * 0.72 / series.len().max(1) as f64).min(15.0);
    let y = |value: f64| BOTTOM - (BOTTOM - TOP) * scale.share(value);
    let x = |label: usize, series_at: usize| {
        let middle = (series.len() as f64 - 1.0) / 2.0;
        LEFT + (label as f64 + 0.5) * step + (series_at as f64 - middle) * dodge
    };
    html! {
        div.plot {
            svg viewBox=(format!("0 0 {WIDTH} {HEIGHT}")) role="img" {
                @for tick in scale.ticks() {
                    line.grid x1=(px(LEFT)) x2=(px(WIDTH)) y1=(px(y(tick))) y2=(px(y(tick))) {}
                    text.tick x=(px(LEFT - 8.0)) y=(px(y(tick) + 4.0)) text-anchor="end" { (scale.label(tick)) }
                }
                @for (at, (label, n)) in labels.iter().enumerate() {
                    @let middle = LEFT + (at as f64 + 0.5) * step;
                    @if at % 2 == 1 {
                        rect.band x=(px(LEFT + at as f64 * step)) y=(px(TOP)) width=(px(step)) height=(px(BOTTOM - TOP)) {}
                    }
                    text.name x=(px(middle)) y=(px(BOTTOM + 18.0)) text-anchor="middle" { (label) }
                    text.tick x=(px(middle)) y=(px(BOTTOM + 35.0)) text-anchor="middle" { (n) }
                }
                @for (series_at, series) in series.iter().enumerate() {
                    g class=(series.colour) {
                        @if lines {
                            @let points = path(&series.values, |label, value| (x(label, series_at), y(value)));
                            polyline.join points=(points) {}
                        }
                        @for (at, value) in series.values.iter().enumerate() {
                            @if let Some(value) = value {
                                g {
                                    title { (series.label) ", " (labels[at].0) ": " (with_interval(*value)) }
                                    line.whisker x1=(px(x(at, series_at))) x2=(px(x(at, series_at))) y1=(px(y(value.low))) y2=(px(y(value.high))) {}
                                    circle cx=(px(x(at, series_at))) cy=(px(y(value.value))) r="4" {}
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn path(values: &[Option<Interval>], at: impl Fn(usize, f64) -> (f64, f64)) -> String {
    let known = values.iter().enumerate().filter_map(|(label, it)| Some((label, (*it)?.value)));
    let points = known.map(|(label, value)| at(label, value));
    points.map(|(x, y)| format!("{x:.1},{y:.1}")).collect::<Vec<_>>().join(" ")
}

fn px(at: f64) -> String {
    format!("{at:.1}")
}
