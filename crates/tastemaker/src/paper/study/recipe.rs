//! `[[study]]` of a recipe.

use anyhow::{Result, anyhow};
use serde::Deserialize;
use serde_json::Value;

use super::StudyKind;
use crate::experiment::overlay;
use crate::hint;

/// `[[study]]`: arms × points × seeds.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Study {
    pub(crate) name: String,
    pub(crate) title: String,
    pub(crate) kind: StudyKind,
    /// Seeds of every cell.
    #[serde(default = "one")]
    pub(crate) seeds: u32,
    /// What the tables show, in this order.
    pub(crate) metrics: Vec<StudyMetric>,
    /// Settings of all cells, under those of point and arm.
    #[serde(default)]
    pub(crate) settings: toml::Table,
    /// What arms are run at: columns of the tables. None: each arm is run once.
    #[serde(default, rename = "point")]
    pub(crate) points: Vec<StudyPoint>,
    #[serde(rename = "arm")]
    pub(crate) arms: Vec<StudyArm>,
    #[serde(default)]
    pub(crate) published: Vec<StudyPublished>,
    /// What is drawn of each cell.
    #[serde(default, rename = "plot")]
    pub(crate) plots: Vec<StudyPlot>,
}

fn one() -> u32 {
    1
}

/// A number of a cell.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct StudyMetric {
    pub(crate) name: String,
    pub(crate) title: String,
    pub(crate) better: Better,
    #[serde(default = "digits")]
    pub(crate) digits: usize,
}

fn digits() -> usize {
    4
}

/// Which way is up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Better {
    Lower,
    Higher,
}

/// A column of the tables.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct StudyPoint {
    pub(crate) name: String,
    pub(crate) title: String,
    #[serde(default)]
    pub(crate) settings: toml::Table,
}

/// A row of the tables.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct StudyArm {
    pub(crate) name: String,
    pub(crate) title: String,
    #[serde(default)]
    pub(crate) settings: toml::Table,
    /// Points that it is run at; all, where none is named.
    #[serde(default)]
    pub(crate) points: Vec<String>,
}

/// `[[study.published]]`: a number of the literature.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct StudyPublished {
    pub(crate) arm: String,
    #[serde(default)]
    pub(crate) point: Option<String>,
    pub(crate) metric: String,
    pub(crate) value: f64,
    pub(crate) source: String,
}

/// `[[study.plot]]`: some metrics of a cell against others, as marks on lines.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct StudyPlot {
    /// What is against what; the axis from left to right is logarithmic.
    pub(crate) title: String,
    pub(crate) lines: Vec<StudyLine>,
}

/// Marks that a line joins, from left to right.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct StudyLine {
    pub(crate) title: String,
    pub(crate) marks: Vec<StudyMark>,
}

/// A mark: a metric from left to right, another from bottom to top.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct StudyMark {
    pub(crate) title: String,
    pub(crate) x: Coordinate,
    pub(crate) y: Coordinate,
}

/// A metric, or a number that needs none.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub(crate) enum Coordinate {
    Number(f64),
    Metric(String),
}

/// A row and a column.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) arm: &'a StudyArm,
    pub(crate) point: Option<&'a StudyPoint>,
}

impl Place<'_> {
    /// `ARM` or `ARM-POINT`: its name in files.
    pub(crate) fn name(&self) -> String {
        match self.point {
            Some(point) => format!("{}-{}", self.arm.name, point.name),
            None => self.arm.name.clone(),
        }
    }
}

impl Study {
    /// All cells' places, row after row.
    pub(crate) fn places(&self) -> Vec<Place<'_>> {
        let mut places = Vec::new();
        for arm in &self.arms {
            if self.points.is_empty() {
                places.push(Place { arm, point: None });
            }
            let wanted =
                |point: &&StudyPoint| arm.points.is_empty() || arm.points.contains(&point.name);
            let points = self.points.iter().filter(wanted);
            places.extend(points.map(|point| Place { arm, point: Some(point) }));
        }
        places
    }

    /// What a cell runs with: the study's settings, the point's, the arm's, the later over the earlier.
    pub(crate) fn settings(&self, place: &Place<'_>) -> Result<Value> {
        let mut settings = Value::Object(serde_json::Map::new());
        let layers = [Some(&self.settings), place.point.map(|own| &own.settings)];
        for layer in layers.into_iter().flatten().chain([&place.arm.settings]) {
            overlay(&mut settings, &serde_json::to_value(layer)?);
        }
        Ok(settings)
    }

    /// All names, to be checked.
    pub(crate) fn names(&self) -> impl Iterator<Item = &String> {
        let arms = self.arms.iter().map(|arm| &arm.name);
        [&self.name].into_iter().chain(arms).chain(self.points.iter().map(|own| &own.name))
    }

    /// Refuses what no cell can be run from.
    pub(crate) fn check(&self) -> Result<()> {
        let wrong = |why: String| {
            let hint = "mend the recipe; papers/unified-embedding/recipe.toml shows all parts";
            hint::error(format!("study {}: {why}", self.name), hint)
        };
        for arm in &self.arms {
            let known = |name: &&String| self.points.iter().any(|own| own.name == **name);
            if let Some(name) = arm.points.iter().find(|name| !known(name)) {
                return Err(wrong(format!("arm {}: no point {name:?}", arm.name)));
            }
        }
        let mut places: Vec<String> = self.places().iter().map(Place::name).collect();
        let all = places.len();
        places.sort();
        places.dedup();
        if places.is_empty() || places.len() < all || self.metrics.is_empty() {
            return Err(wrong("it needs metrics, and cells of different names".into()));
        }
        for published in &self.published {
            let known = |own: &Place<'_>| published.is_of(own);
            if !self.places().iter().any(known)
                || !self.metrics.iter().any(|own| own.name == published.metric)
            {
                return Err(wrong(format!(
                    "published: no {} of {}",
                    published.metric, published.arm
                )));
            }
        }
        let marks = self.plots.iter().flat_map(|plot| &plot.lines).flat_map(|line| &line.marks);
        for coordinate in marks.flat_map(|mark| [&mark.x, &mark.y]) {
            if let Coordinate::Metric(name) = coordinate
                && !self.metrics.iter().any(|own| own.name == *name)
            {
                return Err(wrong(format!("plot: no metric {name:?}")));
            }
        }
        for place in self.places() {
            let settings = self.settings(&place)?;
            self.kind
                .experiment(&settings)
                .map_err(|why| wrong(format!("{}: {:#}", place.name(), anyhow!("{why:#}"))))?;
        }
        Ok(())
    }
}

impl StudyPublished {
    pub(crate) fn is_of(&self, place: &Place<'_>) -> bool {
        self.arm == place.arm.name
            && self.point.as_deref() == place.point.map(|own| own.name.as_str())
    }
}
