//! What a model of `retrieve` answers to the cases of a test.

use data::Sequences;
use evaluate::Cases;
use rayon::prelude::*;
use retrieve::{Model, Query, Retriever, Unseen};

/// Cases with a history.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Warm<'a> {
    pub(crate) cases: &'a Cases,
    /// Which of them.
    pub(crate) at: &'a [usize],
    /// Their histories.
    pub(crate) before: &'a Sequences,
}

/// A ranking a case, at most `k` items, best first, without those that were seen.
pub(crate) fn answers(model: &Model, warm: Warm<'_>, k: usize, seed: u64) -> Vec<Vec<u32>> {
    let answer = |at: &usize| {
        let user = warm.cases.user(*at);
        let unseen = Unseen::new(warm.cases.seen_items(*at).iter().copied());
        let (history, now_ms) = (warm.before.user(user), warm.cases.asked_ms(*at));
        let query = Query { user: Some(user), history, now_ms, filter: &unseen, k, seed };
        model.retrieve(&query).iter().map(|found| found.item).collect()
    };
    warm.at.par_iter().map(answer).collect()
}
