//! A study as a picture in SVG: a panel a cell and plot, marks on lines.

use maud::{Markup, html};

use super::recipe::{Coordinate, Study, StudyMark, StudyPlot};
use super::summary::{StudyCellSummary, StudySummary};
use crate::experiment::{Frame, Label, px, sheet};

/// A mark and where it lies; means over seeds.
struct Mark {
    title: String,
    x: f64,
    y: f64,
}

/// The picture; none where nothing is to be drawn or finished.
pub(crate) fn svg(study: &Study, summary: &StudySummary) -> Option<String> {
    let alone = summary.cells.len() == 1;
    let of = |cell, plot: &StudyPlot| {
        let name =
            if alone { plot.title.clone() } else { format!("{}: {}", name(cell), plot.title) };
        panel(plot, cell, &name)
    };
    let cells = summary.cells.iter();
    let panels: Vec<Markup> = cells
        .flat_map(|cell| study.plots.iter().filter_map(move |plot| of(cell, plot)))
        .collect();
    (!panels.is_empty()).then(|| sheet(&study.title, &panels))
}

fn name(cell: &StudyCellSummary) -> String {
    match &cell.point {
        Some(point) => format!("{}, {point}", cell.arm),
        None => cell.arm.clone(),
    }
}

fn panel(plot: &StudyPlot, cell: &StudyCellSummary, name: &str) -> Option<Markup> {
    let value = |coordinate: &Coordinate| match coordinate {
        Coordinate::Number(value) => Some(*value),
        Coordinate::Metric(name) => {
            cell.metrics.iter().find(|own| own.metric == *name).map(|own| own.mean)
        }
    };
    // On a logarithmic axis 0 lies nowhere.
    let mark = |own: &StudyMark| {
        let (x, y) = (value(&own.x)?, value(&own.y)?);
        (x > 0.0).then(|| Mark { title: own.title.clone(), x, y })
    };
    let lines: Vec<(&str, Vec<Mark>)> = plot
        .lines
        .iter()
        .map(|line| (line.title.as_str(), line.marks.iter().filter_map(mark).collect()))
        .collect();
    let all = || lines.iter().flat_map(|(_, marks)| marks);
    let least = all().map(|mark| mark.x).fold(f64::INFINITY, f64::min);
    let most = all().map(|mark| mark.x).fold(f64::NEG_INFINITY, f64::max);
    if most < least {
        return None;
    }
    let share = |x: f64| {
        let share = (x / least).ln() / (most / least).ln();
        if share.is_finite() { share } else { 0.5 }
    };
    let frame = Frame::around(
        all().map(|mark| mark.y).fold(f64::INFINITY, f64::min),
        all().map(|mark| mark.y).fold(f64::NEG_INFINITY, f64::max),
    );
    let labels: Vec<Label> = ticks(least, most)
        .into_iter()
        .map(|x| Label { share: share(x), words: format!("{x}"), line: 0 })
        .collect();
    Some(html! {
        (frame.axes(name, &labels))
        @for (number, (title, marks)) in lines.iter().enumerate() {
            @let class = if number == 0 { "mark" } else { "best" };
            @let points: Vec<String> = marks
                .iter()
                .map(|mark| format!("{},{}", px(frame.x(share(mark.x))), px(frame.y(mark.y))))
                .collect();
            polyline.fit points=(points.join(" ")) {}
            @for mark in marks {
                @let (x, y) = (frame.x(share(mark.x)), frame.y(mark.y));
                g class=(class) {
                    title { (title) ", " (mark.title) ": " (format!("{:.4} at {:.4}", mark.y, mark.x)) }
                    circle cx=(px(x)) cy=(px(y)) r="4" {}
                }
                // Below the marks of the first line, above those of others, and not beyond the panel.
                @let dy = if number == 0 { 14.0 } else { -8.0 };
                @let anchor = match share(mark.x) {
                    share if share > 0.85 => "end",
                    share if share < 0.15 || number == 0 => "start",
                    _ => "end",
                };
                text.small x=(px(x)) y=(px(y + dy)) text-anchor=(anchor) { (mark.title) }
            }
        }
    })
}

/// Powers of ten between two numbers, which are labelled themselves where there are none.
fn ticks(least: f64, most: f64) -> Vec<f64> {
    let powers = (least.log10().ceil() as i32)..=(most.log10().floor() as i32);
    let ticks: Vec<f64> = powers.map(|power| 10f64.powi(power)).collect();
    match ticks.len() {
        0 | 1 if most > least => vec![least, most],
        0 => vec![most],
        _ => ticks,
    }
}
