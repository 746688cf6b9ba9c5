//! The frame of a plot in SVG: one panel, its axes and where values lie in it; panels side by
//! side on a sheet.

use maud::{Markup, PreEscaped, html};

/// Sizes in the plot's own units.
const WIDTH: f64 = 380.0;
const HEIGHT: f64 = 260.0;
const LEFT: f64 = 62.0;
const RIGHT: f64 = 18.0;
const TOP: f64 = 34.0;
const BOTTOM: f64 = 44.0;
/// Room between the axis and the first and the last value.
const INDENT: f64 = 14.0;
const ABREAST: usize = 2;

const STYLE: &str = "text{font:12px sans-serif;fill:#333}.small{font-size:10px}.axis{stroke:#999}.grid{stroke:#ddd}\
    .mark{fill:#2a6f97;stroke:#2a6f97}.best{fill:#d1495b;stroke:#d1495b}.name{font-weight:bold}\
    .fit{fill:none;stroke:#d1495b;stroke-dasharray:5 3}\
    @media(prefers-color-scheme:dark){text{fill:#ddd}.axis{stroke:#777}.grid{stroke:#444}\
    .mark{fill:#61a5c2;stroke:#61a5c2}}";

/// Panels, two abreast, in the order given.
pub(crate) fn sheet(title: &str, panels: &[Markup]) -> String {
    let rows = panels.len().div_ceil(ABREAST).max(1);
    let columns = panels.len().clamp(1, ABREAST);
    let (width, height) = (WIDTH * columns as f64, HEIGHT * rows as f64);
    let markup = html! {
        svg xmlns="http://www.w3.org/2000/svg" viewBox=(format!("0 0 {width} {height}"))
            width=(width) height=(height) role="img" aria-label=(title) {
            style { (PreEscaped(STYLE)) }
            @for (at, panel) in panels.iter().enumerate() {
                @let (x, y) = ((at % ABREAST) as f64 * WIDTH, (at / ABREAST) as f64 * HEIGHT);
                g transform=(format!("translate({x} {y})")) { (panel) }
            }
        }
    };
    markup.into_string()
}

/// Words below the axis.
pub(crate) struct Label {
    /// Where, 0 to 1 from left to right.
    pub(crate) share: f64,
    pub(crate) words: String,
    /// In which line, from 0.
    pub(crate) line: usize,
}

/// How values lie from bottom to top of a panel.
pub(crate) struct Frame {
    low: f64,
    high: f64,
}

impl Frame {
    /// From `low` to `high`, with room around them, not below 0; 0 to 1 where there is nothing.
    pub(crate) fn around(low: f64, high: f64) -> Frame {
        if low > high {
            return Frame { low: 0.0, high: 1.0 };
        }
        let room = ((high - low) * 0.08).max(5e-4);
        Frame { low: (low - room).max(0.0), high: high + room }
    }

    /// Where a share of the width, 0 to 1, lies.
    pub(crate) fn x(&self, share: f64) -> f64 {
        LEFT + INDENT + (WIDTH - LEFT - RIGHT - 2.0 * INDENT) * share
    }

    /// Where a value lies.
    pub(crate) fn y(&self, value: f64) -> f64 {
        let floor = HEIGHT - BOTTOM;
        floor - (floor - TOP) * (value - self.low) / (self.high - self.low)
    }

    /// Name, axis, grid and labels.
    pub(crate) fn axes(&self, name: &str, labels: &[Label]) -> Markup {
        let floor = HEIGHT - BOTTOM;
        html! {
            text.name x=(LEFT) y="20" { (name) }
            line.axis x1=(LEFT) x2=(WIDTH - RIGHT) y1=(floor) y2=(floor) {}
            @for step in 0..=4 {
                @let value = self.low + (self.high - self.low) * f64::from(step) / 4.0;
                line.grid x1=(LEFT) x2=(WIDTH - RIGHT) y1=(px(self.y(value))) y2=(px(self.y(value))) {}
                text x=(LEFT - 6.0) y=(px(self.y(value) + 4.0)) text-anchor="end" { (format!("{value:.4}")) }
            }
            @for label in labels {
                text x=(px(self.x(label.share))) y=(floor + 18.0 + 15.0 * label.line as f64) text-anchor="middle" { (label.words) }
            }
        }
    }
}

/// A place on the sheet.
pub(crate) fn px(at: f64) -> String {
    format!("{at:.1}")
}
