//! From resampled columns to the report.

use data::ClockKind;

use super::columns::Columns;
use super::world::World;
use super::{Ranked, Setting};
use crate::beyond;
use crate::bootstrap::{Column, Interval, Resampled};
use crate::report::{
    At, Beyond, CatalogueFacts, Group, GroupRow, GroupSize, Measured, Metric, ModelReport,
    REPORT_FORMAT, Report, SettingFacts, Slice,
};
use crate::verdict;

impl World<'_> {
    pub(super) fn model(
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

    pub(super) fn over_time(
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

    pub(super) fn report(&self, models: Vec<ModelReport>) -> Report {
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

    pub(super) fn notes(&self, setting: &SettingFacts) -> Vec<String> {
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
