//! Who orders the candidates of a request.

use std::sync::Arc;

use retrieve::{Filter, Model, Query, Retriever};
use world::{Request, Truth};

use super::known::Known;

/// An order of candidates.
#[derive(Debug, Clone)]
pub(super) enum Ranker {
    /// As they come, which is random.
    Random,
    /// Most clicks first.
    Popular,
    /// The best slate there is: it looks at the truth.
    Oracle,
    /// A model's order; items that it does not know stand last, by clicks.
    Model(Arc<Model>),
}

/// Only these.
struct Among<'a>(&'a [u32]);

impl Filter for Among<'_> {
    fn admits(&self, item: u32) -> bool {
        self.0.contains(&item)
    }
}

impl Ranker {
    /// All candidates, the best first.
    pub(super) fn rank(
        &self,
        request: &Request,
        candidates: &[u32],
        known: &Known,
        truth: &Truth<'_>,
        seed: u64,
    ) -> Vec<u32> {
        match self {
            Ranker::Random => candidates.to_vec(),
            Ranker::Popular => by_clicks(candidates.to_vec(), known),
            Ranker::Oracle => truth.best(candidates, candidates.len()),
            Ranker::Model(model) => {
                let mut sorted = candidates.to_vec();
                sorted.sort_unstable();
                let found = model.retrieve(&Query {
                    user: request.user,
                    history: known.history(request.user),
                    now_ms: request.time_ms,
                    filter: &Among(&sorted),
                    k: sorted.len(),
                    seed,
                });
                let mut ranking: Vec<u32> = found.iter().map(|found| found.item).collect();
                sorted.retain(|item| !ranking.contains(item));
                ranking.extend(by_clicks(sorted, known));
                ranking
            }
        }
    }
}

/// Most clicks first; those with as many stay as they were.
fn by_clicks(mut items: Vec<u32>, known: &Known) -> Vec<u32> {
    items.sort_by_key(|item| std::cmp::Reverse(known.popularity(*item)));
    items
}
