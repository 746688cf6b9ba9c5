//! Finished cells of a paper summed up: mean and spread over seeds, intervals over users, which
//! arm wins, and what the literature says.

use std::collections::BTreeMap;

use anyhow::Result;
use data::Progress;
use evaluate::Interval;
use evaluate::bootstrap::{Column, Denominator, Ratios};
use serde::{Deserialize, Serialize};

use super::Recipe;
use super::cell::Cell;
use super::decile::PARTS;
use super::metric::{HEADLINE, Kind, Metric};
use super::recipe::{Grid, GridArm};
use super::reversal::{Reversals, reversals};
use super::runner::Choice;
use super::study::{self, StudySummary};
use super::verdict::Verdict;
use crate::experiment::{deviation, mean};

/// Replicates of the bootstrap over users.
pub(crate) const REPLICATES: usize = 1000;

/// Arms of a grid that have finished cells.
pub(crate) type Found<'a> = Vec<(&'a GridArm, Vec<Cell>)>;

/// A paper as measured. The object that `--json` prints.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Summary {
    pub(crate) paper: String,
    pub(crate) title: String,
    /// Of fewer users and epochs: not numbers to quote.
    pub(crate) quick: bool,
    pub(crate) grids: Vec<GridSummary>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) studies: Vec<StudySummary>,
    /// Where the recipe compares splits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) reversals: Option<Reversals>,
}

/// One grid.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct GridSummary {
    pub(crate) grid: String,
    pub(crate) title: String,
    pub(crate) data: String,
    pub(crate) split: String,
    pub(crate) leaky: bool,
    pub(crate) clock: String,
    pub(crate) cases: u64,
    pub(crate) items: u32,
    /// Metrics of the table, in its order.
    pub(crate) metrics: Vec<Metric>,
    pub(crate) arms: Vec<ArmSummary>,
    /// By NDCG@10, where there are several arms.
    pub(crate) winner: Option<Winner>,
    /// Cells that are not finished.
    pub(crate) unfinished: usize,
    pub(crate) machines: Vec<String>,
}

/// One arm of a grid.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ArmSummary {
    pub(crate) arm: String,
    pub(crate) title: String,
    pub(crate) seeds: Vec<u64>,
    pub(crate) metrics: Vec<Spread>,
    pub(crate) published: Vec<Compared>,
    /// The most popular first; empty where none were taken.
    pub(crate) deciles: Vec<DecileRow>,
    /// Kept epoch of each seed.
    pub(crate) best_epochs: Vec<u32>,
    /// Mean seconds of an epoch; 0 for what has none.
    pub(crate) epoch_seconds: f64,
    /// Mean seconds of a cell.
    pub(crate) seconds: f64,
}

/// A metric over seeds.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Spread {
    pub(crate) metric: Metric,
    pub(crate) mean: f64,
    /// Sample deviation over seeds; 0 for one seed.
    pub(crate) deviation: f64,
    pub(crate) min: f64,
    pub(crate) max: f64,
    /// 95 % interval of the mean over users, seeds averaged.
    pub(crate) interval: Option<Interval>,
}

/// A published number beside ours.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Compared {
    pub(crate) metric: Metric,
    pub(crate) ours: f64,
    pub(crate) published: f64,
    pub(crate) source: String,
    pub(crate) band: f64,
    pub(crate) target: Option<f64>,
    pub(crate) verdict: Verdict,
}

/// Cases whose target is in one popularity decile.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct DecileRow {
    /// 1 holds the most popular items.
    pub(crate) decile: usize,
    pub(crate) items: u32,
    pub(crate) cases: usize,
    pub(crate) hr: Spread,
    pub(crate) ndcg: Spread,
}

/// The arm with the best NDCG@10.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Winner {
    pub(crate) arm: String,
    pub(crate) ndcg: f64,
    /// By how much it is ahead of each other arm, users paired.
    pub(crate) ahead_of: Vec<Ahead>,
}

/// A difference from the winner.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Ahead {
    pub(crate) arm: String,
    pub(crate) difference: Interval,
}

/// Pictures of studies, by the names of their files.
pub(crate) fn plots(recipe: &Recipe, summary: &Summary) -> Vec<(String, String)> {
    let pairs = recipe.studies.iter().filter_map(|study| {
        let found = summary.studies.iter().find(|own| own.study == study.name)?;
        Some((format!("{}.svg", study.name), study::svg(study, found)?))
    });
    pairs.collect()
}

/// Sums up what the store of `choice` holds of `recipe`.
pub(crate) fn summarise(recipe: &Recipe, choice: &Choice) -> Result<Summary> {
    let mut grids = Vec::new();
    let mut by_grid = BTreeMap::new();
    for grid in &recipe.grids {
        let mut found = Found::new();
        let mut unfinished = 0;
        for own in grid.arms.iter().filter(|own| choice.takes(grid, own)) {
            let (cells, missing) = cells(recipe, choice, grid, own)?;
            unfinished += missing;
            if !cells.is_empty() {
                found.push((own, cells));
            }
        }
        if !found.is_empty() {
            grids.push(of_grid(recipe, grid, &found, unfinished)?);
            by_grid.insert(grid.name.as_str(), found);
        }
    }
    Ok(Summary {
        paper: recipe.slug.clone(),
        title: recipe.title.clone(),
        quick: choice.quick,
        grids,
        studies: study::summarise(recipe, choice)?,
        reversals: reversals(recipe, choice, &by_grid)?,
    })
}

/// Finished cells of an arm with the settings of the recipe, and how many are missing.
fn cells(
    recipe: &Recipe,
    choice: &Choice,
    grid: &Grid,
    own: &GridArm,
) -> Result<(Vec<Cell>, usize)> {
    let store = choice.cells(recipe);
    let settings = recipe.settings(grid, own, choice.quick)?.to_json()?;
    let mut cells: Vec<Cell> = Vec::new();
    let mut missing = 0;
    for seed in choice.seeds(own) {
        match store.get(&grid.name, &own.arm, seed)? {
            Some(cell)
                if cell.identity.settings == settings
                    && cells
                        .first()
                        .is_none_or(|first| first.identity.data == cell.identity.data) =>
            {
                cells.push(cell);
            }
            _ => missing += 1,
        }
    }
    Ok((cells, missing))
}

/// Users of arms are compared one by one: only those of `found` on the data of its first.
pub(crate) fn same_data<'a, 'b>(
    found: &'a [(&'b GridArm, Vec<Cell>)],
) -> impl Iterator<Item = &'a (&'b GridArm, Vec<Cell>)> {
    let data = |cells: &'a [Cell]| cells.first().map(|cell| &cell.identity.data);
    let first = found.first().and_then(|(_, cells)| data(cells));
    found.iter().filter(move |(_, cells)| data(cells) == first)
}

fn of_grid(
    recipe: &Recipe,
    grid: &Grid,
    found: &[(&GridArm, Vec<Cell>)],
    unfinished: usize,
) -> Result<GridSummary> {
    let first = &found[0].1[0];
    let same: Vec<&(&GridArm, Vec<Cell>)> = same_data(found).collect();
    let mut ratios = Ratios::new(first.outcomes.0.len());
    let over = ratios.denominator(vec![1.0; first.outcomes.0.len()]);
    let mut columns: Vec<Vec<(Metric, Column)>> = Vec::new();
    for (_, cells) in &same {
        let mut metrics = grid.metrics.clone();
        if !metrics.contains(&HEADLINE) {
            metrics.push(HEADLINE);
        }
        let own = metrics
            .iter()
            .filter_map(|metric| Some((*metric, column(&mut ratios, over, cells, *metric)?)));
        columns.push(own.collect());
    }
    let resampled = ratios.resample(REPLICATES, 1, &Progress::silent())?;

    let mut arms = Vec::new();
    for ((own, cells), columns) in same.iter().zip(&columns) {
        let interval = |metric: Metric| {
            let (_, column) = columns.iter().find(|(own, _)| *own == metric)?;
            resampled.interval(*column)
        };
        arms.push(of_arm(recipe, grid, own, cells, &interval)?);
    }
    let mut machines: Vec<String> =
        same.iter().flat_map(|(_, cells)| cells).map(|cell| cell.machine.in_words()).collect();
    machines.sort();
    machines.dedup();

    let headline = |at: usize| {
        let (_, column) = columns[at].iter().find(|(metric, _)| *metric == HEADLINE)?;
        Some((*column, resampled.interval(*column)?.value))
    };
    let best = (0..arms.len())
        .filter_map(|at| Some((at, headline(at)?)))
        .max_by(|(_, (_, a)), (_, (_, b))| a.total_cmp(b));
    let winner = best.filter(|_| arms.len() > 1).map(|(at, (column, ndcg))| Winner {
        arm: arms[at].arm.clone(),
        ndcg,
        ahead_of: (0..arms.len())
            .filter(|other| *other != at)
            .filter_map(|other| {
                let difference = resampled.difference(column, headline(other)?.0)?;
                Some(Ahead { arm: arms[other].arm.clone(), difference })
            })
            .collect(),
    });
    Ok(GridSummary {
        grid: grid.name.clone(),
        title: grid.title.clone(),
        data: recipe.data_of(grid)?.title.clone(),
        split: grid.split.in_words(),
        leaky: first.split.leaky,
        clock: first.split.clock.to_string(),
        cases: first.users,
        items: first.items,
        metrics: grid.metrics.clone(),
        arms,
        winner,
        unfinished,
        machines,
    })
}

/// A column of case values, averaged over seeds; `None` for what only lists have.
pub(crate) fn column(
    ratios: &mut Ratios,
    over: Denominator,
    cells: &[Cell],
    metric: Metric,
) -> Option<Column> {
    let mut mean = vec![0.0; cells.first()?.outcomes.0.len()];
    for cell in cells {
        for (mean, value) in mean.iter_mut().zip(cell.by_case(metric)?) {
            *mean += value / cells.len() as f64;
        }
    }
    Some(ratios.column(over, mean))
}

fn of_arm(
    recipe: &Recipe,
    grid: &Grid,
    own: &GridArm,
    cells: &[Cell],
    interval: &dyn Fn(Metric) -> Option<Interval>,
) -> Result<ArmSummary> {
    let over_seeds = |metric: Metric| {
        let values: Vec<f64> = cells.iter().filter_map(|cell| cell.mean(metric)).collect();
        spread(metric, &values, interval(metric))
    };
    let published = recipe
        .published
        .iter()
        .filter(|published| published.grid == grid.name && published.arm == own.arm);
    let published = published.filter_map(|published| {
        let ours = over_seeds(published.metric)?.mean;
        Some(Compared {
            metric: published.metric,
            ours,
            published: published.value,
            source: published.source.clone(),
            band: published.band,
            target: published.target,
            verdict: Verdict::of(ours, published),
        })
    });
    let epochs = cells.iter().flat_map(|cell| &cell.epochs);
    let epoch_seconds: Vec<f64> = epochs.map(|epoch| epoch.seconds).collect();
    Ok(ArmSummary {
        arm: own.arm.clone(),
        title: recipe.arm(&own.arm)?.title.clone(),
        seeds: cells.iter().map(|cell| cell.identity.seed).collect(),
        metrics: grid.metrics.iter().filter_map(|metric| over_seeds(*metric)).collect(),
        published: published.collect(),
        deciles: deciles(cells),
        best_epochs: cells.iter().map(|cell| cell.best_epoch).collect(),
        epoch_seconds: mean(&epoch_seconds),
        seconds: mean(&cells.iter().map(Cell::seconds).collect::<Vec<_>>()),
    })
}

fn deciles(cells: &[Cell]) -> Vec<DecileRow> {
    let Some(known) = cells.first().and_then(|cell| cell.deciles.as_ref()) else {
        return Vec::new();
    };
    (0..PARTS)
        .filter_map(|part| {
            let over_seeds = |kind: Kind| {
                let metric = Metric { kind, k: 10 };
                let values: Vec<f64> = cells
                    .iter()
                    .filter_map(|cell| {
                        let own = cell.deciles.as_ref()?.cases(part, &cell.outcomes);
                        let values: Vec<f64> = own.filter_map(|case| metric.of(case)).collect();
                        (!values.is_empty()).then(|| mean(&values))
                    })
                    .collect();
                spread(metric, &values, None)
            };
            Some(DecileRow {
                decile: part + 1,
                items: known.items.get(part).copied().unwrap_or(0),
                cases: known.cases(part, &cells[0].outcomes).count(),
                hr: over_seeds(Kind::Hr)?,
                ndcg: over_seeds(Kind::Ndcg)?,
            })
        })
        .collect()
}

fn spread(metric: Metric, values: &[f64], interval: Option<Interval>) -> Option<Spread> {
    if values.is_empty() {
        return None;
    }
    let (mean, deviation) = (mean(values), deviation(values));
    let min = values.iter().copied().fold(f64::INFINITY, f64::min);
    let max = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    Some(Spread { metric, mean, deviation, min, max, interval })
}
