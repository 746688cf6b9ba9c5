//! Values along an axis as curves.

use maud::{Markup, html};

use super::scale::Scale;
use super::{WIDTH, px};
use crate::number::{digits, fixed};

/// One curve: a value for each point of the axis, where there is one.
pub(crate) struct Curve {
    pub(crate) label: String,
    /// A class of the style sheet.
    pub(crate) colour: String,
    pub(crate) values: Vec<f64>,
}

/// Words below the axis at most.
const WORDS: usize = 12;
/// Points at most whose values have a mark each.
const MARKS: usize = 40;

/// Points from left to right, each named by `name` from 0. What is no number leaves a gap.
pub(crate) fn curves(curves: &[Curve], about: &str, name: &dyn Fn(usize) -> String) -> Markup {
    const LEFT: f64 = 58.0;
    const RIGHT: f64 = 14.0;
    const HEIGHT: f64 = 280.0;
    const BOTTOM: f64 = HEIGHT - 34.0;
    const TOP: f64 = 10.0;
    let scale = Scale::around(curves.iter().flat_map(|curve| curve.values.iter().copied()));
    let points = curves.iter().map(|curve| curve.values.len()).max().unwrap_or(0);
    let step = (WIDTH - LEFT - RIGHT) / (points.max(2) - 1) as f64;
    let x = |at: usize| match points {
        1 => (LEFT + WIDTH - RIGHT) / 2.0,
        _ => LEFT + at as f64 * step,
    };
    let y = |value: f64| BOTTOM - (BOTTOM - TOP) * scale.share(value).clamp(0.0, 1.0);
    let every = points.div_ceil(WORDS).max(1);
    html! {
        div.plot {
            svg viewBox=(format!("0 0 {WIDTH} {HEIGHT}")) role="img" aria-label=(about) {
                @for tick in scale.ticks() {
                    line.grid x1=(px(LEFT)) x2=(px(WIDTH - RIGHT)) y1=(px(y(tick))) y2=(px(y(tick))) {}
                    text.tick x=(px(LEFT - 10.0)) y=(px(y(tick) + 4.0)) text-anchor="end" { (scale.label(tick)) }
                }
                @for at in (0..points).step_by(every) {
                    text.tick x=(px(x(at))) y=(px(BOTTOM + 20.0)) text-anchor="middle" { (name(at)) }
                }
                @for curve in curves {
                    g class=(curve.colour) {
                        @for points in pieces(&curve.values) {
                            polyline.curve points=(path(&points, x, y)) {}
                        }
                        @if points <= MARKS {
                            @for (at, value) in curve.values.iter().enumerate() {
                                @if value.is_finite() {
                                    g {
                                        title { (curve.label) ", " (name(at)) ": " (fixed(*value, digits(*value))) }
                                        circle cx=(px(x(at))) cy=(px(y(*value))) r="4" {}
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

/// Runs of points that have a value.
fn pieces(values: &[f64]) -> Vec<Vec<(usize, f64)>> {
    let numbered: Vec<(usize, f64)> = values.iter().copied().enumerate().collect();
    let runs = numbered.split(|(_, value)| !value.is_finite());
    runs.filter(|run| run.len() > 1).map(<[_]>::to_vec).collect()
}

fn path(points: &[(usize, f64)], x: impl Fn(usize) -> f64, y: impl Fn(f64) -> f64) -> String {
    let points = points.iter().map(|(at, value)| format!("{:.1},{:.1}", x(*at), y(*value)));
    points.collect::<Vec<_>>().join(" ")
}
