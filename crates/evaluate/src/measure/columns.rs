//! A model's numbers as columns of the table that is resampled.

use std::collections::BTreeMap;

use super::Ranked;
use super::world::World;
use crate::beyond;
use crate::bootstrap::{Column, Denominator, Ratios};
use crate::ranking;
use crate::report::{Group, Metric};

/// Denominators that all models share.
pub(super) struct Over {
    groups: Vec<(Group, Denominator)>,
    pub(super) histories: Vec<Denominator>,
    pub(super) popularity: Vec<Denominator>,
    pub(super) time: Vec<Denominator>,
    pub(super) debiased: Denominator,
}

/// Where a model's numbers stand in the table.
pub(super) struct Columns {
    /// By group, cut-off, metric.
    pub(super) accuracy: Vec<(Group, Vec<BTreeMap<Metric, Column>>)>,
    pub(super) debiased: Vec<Column>,
    pub(super) novelty: Vec<Column>,
    pub(super) diversity: Vec<Column>,
    pub(super) histories: Vec<Column>,
    pub(super) popularity: Vec<Column>,
    pub(super) time: Vec<Column>,
}

impl World<'_> {
    pub(super) fn denominators(&self, ratios: &mut Ratios) -> Over {
        let groups = Group::EVERY
            .iter()
            .map(|group| {
                let ones = self.each(|case| f64::from(u8::from(self.in_group(case, *group))));
                (*group, ratios.denominator(ones))
            })
            .collect();
        let histories = (0..self.histories.0.len())
            .map(|slice| {
                let ones =
                    self.each(|case| f64::from(u8::from(self.histories.1[case] == slice)));
                ratios.denominator(ones)
            })
            .collect();
        let popularity = (0..self.popularity.0.len())
            .map(|slice| {
                ratios.denominator(self.each(|case| {
                    self.count(case, |item, _| self.popularity.1[item as usize] == slice)
                }))
            })
            .collect();
        let time = self.time.map_or_else(Vec::new, |time| {
            let bucket = |bucket| {
                self.each(|case| self.count(case, |_, time_ms| time.bucket(time_ms) == bucket))
            };
            (0..time.count()).map(|at| ratios.denominator(bucket(at))).collect()
        });
        let weight = |item: u32| beyond::propensity_weight(self.fans[item as usize]);
        let debiased = ratios.denominator(
            self.each(|case| self.cases.relevant(case).iter().map(|item| weight(*item)).sum()),
        );
        Over { groups, histories, popularity, time, debiased }
    }

    pub(super) fn columns(&self, ranked: &Ranked, over: &Over, ratios: &mut Ratios) -> Columns {
        let hits: Vec<Vec<bool>> = (0..self.cases.len())
            .map(|case| ranking::hits(ranked.items.row(case), self.cases.relevant(case)))
            .collect();
        let metric = |metric: Metric, k: u32, case: usize| {
            metric.of(&hits[case], self.cases.relevant(case).len(), k as usize)
        };
        let accuracy = over
            .groups
            .iter()
            .map(|(group, over)| {
                let at = |k: &u32| {
                    let column = |name: &Metric| {
                        let values = self.each(|case| {
                            if self.in_group(case, *group) {
                                metric(*name, *k, case)
                            } else {
                                0.0
                            }
                        });
                        (*name, ratios.column(*over, values))
                    };
                    Metric::EVERY.iter().map(column).collect()
                };
                (*group, self.config.k.iter().map(at).collect())
            })
            .collect();
        // A mean over those for whom it is defined.
        let mean = |ratios: &mut Ratios, of: &dyn Fn(usize) -> Option<f64>| {
            let values: Vec<Option<f64>> = (0..self.cases.len()).map(of).collect();
            let defined = values.iter().map(|value| f64::from(u8::from(value.is_some())));
            let over = ratios.denominator(defined.collect());
            ratios.column(over, values.iter().map(|value| value.unwrap_or(0.0)).collect())
        };
        let row = |case: usize| ranked.items.row(case);
        let weight = |item: u32| beyond::propensity_weight(self.fans[item as usize]);
        let (mut debiased, mut novelty, mut diversity) = (Vec::new(), Vec::new(), Vec::new());
        for k in self.config.k.iter().map(|k| *k as usize) {
            let found = self.each(|case| {
                beyond::debiased_hits(row(case), self.cases.relevant(case), weight, k).0
            });
            debiased.push(ratios.column(over.debiased, found));
            novelty
                .push(mean(ratios, &|case| beyond::novelty(row(case), &self.information, k)));
            diversity.push(mean(ratios, &|case| {
                beyond::intra_list_diversity(row(case), &self.categories, k)
            }));
        }
        let k = self.config.k_headline();
        let mut histories = Vec::new();
        for (slice, over) in over.histories.iter().enumerate() {
            let values = self.each(|case| {
                let own = self.histories.1[case] == slice;
                if own { metric(Metric::Ndcg, k, case) } else { 0.0 }
            });
            histories.push(ratios.column(*over, values));
        }
        // Relevant items found in the first k places, of those that `wanted` names.
        let found = |wanted: &dyn Fn(u32, i64) -> bool| {
            self.each(|case| {
                let list = &row(case)[..(k as usize).min(row(case).len())];
                self.count(case, |item, time_ms| wanted(item, time_ms) && list.contains(&item))
            })
        };
        let mut popularity = Vec::new();
        for (slice, over) in over.popularity.iter().enumerate() {
            let values = found(&|item, _| self.popularity.1[item as usize] == slice);
            popularity.push(ratios.column(*over, values));
        }
        let mut time = Vec::new();
        if let Some(buckets) = self.time {
            for (bucket, over) in over.time.iter().enumerate() {
                let values = found(&|_, time_ms| buckets.bucket(time_ms) == bucket);
                time.push(ratios.column(*over, values));
            }
        }
        Columns { accuracy, debiased, novelty, diversity, histories, popularity, time }
    }
}
