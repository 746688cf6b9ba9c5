//! A recipe: what a paper claims, and what is run to see whether it holds.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use serde::Deserialize;
use serde_json::Value;

use super::metric::{HEADLINE, Kind, Metric};
use super::study::Study;
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
    #[serde(default)]
    pub(crate) data: BTreeMap<String, DataSet>,
    /// Ways to make a model.
    #[serde(default, rename = "arm")]
    pub(crate) arms: Vec<Arm>,
    #[serde(default, rename = "grid")]
    pub(crate) grids: Vec<Grid>,
    /// Cells that are not rankings.
    #[serde(default, rename = "study")]
    pub(crate) studies: Vec<Study>,
    #[serde(default)]
    pub(crate) published: Vec<Published>,
    /// Papers whose finished cells are taken where they are the same experiment.
    #[serde(default)]
    pub(crate) borrow: Vec<String>,
    /// Splits whose orders of models are compared.
    #[serde(default, rename = "reversal")]
    pub(crate) reversals: Vec<Reversal>,
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

/// `[[reversal]]`: two grids over the same data, split in two ways. Do their arms come in the same
/// order?
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Reversal {
    pub(crate) name: String,
    pub(crate) title: String,
    pub(crate) grids: [String; 2],
    /// By what models are ordered; of each case.
    #[serde(default = "ordering")]
    pub(crate) metrics: Vec<Metric>,
}

fn ordering() -> Vec<Metric> {
    vec![HEADLINE, Metric { kind: Kind::Hr, k: 10 }]
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
        let names = names.chain(self.studies.iter().flat_map(Study::names));
        let names = names.chain(self.reversals.iter().map(|own| &own.name)).chain(&self.borrow);
        if let Some(name) = names.into_iter().find(|name| !plain(name)) {
            let what = format!("{name:?} is no name; a-z, 0-9 and - make one");
            return Err(hint::error(what, RECIPE_HINT));
        }
        self.studies.iter().try_for_each(Study::check)?;
        for (at, study) in self.studies.iter().enumerate() {
            if self.studies[..at].iter().any(|before| before.name == study.name) {
                let what = format!("two studies are called {:?}", study.name);
                return Err(hint::error(what, RECIPE_HINT));
            }
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
        if self.borrow.contains(&self.slug) {
            return Err(hint::error("borrow: a paper has its own cells", RECIPE_HINT));
        }
        for reversal in &self.reversals {
            self.check_reversal(reversal).map_err(|why| {
                hint::error(format!("reversal {}: {why}", reversal.name), RECIPE_HINT)
            })?;
        }
        Ok(())
    }

    fn check_reversal(&self, reversal: &Reversal) -> Result<(), String> {
        let [first, second] = &reversal.grids;
        let grid = |name| self.grid(name).ok_or_else(|| format!("no grid {name:?}"));
        let (one, other) = (grid(first)?, grid(second)?);
        if one.data != other.data {
            return Err(format!("{first} is of {}, {second} of {}", one.data, other.data));
        }
        if one.split.in_words() == other.split.in_words() {
            return Err(format!("{first} and {second} have the same split"));
        }
        let of_lists = |metric: &&Metric| metric.kind.is_of_lists();
        if let Some(metric) = reversal.metrics.iter().find(of_lists) {
            return Err(format!(
                "{metric} is not of cases, which are what models are paired by"
            ));
        }
        let shared =
            one.arms.iter().filter(|own| other.arms.iter().any(|arm| arm.arm == own.arm));
        match shared.count() {
            0 | 1 => Err(format!("{first} and {second} share fewer than two arms")),
            _ => Ok(()),
        }
    }

    /// The grid called `name`.
    pub(crate) fn grid(&self, name: &str) -> Option<&Grid> {
        self.grids.iter().find(|grid| grid.name == name)
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
    use super::*;

    #[test]
    fn every_embedded_recipe_is_sound() {
        assert!(super::super::embedded().unwrap().len() >= 2);
    }

    const SPLIT_TWICE: &str = "slug = 's'\ntitle = 't'\nquick = { users = 1, epochs = 1 }\n\
        data.d = { title = 'd', path = 'd', format = 'movielens' }\n\
        data.e = { title = 'e', path = 'e', format = 'movielens' }\n\
        borrow = ['lender']\n\
        [[arm]]\nname = 'popular'\ntitle = 'p'\nmodel = 'popular'\n\
        [[arm]]\nname = 'ease'\ntitle = 'e'\nmodel = 'ease'\n\
        [[grid]]\nname = 'last'\ntitle = 'l'\ndata = 'd'\nsplit = { kind = 'leave-last-out' }\n\
        arms = [{ arm = 'popular' }, { arm = 'ease' }]\nmetrics = []\n\
        [[grid]]\nname = 'time'\ntitle = 't'\ndata = 'd'\n\
        split = { kind = 'time', validation_from = '0.8', test_from = '0.9' }\n\
        arms = [{ arm = 'ease' }, { arm = 'popular' }]\nmetrics = []\n\
        [[reversal]]\nname = 'd'\ntitle = 'D'\ngrids = ['last', 'time']\n";

    #[test]
    fn a_reversal_is_between_two_splits_of_one_data_set() {
        let recipe = Recipe::parse(SPLIT_TWICE, "s").unwrap();
        let [reversal] = &recipe.reversals[..] else { panic!("{:?}", recipe.reversals) };
        let metrics: Vec<String> = reversal.metrics.iter().map(Metric::to_string).collect();
        assert_eq!(metrics, ["ndcg@10", "hr@10"]);
        assert_eq!(recipe.borrow, ["lender"]);

        let refused = |from: &str, to: &str| {
            assert!(SPLIT_TWICE.contains(from), "{from}");
            format!("{:#}", Recipe::parse(&SPLIT_TWICE.replace(from, to), "s").unwrap_err())
        };
        for (from, to, why) in [
            ("['last', 'time']", "['last', 'none']", "reversal d: no grid \"none\""),
            ("['last', 'time']", "['last', 'last']", "have the same split"),
            ("['last', 'time']", "['last']", "invalid length 1"),
            ("title = 't'\ndata = 'd'", "title = 't'\ndata = 'e'", "last is of d, time of e"),
            ("[{ arm = 'ease' }, { arm = 'popular' }]", "[{ arm = 'ease' }]", "two arms"),
            ("title = 'D'", "title = 'D'\nmetrics = ['coverage@10']", "coverage@10 is not of"),
            ("name = 'd'", "name = 'D'", "\"D\" is no name"),
            ("['lender']", "['../up']", "\"../up\" is no name"),
            ("['lender']", "['s']", "a paper has its own cells"),
        ] {
            let error = refused(from, to);
            assert!(error.contains(why), "{to}: {error}");
        }
    }
}
