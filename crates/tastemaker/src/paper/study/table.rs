//! Studies as tables: a table a metric, a row an arm, a column a point; the best of a column is bold.

use std::fmt::Write;

use super::recipe::Better;
use super::summary::{MetricSummary, StudyCellSummary, StudySummary};
use crate::paper::table::Rows;

/// All of them, one after another.
pub(crate) fn studies(all: &[StudySummary], quick: &str, table: Rows<'_>) -> String {
    let each = all.iter().map(|study| {
        let mut text = format!("**{}**{quick}", study.title);
        for metric in &study.metrics {
            let way = match metric.better {
                Better::Lower => "lower is better",
                Better::Higher => "higher is better",
            };
            let _ = write!(
                text,
                "\n\n{} ({way}):\n\n{}",
                metric.title,
                table(&rows(study, metric))
            );
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

fn rows(study: &StudySummary, metric: &MetricSummary) -> Vec<Vec<String>> {
    let mut arms: Vec<&str> = Vec::new();
    for cell in &study.cells {
        if !arms.contains(&cell.arm.as_str()) {
            arms.push(&cell.arm);
        }
    }
    let points: Vec<Option<&String>> = match study.points.is_empty() {
        true => vec![None],
        false => study.points.iter().map(Some).collect(),
    };
    let mut head = vec!["arm".to_owned()];
    head.extend(points.iter().map(|point| point.map_or(metric.title.clone(), Clone::clone)));
    let mut rows = vec![head];
    let best: Vec<Option<f64>> =
        points.iter().map(|point| best(study, metric, *point)).collect();
    for arm in arms {
        let mut row = vec![arm.to_owned()];
        for (point, best) in points.iter().zip(&best) {
            let of =
                |cell: &&StudyCellSummary| cell.arm == arm && cell.point.as_ref() == *point;
            let cell = study.cells.iter().find(of);
            row.push(cell.map_or("–".into(), |cell| shown(cell, metric, *best)));
        }
        rows.push(row);
    }
    rows
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
