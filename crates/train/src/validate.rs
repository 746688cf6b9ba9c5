//! How good the model is now: NDCG@10 over the whole catalogue, for users who were held out.

use data::Sequences;
use data::order::tie;
use evaluate::ranking::{hits, ndcg};
use models::{Past, SequenceModel};
use tensor::Workspace;

use crate::Result;
use crate::items::Items;
use crate::rank::{rank, rank_on_disk};

const K: usize = 10;

/// Users with something to find: what they did in training, and what they did next.
#[derive(Debug)]
pub(crate) struct Validation<'a> {
    /// Asked when the user came back.
    histories: Vec<Past<'a>>,
    seen: Vec<Vec<u32>>,
    relevant: Vec<Vec<u32>>,
}

impl<'a> Validation<'a> {
    /// At most `users_max` users, chosen by the seed, who have a history in `train` and in `held`
    /// an item that is new to them. None where there is nobody.
    pub(crate) fn new(
        train: &'a Sequences,
        held: &'a Sequences,
        users_max: u32,
        seed: u64,
    ) -> Option<Validation<'a>> {
        let mut cases: Vec<(u32, Vec<u32>, Vec<u32>)> = (0..held.users() as u32)
            .filter(|user| !train.user(*user).is_empty())
            .filter_map(|user| {
                let sorted = |items: &[u32]| {
                    let mut items = items.to_vec();
                    items.sort_unstable();
                    items.dedup();
                    items
                };
                let seen = sorted(train.user(user).items);
                let mut relevant = sorted(held.user(user).items);
                relevant.retain(|item| seen.binary_search(item).is_err());
                (!relevant.is_empty()).then_some((user, seen, relevant))
            })
            .collect();
        cases.sort_by_key(|(user, _, _)| (tie(*user, seed), *user));
        cases.truncate(users_max as usize);
        // In the order of users again: neighbours in memory.
        cases.sort_by_key(|(user, _, _)| *user);
        if cases.is_empty() {
            return None;
        }
        let past = |(user, _, _): &(u32, _, _)| {
            let history = train.user(*user);
            let now_ms = held.user(*user).times_ms.first().copied().unwrap_or_default();
            Past { items: history.items, times_ms: history.times_ms, now_ms }
        };
        let histories = cases.iter().map(past).collect();
        let (mut seen, mut relevant) = (Vec::new(), Vec::new());
        for (_, had, next) in cases {
            seen.push(had);
            relevant.push(next);
        }
        Some(Validation { histories, seen, relevant })
    }

    /// Mean NDCG@10.
    pub(crate) fn ndcg(
        &self,
        model: &SequenceModel,
        workspace: &mut Workspace,
        items: &mut Items,
        seed: u64,
    ) -> Result<f64> {
        let (seen, histories): (Vec<&[u32]>, _) =
            (self.seen.iter().map(Vec::as_slice).collect(), &self.histories);
        let ranked = match items.on_disk() {
            Some(items) => rank_on_disk(model, workspace, items, histories, &seen, K, seed)?,
            None => {
                let items = items.matrix()?;
                rank(model, workspace, items.values(), histories, &seen, K, seed)?
            }
        };
        let each = ranked.iter().zip(&self.relevant).map(|(ranked, relevant)| {
            ndcg(&hits(ranked, relevant), relevant.len(), K).unwrap_or(0.0)
        });
        Ok(each.sum::<f64>() / self.relevant.len() as f64)
    }
}
