//! Finished trials summed up: combinations, the best first, with their spread over seeds.

use std::collections::BTreeMap;

use anyhow::Result;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::plan::{Combination, Sweep};
use super::runner::Choice;
use super::trial::{Identity, Trial};
use crate::experiment::{deviation, mean};

/// A sweep as measured. The object that `--json` prints.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Summary {
    pub(crate) sweep: String,
    pub(crate) title: String,
    pub(crate) model: String,
    /// What the numbers are: `validation NDCG@10`.
    pub(crate) metric: String,
    pub(crate) split: String,
    /// Users that validation could look at; 0 where nothing is finished.
    pub(crate) cases: u64,
    /// What is varied, in order.
    pub(crate) varied: Vec<Axis>,
    /// The best first; those that diverged last.
    pub(crate) combinations: Vec<Tried>,
    /// Trials that are not finished.
    pub(crate) unfinished: usize,
    pub(crate) machines: Vec<String>,
    /// Where the plot lies, once it is drawn.
    pub(crate) plot: Option<String>,
}

/// A setting that is varied.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Axis {
    pub(crate) path: String,
    /// Whether it was asked for on a log scale.
    pub(crate) log: bool,
}

/// A combination, tried.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Tried {
    /// By path.
    pub(crate) values: BTreeMap<String, Value>,
    pub(crate) seeds: Vec<u64>,
    /// Over seeds; none where every one diverged.
    pub(crate) ndcg: Option<Spread>,
    /// Seeds that diverged.
    pub(crate) diverged: usize,
    /// Kept epoch of each seed; 0 for what has no epochs.
    pub(crate) best_epochs: Vec<u32>,
    /// Mean seconds of a trial.
    pub(crate) seconds: f64,
}

/// Over seeds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct Spread {
    pub(crate) mean: f64,
    /// Sample deviation; 0 for one seed.
    pub(crate) deviation: f64,
    pub(crate) min: f64,
    pub(crate) max: f64,
}

impl Spread {
    fn of(values: &[f64]) -> Option<Spread> {
        (!values.is_empty()).then(|| Spread {
            mean: mean(values),
            deviation: deviation(values),
            min: values.iter().copied().fold(f64::INFINITY, f64::min),
            max: values.iter().copied().fold(f64::NEG_INFINITY, f64::max),
        })
    }
}

/// Sums up what the store of `choice` holds of `sweep`.
pub(crate) fn summarise(sweep: &Sweep, choice: &Choice) -> Result<Summary> {
    let plan = sweep.plan()?;
    let store = choice.trials(sweep);
    let mut found: Vec<(&Combination, Vec<Trial>)> = Vec::new();
    // Numbers on other data are not compared: those of the first are shown.
    let mut data: Option<String> = None;
    let mut unfinished = 0;
    for combination in &plan.combinations {
        let mut trials = Vec::new();
        for seed in choice.seeds(sweep) {
            let known = data.as_deref().unwrap_or_default();
            let identity = Identity::of(sweep, combination, seed, known);
            let kept = Trial::kept(&store, &identity)?;
            let same =
                |trial: &Trial| data.as_ref().is_none_or(|data| *data == trial.identity.data);
            match kept.filter(same) {
                Some(trial) => {
                    data.get_or_insert_with(|| trial.identity.data.clone());
                    trials.push(trial);
                }
                None => unfinished += 1,
            }
        }
        if !trials.is_empty() {
            found.push((combination, trials));
        }
    }
    let all = || found.iter().flat_map(|(_, trials)| trials);
    let mut machines: Vec<String> = all().map(|trial| trial.machine.in_words()).collect();
    machines.sort();
    machines.dedup();
    let cases = all().next().map_or(0, |trial| trial.cases);
    let mut combinations: Vec<Tried> =
        found.iter().map(|(combination, trials)| tried(combination, trials)).collect();
    let mean = |tried: &Tried| tried.ndcg.map_or(f64::NEG_INFINITY, |ndcg| ndcg.mean);
    combinations.sort_by(|a, b| mean(b).total_cmp(&mean(a)));
    let axis = |varied: &super::varied::Varied| Axis {
        path: varied.path.clone(),
        log: varied.is_log(),
    };
    Ok(Summary {
        sweep: sweep.name.clone(),
        title: sweep.title.clone(),
        model: sweep.model.clone(),
        metric: "validation NDCG@10".into(),
        split: sweep.split.in_words(),
        cases,
        varied: plan.varied.iter().map(axis).collect(),
        combinations,
        unfinished,
        machines,
        plot: None,
    })
}

fn tried(combination: &Combination, trials: &[Trial]) -> Tried {
    let values: Vec<f64> = trials.iter().filter_map(|trial| trial.ndcg).collect();
    let seconds: Vec<f64> = trials.iter().map(|trial| trial.seconds).collect();
    Tried {
        values: combination.values.clone(),
        seeds: trials.iter().map(|trial| trial.identity.seed).collect(),
        ndcg: Spread::of(&values),
        diverged: trials.len() - values.len(),
        best_epochs: trials.iter().map(|trial| trial.best_epoch).collect(),
        seconds: mean(&seconds),
    }
}
