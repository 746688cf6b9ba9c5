//! A recipe: what a paper claims, and what is run to see whether it holds.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use serde::Deserialize;
use serde_json::Value;

use super::metric::Metric;
use crate::experiment::{DataSet, ModelSettings, SEQUENCE, SplitChoice, sequence_defaults};
use crate::hint;

/// `recipe.toml`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Recipe {
    /// Its name in folders; that of its folder under `papers`.
    pub(crate) slug: String,
    pub(crate) title: String,
    /// What `--quick` cuts down to.
    pub(crate) quick: Quick,
    /// Data sets by name.
    pub(crate) data: BTreeMap<String, DataSet>,
    /// Ways to make a model.
    #[serde(rename = "arm")]
    pub(crate) arms: Vec<Arm>,
    #[serde(rename = "grid")]
    pub(crate) grids: Vec<Grid>,
    #[serde(default)]
    pub(crate) published: Vec<Published>,
}

/// `[quick]`: fewer users, fewer epochs.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Quick {
    pub(crate) users: u32,
    pub(crate) epochs: u32,
}

/// `[[arm]]`: a model and the settings in which it differs from the defaults.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Arm {
    pub(crate) name: String,
    pub(crate) title: String,
    /// `sasrec`, or a name of [`retrieve::MODEL_NAMES`].
    #[serde(default = "sasrec")]
    pub(crate) model: String,
    #[serde(default)]
    pub(crate) settings: toml::Table,
}

fn sasrec() -> String {
    SEQUENCE.into()
}

/// `[[grid]]`: arms × seeds on one data set under one split.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Grid {
    pub(crate) name: String,
    pub(crate) title: String,
    pub(crate) data: String,
    pub(crate) split: SplitChoice,
    /// Settings of all sequence models of this grid, under those of the arm.
    #[serde(default)]
    pub(crate) settings: toml::Table,
    pub(crate) arms: Vec<GridArm>,
    /// What the table shows.
    pub(crate) metrics: Vec<Metric>,
    /// Whether metrics are also taken by popularity decile of the target.
    #[serde(default)]
    pub(crate) deciles: bool,
}

/// An arm of a grid.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct GridArm {
    pub(crate) arm: String,
    #[serde(default = "one")]
    pub(crate) seeds: u32,
    /// Settings of this arm in this grid, over all others.
    #[serde(default)]
    pub(crate) settings: toml::Table,
}

fn one() -> u32 {
    1
}

/// `[[published]]`: a number of the literature, or one that must be reached.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Published {
    pub(crate) grid: String,
    pub(crate) arm: String,
    pub(crate) metric: Metric,
    pub(crate) value: f64,
    /// Where it stands.
    pub(crate) source: String,
    /// Relative distance within which ours reproduces it.
    #[serde(default = "band")]
    pub(crate) band: f64,
    /// Least value that we accept.
    #[serde(default)]
    pub(crate) target: Option<f64>,
}

fn band() -> f64 {
    0.05
}

const RECIPE_HINT: &str = "mend the recipe; papers/sasrec/recipe.toml shows all of its parts";

impl Recipe {
    /// Parses and checks; `place` is for messages.
    pub(crate) fn parse(text: &str, place: &str) -> Result<Recipe> {
        let recipe: Recipe = toml::from_str(text)
            .map_err(|why| hint::error(format!("{place}: {why}"), RECIPE_HINT))?;
        recipe.check().with_context(|| place.to_owned())?;
        Ok(recipe)
    }

    fn check(&self) -> Result<()> {
        let plain = |name: &str| {
            let fine = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
            !name.is_empty() && name.chars().all(fine)
        };
        let names = self.arms.iter().map(|arm| &arm.name);
        let names = names.chain(self.grids.iter().map(|grid| &grid.name)).chain([&self.slug]);
        if let Some(name) = names.into_iter().find(|name| !plain(name)) {
            let what = format!("{name:?} is no name; a-z, 0-9 and - make one");
            return Err(hint::error(what, RECIPE_HINT));
        }
        for grid in &self.grids {
            grid.split.spec()?;
            self.data_of(grid)?.format()?;
            for own in &grid.arms {
                self.settings(grid, own, false)?;
            }
        }
        for published in &self.published {
            let known = self.grids.iter().any(|grid| {
                grid.name == published.grid
                    && grid.arms.iter().any(|own| own.arm == published.arm)
            });
            if !known {
                let what = format!(
                    "published: no arm {:?} in a grid {:?}",
                    published.arm, published.grid
                );
                return Err(hint::error(what, RECIPE_HINT));
            }
        }
        Ok(())
    }

    /// The data set of `grid`.
    pub(crate) fn data_of(&self, grid: &Grid) -> Result<&DataSet> {
        self.data.get(&grid.data).ok_or_else(|| {
            hint::error(format!("grid {}: no data set {:?}", grid.name, grid.data), RECIPE_HINT)
        })
    }

    /// The arm called `name`.
    pub(crate) fn arm(&self, name: &str) -> Result<&Arm> {
        self.arms
            .iter()
            .find(|arm| arm.name == name)
            .ok_or_else(|| hint::error(format!("no arm is called {name:?}"), RECIPE_HINT))
    }

    /// What an arm of a grid runs with: the defaults, the grid's settings, the arm's, and those
    /// of the arm in this grid, the later over the earlier.
    pub(crate) fn settings(
        &self,
        grid: &Grid,
        own: &GridArm,
        quick: bool,
    ) -> Result<ModelSettings> {
        let arm = self.arm(&own.arm)?;
        let wrong = |why: String| {
            hint::error(format!("grid {}, arm {}: {why}", grid.name, arm.name), RECIPE_HINT)
        };
        let tables = match sequence_defaults(&arm.model).is_some() {
            true => vec![&grid.settings, &arm.settings, &own.settings],
            false => vec![&arm.settings, &own.settings],
        };
        let layers: Vec<Value> =
            tables.into_iter().map(serde_json::to_value).collect::<Result<_, _>>()?;
        let mut settings = ModelSettings::of(&arm.model, &layers).map_err(wrong)?;
        if let ModelSettings::Sequence(config) = &mut settings
            && quick
        {
            config.epochs = config.epochs.min(self.quick.epochs);
        }
        settings.check().map_err(wrong)?;
        Ok(settings)
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_embedded_recipe_is_sound() {
        assert!(super::super::embedded().unwrap().len() >= 2);
    }
}
