//! Studies summed up: mean and spread over seeds.

use anyhow::Result;
use serde::{Deserialize, Serialize};

use super::cell::StudyCell;
use super::recipe::{Better, Place, Study};
use crate::experiment::{deviation, mean};
use crate::paper::recipe::Recipe;
use crate::paper::runner::Choice;

/// One study.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct StudySummary {
    pub(crate) study: String,
    pub(crate) title: String,
    pub(crate) metrics: Vec<MetricSummary>,
    /// Titles of the points, in order; none where arms are run once.
    pub(crate) points: Vec<String>,
    pub(crate) cells: Vec<StudyCellSummary>,
    /// Cells that are not finished.
    pub(crate) unfinished: usize,
    pub(crate) machines: Vec<String>,
}

/// What is shown.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct MetricSummary {
    pub(crate) name: String,
    pub(crate) title: String,
    pub(crate) better: Better,
    pub(crate) digits: usize,
}

/// An arm at a point, all seeds.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct StudyCellSummary {
    /// `ARM` or `ARM-POINT`.
    pub(crate) cell: String,
    pub(crate) arm: String,
    pub(crate) point: Option<String>,
    pub(crate) seeds: Vec<u64>,
    pub(crate) metrics: Vec<StudySpread>,
    /// Mean seconds of a cell.
    pub(crate) seconds: f64,
}

/// A number over seeds.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct StudySpread {
    pub(crate) metric: String,
    pub(crate) mean: f64,
    /// Sample deviation over seeds; 0 for one seed.
    pub(crate) deviation: f64,
    pub(crate) min: f64,
    pub(crate) max: f64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) published: Option<(f64, String)>,
}

/// Studies that have finished cells.
pub(crate) fn summarise(recipe: &Recipe, choice: &Choice) -> Result<Vec<StudySummary>> {
    let mut summaries = Vec::new();
    for study in &recipe.studies {
        let summary = of_study(recipe, choice, study)?;
        if !summary.cells.is_empty() {
            summaries.push(summary);
        }
    }
    Ok(summaries)
}

fn of_study(recipe: &Recipe, choice: &Choice, study: &Study) -> Result<StudySummary> {
    let store = choice.cells(recipe);
    let (mut cells, mut unfinished, mut machines) = (Vec::new(), 0, Vec::new());
    for place in study.places() {
        if !choice.takes_study(study, &place) {
            continue;
        }
        let mut found: Vec<StudyCell> = Vec::new();
        for seed in choice.study_seeds(study) {
            let identity = choice.study_identity(recipe, study, &place, seed)?;
            match store.study(&study.name, &place.name(), seed)? {
                Some(cell) if cell.identity == identity => found.push(cell),
                _ => unfinished += 1,
            }
        }
        machines.extend(found.iter().map(|cell| cell.machine.in_words()));
        if !found.is_empty() {
            cells.push(of_cells(study, &place, &found));
        }
    }
    machines.sort();
    machines.dedup();
    let metrics = study.metrics.iter().map(|own| MetricSummary {
        name: own.name.clone(),
        title: own.title.clone(),
        better: own.better,
        digits: own.digits,
    });
    Ok(StudySummary {
        study: study.name.clone(),
        title: study.title.clone(),
        metrics: metrics.collect(),
        points: study.points.iter().map(|own| own.title.clone()).collect(),
        cells,
        unfinished,
        machines,
    })
}

fn of_cells(study: &Study, place: &Place<'_>, cells: &[StudyCell]) -> StudyCellSummary {
    let spread = |name: &String| {
        let values: Vec<f64> =
            cells.iter().filter_map(|cell| cell.metrics.get(name).copied()).collect();
        let published =
            study.published.iter().find(|own| own.metric == *name && own.is_of(place));
        (!values.is_empty()).then(|| StudySpread {
            metric: name.clone(),
            mean: mean(&values),
            deviation: deviation(&values),
            min: values.iter().copied().fold(f64::INFINITY, f64::min),
            max: values.iter().copied().fold(f64::NEG_INFINITY, f64::max),
            published: published.map(|own| (own.value, own.source.clone())),
        })
    };
    StudyCellSummary {
        cell: place.name(),
        arm: place.arm.title.clone(),
        point: place.point.map(|own| own.title.clone()),
        seeds: cells.iter().map(|cell| cell.identity.seed).collect(),
        metrics: study.metrics.iter().filter_map(|own| spread(&own.name)).collect(),
        seconds: mean(&cells.iter().map(|cell| cell.seconds).collect::<Vec<_>>()),
    }
}

/// Takes over studies and cells that `own` lacks or has with fewer seeds.
pub(crate) fn keep(own: &mut Vec<StudySummary>, older: Vec<StudySummary>) {
    for study in older {
        let Some(known) = own.iter_mut().find(|known| known.study == study.study) else {
            own.push(study);
            continue;
        };
        for cell in study.cells {
            match known.cells.iter_mut().find(|known| known.cell == cell.cell) {
                Some(now) if now.seeds.len() >= cell.seeds.len() => {}
                Some(now) => {
                    let more = cell.seeds.len() - now.seeds.len();
                    known.unfinished = known.unfinished.saturating_sub(more);
                    *now = cell;
                }
                None => {
                    known.unfinished = known.unfinished.saturating_sub(cell.seeds.len());
                    known.cells.push(cell);
                }
            }
        }
        known.machines.extend(study.machines);
        known.machines.sort();
        known.machines.dedup();
    }
}
