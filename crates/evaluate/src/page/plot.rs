//! Two plots in SVG: models with intervals below each other, and models side by side along an
//! axis. Colours and fonts come from the style sheet, so that both schemes work.

use maud::{Markup, html};

use crate::Interval;

/// Width of every plot in its own units.
const WIDTH: f64 = 760.0;

/// One model of [`intervals`].
pub(super) struct Row {
    pub(super) label: String,
    /// A class of the style sheet.
    pub(super) colour: String,
    pub(super) value: Interval,
}

/// One model of [`grouped`]: a value for each label, where there is one.
pub(super) struct Series {
    pub(super) label: String,
    /// A class of the style sheet.
    pub(super) colour: String,
    pub(super) values: Vec<Option<Interval>>,
}

/// Rows from top to bottom, values from left to right; `line` is marked across all rows.
pub(super) fn intervals(rows: &[Row], line: Option<f64>, about: &str) -> Markup {
    const LEFT: f64 = 132.0;
    const RIGHT: f64 = 62.0;
    const ROW: f64 = 28.0;
    let height = rows.len() as f64 * ROW + 30.0;
    let bottom = height - 24.0;
    let scale = Scale::of(rows.iter().map(|row| row.value.high));
    let x = |value: f64| LEFT + (WIDTH - LEFT - RIGHT) * scale.share(value);
    html! {
        div.plot {
            svg viewBox=(format!("0 0 {WIDTH} {height}")) role="img" aria-label=(about) {
                @for tick in scale.ticks() {
                    line.grid x1=(px(x(tick))) x2=(px(x(tick))) y1="4" y2=(px(bottom)) {}
                    text.tick x=(px(x(tick))) y=(px(bottom + 17.0)) text-anchor="middle" { (scale.label(tick)) }
                }
                @if let Some(line) = line {
                    line.base x1=(px(x(line))) x2=(px(x(line))) y1="4" y2=(px(bottom)) {}
                }
                @for (at, row) in rows.iter().enumerate() {
                    @let y = at as f64 * ROW + 18.0;
                    g class=(row.colour) {
                        title { (row.label) ": " (words(row.value)) }
                        text.name x=(px(LEFT - 12.0)) y=(px(y + 4.0)) text-anchor="end" { (row.label) }
                        line.whisker x1=(px(x(row.value.low))) x2=(px(x(row.value.high))) y1=(px(y)) y2=(px(y)) {}
                        circle cx=(px(x(row.value.value))) cy=(px(y)) r="5" {}
                        text.value x=(px(x(row.value.high) + 10.0)) y=(px(y + 4.0)) { (format!("{:.4}", row.value.value)) }
                    }
                }
            }
        }
    }
}

/// Labels from left to right with one mark a model beside each other, joined where `lines`.
pub(super) fn grouped(labels: &[(String, String)], series: &[Series], lines: bool) -> Markup {
    const LEFT: f64 = 52.0;
    const HEIGHT: f64 = 300.0;
    const BOTTOM: f64 = HEIGHT - 46.0;
    const TOP: f64 = 10.0;
    let highs = series.iter().flat_map(|series| &series.values).flatten().map(|it| it.high);
    let scale = Scale::of(highs);
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
                                    title { (series.label) ", " (labels[at].0) ": " (words(*value)) }
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

fn words(it: Interval) -> String {
    format!("{:.4} ({:.4} to {:.4})", it.value, it.low, it.high)
}

/// From 0 to a round number above the highest value.
struct Scale {
    step: f64,
    steps: usize,
}

impl Scale {
    fn of(highs: impl Iterator<Item = f64>) -> Scale {
        let highest = highs.fold(0.0, f64::max).max(1e-4);
        let rough = highest / 5.0;
        let power = 10f64.powf(rough.log10().floor());
        let step = [1.0, 2.0, 2.5, 5.0, 10.0]
            .map(|times| times * power)
            .into_iter()
            .find(|step| *step >= rough * 0.999)
            .unwrap_or(10.0 * power);
        Scale { step, steps: ((highest / step) - 1e-9).ceil().max(1.0) as usize }
    }

    fn share(&self, value: f64) -> f64 {
        value / (self.step * self.steps as f64)
    }

    fn ticks(&self) -> Vec<f64> {
        (0..=self.steps).map(|at| at as f64 * self.step).collect()
    }

    fn label(&self, tick: f64) -> String {
        let digits = (-self.step.log10()).ceil().max(0.0) as usize;
        let digits =
            digits + usize::from((self.step * 10f64.powi(digits as i32)).fract() > 1e-6);
        format!("{tick:.digits$}")
    }
}
