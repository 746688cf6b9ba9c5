//! From rankings to a report.

use std::collections::BTreeMap;

use data::split::Split;
use data::{Catalogue, ClockKind, Feedback, Jagged, Progress};

use crate::beyond::{self, Categories};
use crate::bootstrap::{Column, Denominator, Interval, Ratios, Resampled};
use crate::report::{
    At, Beyond, CatalogueFacts, Group, GroupRow, GroupSize, Measured, Metric, ModelReport,
    REPORT_FORMAT, Report, SettingFacts, Slice,
};
use crate::slices::{self, SliceOf, TimeBuckets};
use crate::{Cases, Error, EvaluateConfig, Result, SeenPolicy, ranking, verdict};

/// What one model answered.
#[derive(Debug, Clone, PartialEq)]
pub struct Ranked {
    /// Its name.
    pub name: String,
    /// Row i: its ranking of the whole catalogue for case i, best first, cut at the longest
    /// list that is measured. A shorter row is a list whose missing places are misses.
    pub items: Jagged<u32>,
    /// Seconds it took for all cases.
    pub seconds: f64,
}

/// Where the rankings come from: recorded with the numbers.
#[derive(Debug, Clone, Copy)]
pub struct Setting<'a> {
    /// Who and what the log knows.
    pub catalogue: &'a Catalogue,
    /// The split.
    pub split: &'a Split,
    /// Checksum of the log's manifest.
    pub log_checksum: &'a str,
    /// Seed of everything random.
    pub seed: u64,
    /// How ties are broken.
    pub tie_rule: &'a str,
    /// Which events count.
    pub feedback: &'a Feedback,
    /// The present, milliseconds since the epoch.
    pub created_ms: i64,
}

/// Measures all `ranked` on the same cases. Every mean gets a user-bootstrap 95 % interval, and
/// the paired difference from `config.baseline` where that model is among them.
///
/// # Errors
/// Where a setting or a ranking is wrong (an unknown item, a seen one that should be excluded,
/// not one row a case), or the user asked to stop.
pub fn evaluate(
    cases: &Cases,
    ranked: &[Ranked],
    setting: &Setting<'_>,
    config: &EvaluateConfig,
    progress: &Progress<'_>,
) -> Result<Report> {
    config.check()?;
    check(cases, ranked, setting)?;
    let world = World::new(cases, setting, config);
    let mut ratios = Ratios::new(cases.len());
    let over = world.denominators(&mut ratios);
    let mut columns = Vec::with_capacity(ranked.len());
    for (at, ranked) in ranked.iter().enumerate() {
        progress.step("models", at as u64, Some(columns.capacity() as u64))?;
        columns.push(world.columns(ranked, &over, &mut ratios));
    }
    let resampled = ratios.resample(config.bootstrap as usize, setting.seed, progress)?;
    let baseline = ranked.iter().position(|ranked| ranked.name == config.baseline);
    let models: Vec<ModelReport> = ranked
        .iter()
        .zip(&columns)
        .enumerate()
        .map(|(at, (ranked, own))| {
            let other = baseline.filter(|other| *other != at).map(|other| &columns[other]);
            world.model(ranked, own, other, &resampled)
        })
        .collect();
    Ok(world.report(models))
}

/// Refuses rankings that cannot be what they are said to be.
fn check(cases: &Cases, ranked: &[Ranked], setting: &Setting<'_>) -> Result<()> {
    if ranked.is_empty() {
        return Err(Error::Refused("no model to measure; name one".into()));
    }
    let item_count = setting.split.train.item_count();
    for (at, Ranked { name, items, .. }) in ranked.iter().enumerate() {
        if ranked[..at].iter().any(|other| other.name == *name) {
            return Err(Error::input(
                name,
                "this model is there twice; give each its own name",
            ));
        }
        if items.rows() != cases.len() {
            let what = format!("{} rankings for {} cases", items.rows(), cases.len());
            return Err(Error::input(name, what));
        }
        for case in 0..cases.len() {
            let user = cases.user(case);
            let place = || format!("{name}, user index {user}");
            if let Some(item) = items.row(case).iter().find(|item| **item >= item_count) {
                let what = format!("ranks item index {item} of {item_count}");
                return Err(Error::input(place(), what));
            }
            if cases.seen() == SeenPolicy::Exclude && setting.split.train.users() > 0 {
                let mut seen = setting.split.train.user(user).items.to_vec();
                seen.sort_unstable();
                let row = items.row(case).iter();
                if let Some(item) = row.clone().find(|item| seen.binary_search(item).is_ok()) {
                    let what = format!(
                        "ranks item index {item}, which the user has already seen; filter seen \
                         items or set evaluate.seen = \"include\""
                    );
                    return Err(Error::input(place(), what));
                }
            }
        }
    }
    Ok(())
}

/// Everything about the test that does not depend on a model.
struct World<'a> {
    cases: &'a Cases,
    setting: &'a Setting<'a>,
    config: &'a EvaluateConfig,
    /// Training users by item.
    fans: Vec<u32>,
    information: Vec<f64>,
    categories: Categories,
    histories: (Vec<SliceOf>, Vec<usize>),
    popularity: (Vec<SliceOf>, Vec<usize>),
    time: Option<TimeBuckets>,
}

/// Denominators that all models share.
struct Over {
    groups: Vec<(Group, Denominator)>,
    histories: Vec<Denominator>,
    popularity: Vec<Denominator>,
    time: Vec<Denominator>,
    debiased: Denominator,
}

/// Where a model's numbers stand in the table.
struct Columns {
    /// By group, cut-off, metric.
    accuracy: Vec<(Group, Vec<BTreeMap<Metric, Column>>)>,
    debiased: Vec<Column>,
    novelty: Vec<Column>,
    diversity: Vec<Column>,
    histories: Vec<Column>,
    popularity: Vec<Column>,
    time: Vec<Column>,
}

impl<'a> World<'a> {
    fn new(
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
    fn each(&self, of: impl Fn(usize) -> f64) -> Vec<f64> {
        (0..self.cases.len()).map(of).collect()
    }

    /// Of one case, over the relevant items of a slice: how many `wanted` ones.
    fn count(&self, case: usize, wanted: impl Fn(u32, i64) -> bool) -> f64 {
        let pairs = self.cases.relevant(case).iter().zip(self.cases.times_ms(case));
        pairs.filter(|(item, time_ms)| wanted(**item, **time_ms)).count() as f64
    }

    fn in_group(&self, case: usize, group: Group) -> bool {
        match group {
            Group::All => true,
            Group::Warm => self.cases.history_len(case) > 0,
            Group::Cold => self.cases.history_len(case) == 0,
        }
    }

    fn denominators(&self, ratios: &mut Ratios) -> Over {
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

    fn columns(&self, ranked: &Ranked, over: &Over, ratios: &mut Ratios) -> Columns {
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

    fn model(
        &self,
        ranked: &Ranked,
        own: &Columns,
        baseline: Option<&Columns>,
        resampled: &Resampled,
    ) -> ModelReport {
        let interval = |column: Column| resampled.interval(column);
        let mut groups = Vec::new();
        for (group_at, (group, cuts)) in own.accuracy.iter().enumerate() {
            let users = self.users(*group);
            if users == 0 {
                continue;
            }
            let at = cuts
                .iter()
                .enumerate()
                .map(|(cut, metrics)| {
                    let measured = |(metric, column): (&Metric, &Column)| {
                        let difference = baseline.and_then(|baseline| {
                            let other = baseline.accuracy[group_at].1[cut][metric];
                            resampled.difference(*column, other)
                        });
                        Some((*metric, Measured { mean: interval(*column)?, difference }))
                    };
                    At {
                        k: self.config.k[cut],
                        metrics: metrics.iter().filter_map(measured).collect(),
                    }
                })
                .collect();
            groups.push(GroupRow { group: *group, users, at });
        }
        let rows = || (0..self.cases.len()).map(|case| ranked.items.row(case));
        let beyond = self
            .config
            .k
            .iter()
            .enumerate()
            .map(|(cut, k)| {
                let exposure = beyond::exposure(rows(), *k as usize, self.fans.len());
                Beyond {
                    k: *k,
                    debiased_hit_rate: interval(own.debiased[cut]),
                    coverage: beyond::coverage(&exposure),
                    gini: beyond::gini(&exposure),
                    novelty: interval(own.novelty[cut]),
                    diversity: interval(own.diversity[cut]),
                }
            })
            .collect();
        let by_history = self.histories.0.iter().zip(&own.histories);
        let by_popularity = self.popularity.0.iter().zip(&own.popularity).enumerate();
        ModelReport {
            name: ranked.name.clone(),
            rank_seconds: ranked.seconds,
            empty_lists: rows().filter(|row| row.is_empty()).count(),
            groups,
            beyond,
            by_history: by_history
                .map(|(slice, column)| Slice {
                    label: slice.label.clone(),
                    from_ms: None,
                    n: slice.members,
                    value: interval(*column),
                })
                .collect(),
            by_popularity: by_popularity
                .map(|(at, (slice, column))| Slice {
                    label: slice.label.clone(),
                    from_ms: None,
                    n: self.pairs(|item, _| self.popularity.1[item as usize] == at),
                    value: interval(*column),
                })
                .collect(),
            over_time: self.over_time(own, &interval),
        }
    }

    fn over_time(
        &self,
        own: &Columns,
        interval: &dyn Fn(Column) -> Option<Interval>,
    ) -> Vec<Slice> {
        let Some(time) = self.time else { return Vec::new() };
        let slice = |(bucket, column): (usize, &Column)| {
            let from_ms = time.start_ms(bucket);
            Slice {
                label: data::format_ms(from_ms).chars().take(10).collect(),
                from_ms: Some(from_ms),
                n: self.pairs(|_, time_ms| time.bucket(time_ms) == bucket),
                value: interval(*column),
            }
        };
        own.time.iter().enumerate().map(slice).collect()
    }

    fn users(&self, group: Group) -> usize {
        (0..self.cases.len()).filter(|case| self.in_group(*case, group)).count()
    }

    fn pairs(&self, wanted: impl Fn(u32, i64) -> bool) -> usize {
        (0..self.cases.len()).map(|case| self.count(case, &wanted) as usize).sum()
    }

    fn report(&self, models: Vec<ModelReport>) -> Report {
        let Setting { catalogue, split, .. } = self.setting;
        let groups = Group::EVERY
            .iter()
            .map(|group| GroupSize { group: *group, users: self.users(*group) })
            .collect();
        let setting = SettingFacts {
            created_ms: self.setting.created_ms,
            log_checksum: self.setting.log_checksum.to_owned(),
            split: split.facts.clone(),
            histories: "frozen at the split".into(),
            catalogue: CatalogueFacts {
                users: catalogue.users.len(),
                items: split.train.item_count(),
                items_in_training: self.fans.iter().filter(|fans| **fans > 0).count() as u32,
                relevant: self.cases.pairs() as u64,
                relevant_new: self.pairs(|item, _| self.fans[item as usize] == 0) as u64,
            },
            seen: self.cases.seen(),
            feedback: self.setting.feedback.clone(),
            seed: self.setting.seed,
            tie_rule: self.setting.tie_rule.to_owned(),
            k: self.config.k.clone(),
            baseline: self.config.baseline.clone(),
            bootstrap: self.config.bootstrap,
        };
        let leaky = split.facts.leaky.then(|| {
            format!(
                "LEAKY SPLIT ({}): models trained on events from after the ones they are judged \
                 by. Compare with papers that split the same way; expect less in production.",
                split.facts.kind
            )
        });
        let mut report = Report {
            format: REPORT_FORMAT,
            leaky,
            verdict: String::new(),
            notes: self.notes(&setting),
            setting,
            groups,
            models,
        };
        report.verdict = verdict::verdict(&report);
        report
    }

    fn notes(&self, setting: &SettingFacts) -> Vec<String> {
        let mut notes = Vec::new();
        match setting.split.clock {
            ClockKind::Real => {}
            ClockKind::Approximate => notes.push(
                "The log's times are approximate: their order is right, instants are partly made \
                 up."
                .into(),
            ),
            ClockKind::OrderOnly => {
                notes.push("The log knows only the order within each user, no instants.".into());
            }
        }
        let facts = &setting.catalogue;
        if facts.relevant_new * 20 > facts.relevant {
            let share = 100.0 * facts.relevant_new as f64 / facts.relevant.max(1) as f64;
            notes.push(format!(
                "{share:.0} % of what models had to find has no training event: no model that \
                 learns from events alone can find it."
            ));
        }
        if self.cases.nothing_new() > 0 {
            notes.push(format!(
                "{} users of the test met nothing new there and are left out.",
                self.cases.nothing_new()
            ));
        }
        notes
    }
}
