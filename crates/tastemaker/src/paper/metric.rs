//! Names of metrics: `ndcg@10`.

use evaluate::ranking;
use serde::{Deserialize, Serialize};

use super::outcome::Outcome;

/// Longest list that is ranked and kept.
pub(crate) const PLACES: usize = 200;

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Whether anything relevant is in the list. With one relevant item a case, recall.
    Hr,
    Ndcg,
    Recall,
    Mrr,
    /// Share of the catalogue in any list.
    Coverage,
    /// Mean training events of the items in the lists.
    Popularity,
}

impl Kind {
    /// Whether only all lists together have it.
    pub(crate) fn is_of_lists(self) -> bool {
        matches!(self, Kind::Coverage | Kind::Popularity)
    }
}

/// A metric at a length of list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct Metric {
    pub(crate) kind: Kind,
    pub(crate) k: usize,
}

const NAMES: [(&str, Kind); 6] = [
    ("hr", Kind::Hr),
    ("ndcg", Kind::Ndcg),
    ("recall", Kind::Recall),
    ("mrr", Kind::Mrr),
    ("coverage", Kind::Coverage),
    ("popularity", Kind::Popularity),
];

/// What the summaries of all cells look at first.
pub(crate) const HEADLINE: Metric = Metric { kind: Kind::Ndcg, k: 10 };

impl TryFrom<String> for Metric {
    type Error = String;

    fn try_from(text: String) -> Result<Metric, String> {
        let wrong = || {
            let names: Vec<&str> = NAMES.iter().map(|(name, _)| *name).collect();
            format!(
                "{text:?} is no metric: one of {} at 1 to {PLACES}, like ndcg@10",
                names.join(", ")
            )
        };
        let (name, k) = text.split_once('@').ok_or_else(wrong)?;
        let (_, kind) = NAMES.iter().find(|(known, _)| *known == name).ok_or_else(wrong)?;
        let k = k.parse().ok().filter(|k| (1..=PLACES).contains(k)).ok_or_else(wrong)?;
        Ok(Metric { kind: *kind, k })
    }
}

impl From<Metric> for String {
    fn from(metric: Metric) -> String {
        metric.to_string()
    }
}

impl std::fmt::Display for Metric {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let name =
            NAMES.iter().find(|(_, kind)| *kind == self.kind).map_or("", |(name, _)| name);
        write!(f, "{name}@{}", self.k)
    }
}

impl Metric {
    /// Its value for one case; `None` for what only all lists together have.
    pub(crate) fn of(self, outcome: &Outcome) -> Option<f64> {
        let measure = match self.kind {
            Kind::Hr => ranking::hit_rate,
            Kind::Ndcg => ranking::ndcg,
            Kind::Recall => ranking::recall,
            Kind::Mrr => ranking::reciprocal_rank,
            Kind::Coverage | Kind::Popularity => return None,
        };
        let mut hits = vec![false; self.k];
        for place in &outcome.places {
            if let Some(hit) = hits.get_mut(*place as usize - 1) {
                *hit = true;
            }
        }
        measure(&hits, outcome.relevant as usize, self.k)
    }

    /// Its value over all lists; `None` for what each case has.
    pub(crate) fn of_lists(self, lists: &[Vec<u32>], counts: &[u32]) -> Option<f64> {
        let shown = lists.iter().flat_map(|list| &list[..self.k.min(list.len())]);
        match self.kind {
            Kind::Coverage => {
                let mut exposure = vec![0u32; counts.len()];
                shown.for_each(|item| exposure[*item as usize] += 1);
                evaluate::beyond::coverage(&exposure)
            }
            Kind::Popularity => {
                let (mut sum, mut places) = (0.0, 0u64);
                for item in shown {
                    sum += f64::from(counts[*item as usize]);
                    places += 1;
                }
                (places > 0).then(|| sum / places as f64)
            }
            Kind::Hr | Kind::Ndcg | Kind::Recall | Kind::Mrr => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metric(text: &str) -> Metric {
        Metric::try_from(text.to_owned()).unwrap()
    }

    #[test]
    fn a_case_is_measured_from_the_places_of_its_hits() {
        let third = Outcome { relevant: 1, places: vec![3] };
        let value = |text, outcome: &Outcome| metric(text).of(outcome).unwrap();
        assert!((value("ndcg@10", &third) - 0.5).abs() < 1e-12);
        assert!((value("mrr@200", &third) - 1.0 / 3.0).abs() < 1e-12);
        assert!((value("hr@2", &third)).abs() < 1e-12);
        assert!((value("hr@3", &third) - 1.0).abs() < 1e-12);
        let missed = Outcome { relevant: 2, places: vec![] };
        assert!(value("recall@10", &missed).abs() < 1e-12);
    }

    #[test]
    fn lists_are_measured_together() {
        let lists = [vec![0, 1], vec![0, 2]];
        let counts = [8, 4, 2, 1];
        assert_eq!(metric("coverage@2").of_lists(&lists, &counts), Some(0.75));
        assert_eq!(metric("popularity@1").of_lists(&lists, &counts), Some(8.0));
    }

    #[test]
    fn names_are_refused_with_what_would_be_right() {
        for wrong in ["ndcg", "ndcg@0", "ndcg@201", "auc@10"] {
            assert!(Metric::try_from(wrong.to_owned()).unwrap_err().contains("like ndcg@10"));
        }
    }
}
