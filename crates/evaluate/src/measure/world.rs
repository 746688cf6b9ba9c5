//! Everything about a test that does not depend on a model.

use data::ClockKind;

use super::Setting;
use crate::beyond::{self, Categories};
use crate::report::Group;
use crate::slices::{self, SliceOf, TimeBuckets};
use crate::{Cases, EvaluateConfig};

/// The cases, and what is known of their users and items.
pub(super) struct World<'a> {
    pub(super) cases: &'a Cases,
    pub(super) setting: &'a Setting<'a>,
    pub(super) config: &'a EvaluateConfig,
    /// Training users by item.
    pub(super) fans: Vec<u32>,
    pub(super) information: Vec<f64>,
    pub(super) categories: Categories,
    pub(super) histories: (Vec<SliceOf>, Vec<usize>),
    pub(super) popularity: (Vec<SliceOf>, Vec<usize>),
    pub(super) time: Option<TimeBuckets>,
}

impl<'a> World<'a> {
    pub(super) fn new(
        cases: &'a Cases,
        setting: &'a Setting<'a>,
        config: &'a EvaluateConfig,
    ) -> World<'a> {
        let train = &setting.split.train;
        let mut fans = vec![0u32; train.item_count() as usize];
        let mut users = 0;
        for user in 0..train.users() as u32 {
            let mut items = train.user(user).items.to_vec();
            items.sort_unstable();
            items.dedup();
            users += usize::from(!items.is_empty());
            items.iter().for_each(|item| fans[*item as usize] += 1);
        }
        let order_only = setting.split.facts.clock == ClockKind::OrderOnly;
        World {
            cases,
            setting,
            config,
            information: fans
                .iter()
                .map(|fans| beyond::self_information(*fans, users))
                .collect(),
            fans,
            categories: Categories::of(setting.catalogue),
            histories: slices::by_history(cases),
            popularity: slices::by_popularity(&train.popularity()),
            time: (!order_only).then(|| TimeBuckets::of(cases, config.time_buckets)),
        }
    }

    /// One number a case.
    pub(super) fn each(&self, of: impl Fn(usize) -> f64) -> Vec<f64> {
        (0..self.cases.len()).map(of).collect()
    }

    /// Of one case, over the relevant items of a slice: how many `wanted` ones.
    pub(super) fn count(&self, case: usize, wanted: impl Fn(u32, i64) -> bool) -> f64 {
        let pairs = self.cases.relevant(case).iter().zip(self.cases.times_ms(case));
        pairs.filter(|(item, time_ms)| wanted(**item, **time_ms)).count() as f64
    }

    pub(super) fn in_group(&self, case: usize, group: Group) -> bool {
        match group {
            Group::All => true,
            Group::Warm => self.cases.history_len(case) > 0,
            Group::Cold => self.cases.history_len(case) == 0,
        }
    }

    pub(super) fn users(&self, group: Group) -> usize {
        (0..self.cases.len()).filter(|case| self.in_group(*case, group)).count()
    }

    pub(super) fn pairs(&self, wanted: impl Fn(u32, i64) -> bool) -> usize {
        (0..self.cases.len()).map(|case| self.count(case, &wanted) as usize).sum()
    }
}
