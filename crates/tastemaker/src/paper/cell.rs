//! A cell: one arm with one seed on one grid, finished. Everything that a table says of it can
//! be computed again from what is kept, without the data.

use std::collections::BTreeMap;

use data::split::SplitFacts;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use train::EpochFacts;

use super::decile::Deciles;
use super::metric::{HEADLINE, Kind, Metric, PLACES};
use super::outcome::Outcomes;
use crate::experiment::Machine;

/// Version of the file; another is run again.
pub(crate) const CELL_VERSION: u32 = 1;

/// What makes a cell what it is. Equal identity, equal numbers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Identity {
    pub(crate) version: u32,
    pub(crate) paper: String,
    pub(crate) grid: String,
    pub(crate) arm: String,
    pub(crate) seed: u64,
    pub(crate) quick: bool,
    /// Fingerprint of the split data.
    pub(crate) data: String,
    pub(crate) split: String,
    pub(crate) model: String,
    /// All settings of the model, defaults included.
    pub(crate) settings: Value,
    /// Longest list that was ranked.
    pub(crate) places: usize,
}

/// Settings that came after cells had been kept, and what holds where a cell does not name them:
/// what was done before there was a choice.
const CAME_LATER: [(&str, &str, &str); 4] = [
    ("/model", "kind", r#""sasrec""#),
    ("/model", "cosine", "false"),
    ("", "window", r#"{"kind":"latest"}"#),
    ("", "stochastic_length", r#"{"alpha":0.0,"keep":"age-weighted"}"#),
];

impl Identity {
    /// Names the settings of an older cell that came later, so that it is known again.
    pub(crate) fn complete(&mut self) {
        if self.model != "sasrec" {
            return;
        }
        for (place, name, value) in CAME_LATER {
            let table = self.settings.pointer_mut(place).and_then(Value::as_object_mut);
            if let (Some(table), Ok(value)) = (table, serde_json::from_str(value)) {
                table.entry(name).or_insert(value);
            }
        }
    }

    /// Whether it is the same experiment, under whatever names it goes.
    pub(crate) fn same_experiment(&self, other: &Identity) -> bool {
        let Identity { paper, grid, arm, .. } = self.clone();
        *self == Identity { paper, grid, arm, ..other.clone() }
    }

    /// A few digits for a folder's name.
    pub(crate) fn digits(&self) -> String {
        let text = serde_json::to_string(self).unwrap_or_default();
        blake3::hash(text.as_bytes()).to_hex()[..12].to_owned()
    }

    /// The longest list, for [`Identity::places`].
    pub(crate) const PLACES: usize = PLACES;
}

/// The file of a cell.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Cell {
    pub(crate) identity: Identity,
    pub(crate) split: SplitFacts,
    /// Cases: users of the test with a history before it and something new in it.
    pub(crate) users: u64,
    /// Users of the test without a history, who are not judged.
    pub(crate) cold: u64,
    pub(crate) items: u32,
    /// Users of the test who met nothing new there, and so are no case.
    pub(crate) nothing_new: u64,
    /// Metrics of all lists together, by name.
    pub(crate) lists: BTreeMap<String, f64>,
    /// Metrics of the cases, by name: for a reader of the file.
    pub(crate) means: BTreeMap<String, f64>,
    pub(crate) epochs: Vec<EpochFacts>,
    /// 0 for what has no epochs.
    pub(crate) best_epoch: u32,
    pub(crate) fit_seconds: f64,
    pub(crate) rank_seconds: f64,
    pub(crate) machine: Machine,
    pub(crate) finished_ms: i64,
    pub(crate) deciles: Option<Deciles>,
    /// Where it was run, `PAPER/GRID/ARM`, if another paper lent it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) borrowed_from: Option<String>,
    pub(crate) outcomes: Outcomes,
}

impl Cell {
    /// Mean over cases, or the number of all lists; `None` where it was not taken.
    pub(crate) fn mean(&self, metric: Metric) -> Option<f64> {
        if let Some(value) = self.lists.get(&metric.to_string()) {
            return Some(*value);
        }
        let values = self.by_case(metric)?;
        (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
    }

    /// Writes the metrics of the cases beside them: HR@10, NDCG@10 and those of `metrics`.
    pub(crate) fn take_means(&mut self, metrics: &[Metric]) {
        let hr = Metric { kind: Kind::Hr, k: 10 };
        let wanted = metrics.iter().chain([&hr, &HEADLINE]);
        let of_cases = wanted.filter(|metric| !metric.kind.is_of_lists());
        let means =
            of_cases.filter_map(|metric| Some((metric.to_string(), self.mean(*metric)?)));
        self.means = means.collect();
    }

    /// One number a case.
    pub(crate) fn by_case(&self, metric: Metric) -> Option<Vec<f64>> {
        self.outcomes.0.iter().map(|outcome| metric.of(outcome)).collect()
    }

    /// Seconds of all its work.
    pub(crate) fn seconds(&self) -> f64 {
        self.fit_seconds + self.rank_seconds
    }
}

#[cfg(test)]
impl Cell {
    /// A cell of a test, whose outcomes are written as in a file.
    pub(crate) fn made_up(grid: &str, arm: &str, seed: u64, outcomes: &str) -> Cell {
        let identity = Identity {
            version: CELL_VERSION,
            paper: "made-up".into(),
            grid: grid.into(),
            arm: arm.into(),
            seed,
            quick: false,
            data: "d".into(),
            split: "s".into(),
            model: "popular".into(),
            settings: Value::Null,
            places: PLACES,
        };
        let split = SplitFacts {
            kind: "time".into(),
            leaky: false,
            clock: data::ClockKind::Real,
            validation_from_ms: None,
            test_from_ms: None,
            train_events: 1,
            validation_events: 0,
            test_events: 1,
        };
        let outcomes = Outcomes::try_from(outcomes.to_owned()).expect("outcomes of a test");
        Cell {
            identity,
            split,
            users: outcomes.0.len() as u64,
            cold: 0,
            items: 1,
            nothing_new: 0,
            lists: BTreeMap::new(),
            means: BTreeMap::new(),
            epochs: Vec::new(),
            best_epoch: 0,
            fit_seconds: 0.0,
            rank_seconds: 0.0,
            machine: Machine::here(),
            finished_ms: 0,
            deciles: None,
            borrowed_from: None,
            outcomes,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_cell_from_before_there_was_a_choice_is_known_again() {
        let now = serde_json::to_value(train::SequenceConfig::default()).unwrap_or_default();
        let mut then = now.clone();
        for (place, name, _) in CAME_LATER {
            let table = then.pointer_mut(place).and_then(Value::as_object_mut);
            assert!(table.and_then(|table| table.remove(name)).is_some(), "{place} {name}");
        }
        let of = |settings: Value| Identity {
            model: "sasrec".into(),
            settings,
            ..Cell::made_up("g", "a", 1, "1").identity
        };
        let (mut old, new) = (of(then), of(now.clone()));
        assert_ne!(old, new);
        old.complete();
        assert_eq!(old, new);
        // What it names is left alone.
        let mut other = of(now);
        other.settings["window"] = json!({"kind": "sliding", "stride": 0});
        let before = other.clone();
        other.complete();
        assert_eq!(other, before);
    }
}
