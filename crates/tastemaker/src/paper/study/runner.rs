//! Cells of studies one after another; finished ones are passed over.

use anyhow::{Context, Result};
use data::{Clock, SystemClock};

use super::cell::{STUDY_VERSION, StudyCell, StudyIdentity};
use super::recipe::{Place, Study};
use crate::experiment::Machine;
use crate::paper::recipe::Recipe;
use crate::paper::runner::Choice;
use crate::paper::store::Store;
use crate::terminal::{Stopwatch, note};

/// A cell to run.
pub(crate) struct StudyTask<'a> {
    study: &'a Study,
    place: Place<'a>,
    seed: u64,
}

impl Choice {
    /// Whether a cell of a study is meant: its study, arm, point, or two of them with a slash.
    pub(crate) fn takes_study(&self, study: &Study, place: &Place<'_>) -> bool {
        let cell = place.name();
        let point = place.point.map(|point| &*point.name);
        let parts = [Some(&*place.arm.name), point, Some(&*cell)];
        let named = |name: &String| {
            // Without the study where it stands in front.
            let own = name.strip_prefix(&study.name).and_then(|rest| rest.strip_prefix('/'));
            *name == study.name || parts.contains(&Some(own.unwrap_or(name)))
        };
        self.only.is_empty() || self.only.iter().any(named)
    }

    /// Seeds of a study.
    pub(crate) fn study_seeds(&self, study: &Study) -> std::ops::RangeInclusive<u64> {
        1..=u64::from(self.seeds.unwrap_or(study.seeds))
    }

    /// What makes a cell what it is.
    pub(crate) fn study_identity(
        &self,
        recipe: &Recipe,
        study: &Study,
        place: &Place<'_>,
        seed: u64,
    ) -> Result<StudyIdentity> {
        Ok(StudyIdentity {
            version: STUDY_VERSION,
            paper: recipe.slug.clone(),
            study: study.name.clone(),
            kind: study.kind,
            arm: place.name(),
            seed,
            quick: self.quick,
            settings: study.settings(place)?,
        })
    }
}

/// All cells of studies that are meant, first seeds first.
pub(crate) fn tasks<'a>(recipe: &'a Recipe, choice: &Choice) -> Vec<StudyTask<'a>> {
    let mut tasks = Vec::new();
    for study in &recipe.studies {
        for place in study.places() {
            if choice.takes_study(study, &place) {
                let seeds = choice.study_seeds(study);
                tasks.extend(seeds.map(|seed| StudyTask { study, place, seed }));
            }
        }
    }
    tasks.sort_by_key(|task| task.seed);
    tasks
}

/// Runs what is not finished yet. Data is asked for first: exit status 3 before anything is run.
pub(crate) fn run(
    recipe: &Recipe,
    choice: &Choice,
    store: &Store,
    tasks: &[StudyTask<'_>],
) -> Result<()> {
    for task in tasks {
        let settings = task.study.settings(&task.place)?;
        task.study.kind.experiment(&settings)?.must_have(&choice.data)?;
    }
    for (at, task) in tasks.iter().enumerate() {
        let StudyTask { study, place, seed } = task;
        let identity = choice.study_identity(recipe, study, place, *seed)?;
        let name = format!("{}/{} seed {seed}", study.name, place.name());
        match store.study(&study.name, &place.name(), *seed)? {
            Some(cell) if cell.identity == identity => continue,
            Some(_) => note(&format!("{name}: kept with other settings, run again")),
            None => {}
        }
        note(&format!("cell {} of {}: {name}", at + 1, tasks.len()));
        let watch = Stopwatch::start();
        let experiment = study.kind.experiment(&identity.settings)?;
        let measured =
            experiment.run(&choice.data, *seed, choice.quick).with_context(|| name.clone())?;
        // What is no number could not be read back.
        let odd = measured.metrics.iter().find(|(_, value)| !value.is_finite());
        if let Some((metric, value)) = odd {
            anyhow::bail!("{name}: {metric} is {value}");
        }
        let cell = StudyCell {
            identity,
            metrics: measured.metrics,
            curves: measured.curves,
            seconds: watch.seconds(),
            machine: Machine::here(),
            finished_ms: SystemClock.now_ms(),
        };
        store.put_study(&cell)?;
        let shown = study.metrics.iter().filter_map(|metric| {
            let value = cell.metrics.get(&metric.name)?;
            Some(format!("{} {value:.1$}", metric.title, metric.digits))
        });
        let shown: Vec<String> = shown.collect();
        note(&format!("  {}, {}", shown.join(", "), data::seconds_in_words(cell.seconds)));
    }
    Ok(())
}
