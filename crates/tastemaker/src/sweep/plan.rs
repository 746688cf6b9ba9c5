//! A sweep as its file says it, and the combinations that it tries.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::{Context, Result};
use data::Feedback;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use serde::Deserialize;
use serde_json::Value;

use super::varied::{Varied, varied};
use crate::experiment::{DataSet, ModelSettings, SEQUENCE, SplitChoice};
use crate::hint;

const HINT: &str = "mend the file; config/sweep.toml explains all of its parts";
/// Combinations at most.
const COMBINATIONS_MAX: usize = 10_000;
/// Draws a trial before it is believed that there are no other combinations.
const DRAWS_MAX: usize = 1_000;

/// The file.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Sweep {
    /// Its name in folders.
    pub(crate) name: String,
    pub(crate) title: String,
    #[serde(default = "sequence")]
    pub(crate) model: String,
    #[serde(default = "one")]
    pub(crate) seeds: u32,
    pub(crate) search: Search,
    /// A file of the data folder; none: a log is named on the command line.
    #[serde(default)]
    pub(crate) data: Option<DataSet>,
    #[serde(default)]
    pub(crate) feedback: Feedback,
    pub(crate) split: SplitChoice,
    /// What all trials share, over the defaults.
    #[serde(default)]
    settings: toml::Table,
    vary: toml::Table,
}

/// `[search]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) enum Search {
    /// Every combination.
    Grid {},
    /// Some, drawn by the seed.
    Random { trials: u32, seed: u64 },
}

fn sequence() -> String {
    SEQUENCE.into()
}

fn one() -> u32 {
    1
}

/// One combination of values.
#[derive(Debug, Clone)]
pub(crate) struct Combination {
    /// By path.
    pub(crate) values: BTreeMap<String, Value>,
    pub(crate) settings: ModelSettings,
    /// All of them.
    pub(crate) json: Value,
}

/// A sweep that was looked through: every trial can be run.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) varied: Vec<Varied>,
    pub(crate) combinations: Vec<Combination>,
}

impl Sweep {
    /// Reads and checks.
    pub(crate) fn read(path: &Path) -> Result<Sweep> {
        let text = std::fs::read_to_string(path).map_err(|why| {
            hint::error(format!("{}: {why}", path.display()), "check the path")
        })?;
        Sweep::parse(&text).with_context(|| path.display().to_string())
    }

    fn parse(text: &str) -> Result<Sweep> {
        let sweep: Sweep = toml::from_str(text).map_err(|why| hint::error(why, HINT))?;
        let fine = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if sweep.name.is_empty() || !sweep.name.chars().all(fine) {
            let what = format!("{:?} is no name; a-z, 0-9 and - make one", sweep.name);
            return Err(hint::error(what, HINT));
        }
        sweep.split.spec()?;
        if let Some(set) = &sweep.data {
            set.format()?;
        }
        if sweep.seeds == 0 {
            return Err(hint::error("seeds: 0; at least 1", HINT));
        }
        sweep.plan()?;
        Ok(sweep)
    }

    /// What is tried, in order.
    ///
    /// # Errors
    /// Where a path or a value is not one of the model's, or a combination cannot be trained.
    pub(crate) fn plan(&self) -> Result<Plan> {
        let wrong = |why: String| hint::error(why, HINT);
        let vary = |why: String| wrong(format!("vary: {why}"));
        let shared = serde_json::to_value(&self.settings)?;
        let of = |layers: &[Value]| ModelSettings::of(&self.model, layers);
        let base = of(std::slice::from_ref(&shared))
            .map_err(|why| wrong(format!("settings: {why}")))?
            .to_json()?;
        let varied = varied(&self.vary).map_err(vary)?;
        for one in &varied {
            must_name_a_setting(&base, &one.path).map_err(vary)?;
            for value in one.samples() {
                of(&[shared.clone(), nested(&one.path, &value)])
                    .map_err(|why| vary(format!("{:?} = {value}: {why}", one.path)))?;
            }
        }
        let all = match self.search {
            Search::Grid {} => grid(&varied).map_err(vary)?,
            Search::Random { trials, seed } => {
                drawn(&varied, trials, seed).map_err(|why| wrong(format!("search: {why}")))?
            }
        };
        let mut combinations: Vec<Combination> = Vec::new();
        for values in all {
            let mut layers = vec![shared.clone()];
            layers.extend(values.iter().map(|(path, value)| nested(path, value)));
            let settings = of(&layers).and_then(|settings| settings.check().map(|()| settings));
            let settings =
                settings.map_err(|why| vary(format!("{}: {why}", in_words(&values))))?;
            let json = settings.to_json()?;
            combinations.push(Combination { values, settings, json });
        }
        Ok(Plan { varied, combinations })
    }
}

/// `model.dim 32, schedule.peak 0.001`.
pub(crate) fn in_words(values: &BTreeMap<String, Value>) -> String {
    let words: Vec<String> = values
        .iter()
        .map(|(path, value)| format!("{path} {}", value_in_words(value)))
        .collect();
    words.join(", ")
}

/// A value as it is shown: text without quotes, a choice as `gbce (t 0.75)`, the rest as JSON.
pub(crate) fn value_in_words(value: &Value) -> String {
    if let Some(text) = value.as_str() {
        return text.to_owned();
    }
    let kind = value.get("kind").and_then(Value::as_str);
    let (Some(kind), Some(fields)) = (kind, value.as_object()) else {
        return value.to_string();
    };
    let others = fields.iter().filter(|(name, _)| *name != "kind");
    let others: Vec<String> =
        others.map(|(name, value)| format!("{name} {}", value_in_words(value))).collect();
    match others.is_empty() {
        true => kind.to_owned(),
        false => format!("{kind} ({})", others.join(", ")),
    }
}

/// `{"model": {"dim": 32}}` of `model.dim` and 32.
fn nested(path: &str, value: &Value) -> Value {
    path.rsplit('.').fold(value.clone(), |inner, name| {
        Value::Object([(name.to_owned(), inner)].into_iter().collect())
    })
}

/// Refuses a path that is not in `all`, and says what is.
fn must_name_a_setting(all: &Value, path: &str) -> Result<(), String> {
    let mut at = all;
    let mut above = String::new();
    for name in path.split('.') {
        let Some(fields) = at.as_object() else {
            return Err(format!("{path:?}: {above} is one value, {at}, without parts"));
        };
        at = fields.get(name).ok_or_else(|| {
            let known: Vec<&str> = fields.keys().map(String::as_str).collect();
            let place = if above.is_empty() { "" } else { &format!(" in {above}") };
            format!("{path:?}: no setting {name:?}{place}; there are {}", known.join(", "))
        })?;
        above = if above.is_empty() { name.to_owned() } else { format!("{above}.{name}") };
    }
    Ok(())
}

type Values = BTreeMap<String, Value>;

/// Every combination, the last path's values quickest.
fn grid(varied: &[Varied]) -> Result<Vec<Values>, String> {
    let mut all = vec![Values::new()];
    for one in varied {
        let values = one.grid()?;
        let count = all.len().saturating_mul(values.len());
        if count > COMBINATIONS_MAX {
            return Err(format!(
                "{count} combinations and more, {COMBINATIONS_MAX} at most: draw some with \
                 search = {{ kind = \"random\", … }}"
            ));
        }
        let longer = |known: &Values| -> Vec<Values> {
            let with = |value: &Value| {
                let mut longer = known.clone();
                longer.insert(one.path.clone(), value.clone());
                longer
            };
            values.iter().map(with).collect()
        };
        all = all.iter().flat_map(longer).collect();
    }
    Ok(all)
}

/// So many combinations, each once; fewer where there are no others.
fn drawn(varied: &[Varied], trials: u32, seed: u64) -> Result<Vec<Values>, String> {
    if trials == 0 || trials as usize > COMBINATIONS_MAX {
        return Err(format!("{trials} trials; 1 to {COMBINATIONS_MAX}"));
    }
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let (mut all, mut known) = (Vec::new(), BTreeSet::new());
    for _ in 0..trials {
        for _ in 0..DRAWS_MAX {
            let draw = |one: &Varied| (one.path.clone(), one.draw(&mut random));
            let values: Values = varied.iter().map(draw).collect();
            if known.insert(in_words(&values)) {
                all.push(values);
                break;
            }
        }
    }
    Ok(all)
}

#[cfg(test)]
mod tests;
