//! Policies by name: who orders the candidates, and how often it is left to chance.

use std::fmt;
use std::str::FromStr;

use super::candidates::Chance;

/// A policy as the command line names it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct PolicyName {
    /// Share of requests whose slate is a uniform draw of the candidates in a uniform order: the
    /// random slice. 0: none, 1: all.
    pub(crate) explored: f64,
    /// `popular`, `oracle`, `item-knn`.
    pub(crate) ranker: RankerName,
}

/// Who orders candidates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum RankerName {
    /// Nobody.
    Random,
    /// Clicks so far.
    Popular,
    /// The truth.
    Oracle,
    /// A model of these.
    Model(String),
}

impl FromStr for PolicyName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (explored, name) = match text.strip_prefix("epsilon:") {
            Some(rest) => {
                let (share, name) = rest.split_once(':').ok_or_else(|| {
                    format!("`{text}`: write epsilon:SHARE:POLICY, as epsilon:0.1:popular")
                })?;
                let share: f64 =
                    share.parse().map_err(|_| format!("`{share}` is not a number"))?;
                if !(0.0..=1.0).contains(&share) {
                    return Err(format!("{share} is not a share between 0 and 1"));
                }
                (share, name)
            }
            None => (0.0, text),
        };
        let ranker = match name {
            "random" => RankerName::Random,
            "popular" => RankerName::Popular,
            "oracle" => RankerName::Oracle,
            _ if retrieve::MODEL_NAMES.contains(&name) => RankerName::Model(name.to_owned()),
            _ => {
                return Err(format!(
                    "no policy `{name}`; there are random, popular, oracle, {}, and epsilon:SHARE:POLICY",
                    retrieve::MODEL_NAMES
                        .iter()
                        .filter(|name| **name != "popular")
                        .copied()
                        .collect::<Vec<_>>()
                        .join(", ")
                ));
            }
        };
        let explored = if ranker == RankerName::Random { 1.0 } else { explored };
        Ok(PolicyName { explored, ranker })
    }
}

impl fmt::Display for PolicyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match &self.ranker {
            RankerName::Random => return f.write_str("random"),
            RankerName::Popular => "popular",
            RankerName::Oracle => "oracle",
            RankerName::Model(name) => name,
        };
        if self.explored > 0.0 {
            write!(f, "epsilon:{}:{name}", self.explored)
        } else {
            f.write_str(name)
        }
    }
}

impl PolicyName {
    /// Makes a slate of candidates in their order; the propensity of each place is the chance of
    /// that item there: `(1 − ε)·[it ranks there] + ε/K`.
    pub(super) fn slate(
        &self,
        ranking: &[u32],
        places: usize,
        chance: &mut Chance,
    ) -> (Vec<u32>, Vec<f32>) {
        let mut items = ranking.to_vec();
        if self.explored > 0.0 && chance.share() < self.explored {
            chance.shuffle(&mut items);
        }
        items.truncate(places);
        let uniform = self.explored / ranking.len().max(1) as f64;
        let propensities = items
            .iter()
            .zip(ranking)
            .map(|(item, ranked)| {
                let greedy = if item == ranked { 1.0 - self.explored } else { 0.0 };
                (greedy + uniform) as f32
            })
            .collect();
        (items, propensities)
    }
}
