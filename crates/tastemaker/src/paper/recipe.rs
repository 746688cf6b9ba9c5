//! A recipe: what a paper claims, and what is run to see whether it holds.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{Context, Result};
use data::import::{ColumnMap, Format};
use data::split::{Cut, SplitSpec};
use retrieve::ModelsConfig;
use serde::Deserialize;
use serde_json::Value;
use train::SequenceConfig;

use super::metric::Metric;
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

/// `[data.NAME]`: a file of the data folder.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DataSet {
    pub(crate) title: String,
    /// Below the data folder.
    pub(crate) path: PathBuf,
    /// As `tastemaker import` calls it.
    pub(crate) format: String,
    /// Columns, where the format has some.
    #[serde(default)]
    pub(crate) map: Option<ColumnMap>,
}

impl DataSet {
    pub(crate) fn format(&self) -> Result<Format> {
        let found = Format::ALL.into_iter().find(|format| format.name() == self.format);
        found.ok_or_else(|| {
            hint::error(format!("no format is called {:?}", self.format), RECIPE_HINT)
        })
    }
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
    "sasrec".into()
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

/// How a grid splits.
#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) enum SplitChoice {
    /// As in papers; leaky.
    LeaveLastOut,
    /// By time.
    Time { validation_from: String, test_from: String },
}

impl SplitChoice {
    pub(crate) fn spec(&self) -> Result<SplitSpec> {
        let cut = |text: &str| {
            text.parse::<Cut>().map_err(|why| hint::error(format!("split: {why}"), RECIPE_HINT))
        };
        Ok(match self {
            SplitChoice::LeaveLastOut => SplitSpec::LeaveLastOut,
            SplitChoice::Time { validation_from, test_from } => SplitSpec::Time {
                validation_from: Some(cut(validation_from)?),
                test_from: cut(test_from)?,
            },
        })
    }

    /// For a cell's identity.
    pub(crate) fn in_words(&self) -> String {
        match self {
            SplitChoice::LeaveLastOut => "leave-last-out".into(),
            SplitChoice::Time { validation_from, test_from } => {
                format!("time, validation from {validation_from}, test from {test_from}")
            }
        }
    }
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

/// What a cell runs with.
#[derive(Debug, Clone)]
pub(crate) enum ArmSettings {
    /// A sequence model.
    Sequence(Box<SequenceConfig>),
    /// A model of `retrieve`.
    Retrieve(Box<ModelsConfig>),
}

impl ArmSettings {
    /// As they are stored and compared.
    pub(crate) fn to_json(&self) -> Result<Value> {
        Ok(match self {
            ArmSettings::Sequence(config) => serde_json::to_value(config)?,
            ArmSettings::Retrieve(config) => serde_json::to_value(config)?,
        })
    }
}

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
    ) -> Result<ArmSettings> {
        let arm = self.arm(&own.arm)?;
        let wrong = |why: String| {
            hint::error(format!("grid {}, arm {}: {why}", grid.name, arm.name), RECIPE_HINT)
        };
        if arm.model == "sasrec" {
            let mut all = serde_json::to_value(SequenceConfig::default())?;
            for table in [&grid.settings, &arm.settings, &own.settings] {
                overlay(&mut all, &serde_json::to_value(table)?);
            }
            let mut config: SequenceConfig =
                serde_json::from_value(all).map_err(|why| wrong(why.to_string()))?;
            if quick {
                config.epochs = config.epochs.min(self.quick.epochs);
            }
            config.check().map_err(|why| wrong(why.to_string()))?;
            return Ok(ArmSettings::Sequence(Box::new(config)));
        }
        if !retrieve::MODEL_NAMES.contains(&arm.model.as_str()) {
            let known = retrieve::MODEL_NAMES.join(", ");
            return Err(wrong(format!("no model {:?}; sasrec, {known}", arm.model)));
        }
        let mut all = serde_json::to_value(ModelsConfig::default())?;
        for table in [&arm.settings, &own.settings] {
            overlay(&mut all, &serde_json::to_value(table)?);
        }
        let config = serde_json::from_value(all).map_err(|why| wrong(why.to_string()))?;
        Ok(ArmSettings::Retrieve(Box::new(config)))
    }
}

/// Lays `over` on `under`, table by table. A table that names its `kind` is a choice of its own:
/// it replaces what was there.
fn overlay(under: &mut Value, over: &Value) {
    match (under, over) {
        (Value::Object(under), Value::Object(over)) if !over.contains_key("kind") => {
            for (key, value) in over {
                overlay(under.entry(key.clone()).or_insert(Value::Null), value);
            }
        }
        (under, over) => *under = over.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_choice_of_another_kind_replaces_all_of_the_former() {
        let mut all = json!({"loss": {"kind": "a", "x": 1}, "model": {"dim": 64, "heads": 2}});
        overlay(&mut all, &json!({"loss": {"kind": "b"}, "model": {"heads": 1}}));
        assert_eq!(all, json!({"loss": {"kind": "b"}, "model": {"dim": 64, "heads": 1}}));
    }

    #[test]
    fn every_embedded_recipe_is_sound() {
        assert!(super::super::embedded().unwrap().len() >= 2);
    }
}
