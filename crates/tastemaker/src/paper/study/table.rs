//! Studies as tables: a table a metric, a row an arm, a column a point; the best of a column is bold. A
//! study without points is one table, a row a metric, a column an arm.

use std::fmt::Write;

use super::recipe::Better;
use super::summary::{MetricSummary, StudyCellSummary, StudySummary};
use crate::paper::table::Rows;

/// All of them, one after another.
pub(crate) fn studies(all: &[StudySummary], quick: &str, table: Rows<'_>) -> String {
    let each = all.iter().map(|study| {
        let mut text = format!("**{}**{quick}", study.title);
        if study.points.is_empty() {
            let _ = write!(text, "\n\n{}", table(&by_metric(study)));
        } else {
            for metric in &study.metrics {
                let way = match metric.better {
                    Better::Lower => "lower is better",
                    Better::Higher => "higher is better",
                };
                let own = table(&rows(study, metric));
                let _ = write!(text, "\n\n{} ({way}):\n\n{own}", metric.title);
            }
        }
        let compared = published(study);
        if compared.len() > 1 {
            let _ = write!(text, "\n\nBeside the literature:\n\n{}", table(&compared));
        }
        if study.unfinished > 0 {
            let _ = write!(text, "\n\n{} cells are not finished.", study.unfinished);
        }
        let seconds: Vec<f64> = study.cells.iter().map(|cell| cell.seconds).collect();
        let mean = data::seconds_in_words(crate::experiment::mean(&seconds));
        let _ = write!(
            text,
            "\n\nA cell took {mean} on average. Ran on: {}.",
            study.machines.join("; ")
        );
        text
    });
    each.collect::<Vec<String>>().join("\n\n")
}

/// Titles of arms that have a cell, in their order.
fn arms(study: &StudySummary) -> Vec<&str> {
    let mut arms: Vec<&str> = Vec::new();
    for cell in &study.cells {
        if !arms.contains(&cell.arm.as_str()) {
            arms.push(&cell.arm);
        }
    }
    arms
}

/// One metric at all points.
fn rows(study: &StudySummary, metric: &MetricSummary) -> Vec<Vec<String>> {
    let points: Vec<Option<&String>> = study.points.iter().map(Some).collect();
    let mut head = vec!["arm".to_owned()];
    head.extend(study.points.iter().cloned());
    let mut rows = vec![head];
    for arm in arms(study) {
        let mut row = vec![arm.to_owned()];
        row.extend(points.iter().map(|point| at(study, metric, arm, *point)));
        rows.push(row);
    }
    rows
}

/// All metrics of a study without points.
fn by_metric(study: &StudySummary) -> Vec<Vec<String>> {
    let mut head = vec!["metric".to_owned()];
    head.extend(arms(study).into_iter().map(str::to_owned));
    let mut rows = vec![head];
    for metric in &study.metrics {
        let mut row = vec![metric.title.clone()];
        row.extend(arms(study).into_iter().map(|arm| at(study, metric, arm, None)));
        rows.push(row);
    }
    rows
}

/// A number of an arm at a point.
fn at(
    study: &StudySummary,
    metric: &MetricSummary,
    arm: &str,
    point: Option<&String>,
) -> String {
    let of = |cell: &&StudyCellSummary| cell.arm == arm && cell.point.as_ref() == point;
    let cell = study.cells.iter().find(of);
    // Alone, an arm is no winner.
    let best = if arms(study).len() > 1 { best(study, metric, point) } else { None };
    cell.map_or("–".into(), |cell| shown(cell, metric, best))
}

fn best(study: &StudySummary, metric: &MetricSummary, point: Option<&String>) -> Option<f64> {
    let of = study.cells.iter().filter(|cell| cell.point.as_ref() == point);
    let means = of.filter_map(|cell| {
        cell.metrics.iter().find(|own| own.metric == metric.name).map(|own| own.mean)
    });
    match metric.better {
        Better::Lower => means.min_by(f64::total_cmp),
        Better::Higher => means.max_by(f64::total_cmp),
    }
}

fn shown(cell: &StudyCellSummary, metric: &MetricSummary, best: Option<f64>) -> String {
    let digits = metric.digits;
    let Some(own) = cell.metrics.iter().find(|own| own.metric == metric.name) else {
        return "–".into();
    };
    let text = match cell.seeds.len() {
        1 => format!("{:.digits$} (1 seed)", own.mean),
        _ => format!("{:.digits$} ± {:.digits$}", own.mean, own.deviation),
    };
    match best.is_some_and(|best| best.total_cmp(&own.mean).is_eq()) {
        true => format!("**{text}**"),
        false => text,
    }
}

fn published(study: &StudySummary) -> Vec<Vec<String>> {
    let head = ["arm", "metric", "ours", "published", "source"];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    for cell in &study.cells {
        for own in &cell.metrics {
            if let Some((value, source)) = &own.published {
                let ours = format!("{:.4}", own.mean);
                let row = [cell.cell.clone(), own.metric.clone(), ours];
                rows.push([&row[..], &[format!("{value:.4}"), source.clone()]].concat());
            }
        }
    }
    rows
}
