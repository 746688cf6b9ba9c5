//! What most users took, of all time or in the last days of the training data.
//!
//! The list for people of whom nothing is known, and the bar that every other model has to
//! clear: on logs with a fashion the recent one beats many a trained model. Do not use it alone
//! where taste differs much: everybody gets the same items.
//!
//! A model is frozen when it is trained, so the window of days ends with the training data and
//! not with the query's instant: the list ages until the next training. In a log that only
//! knows an order, times are positions and the window holds everything.

use std::ops::RangeInclusive;
use std::path::Path;

use data::{Progress, Sequences, order};
use serde::{Deserialize, Serialize};

use crate::Result;
use crate::config::{Count, PopularConfig, PopularLatelyConfig, at_least_one};
use crate::retriever::{Candidate, Query, Reason, Retriever};
use crate::tensors::{TensorsIn, TensorsOut};

/// Items by how often they were taken.
#[derive(Debug, Clone, PartialEq)]
pub struct Popular {
    /// Items with at least one count, in score order under `seed`.
    items: Vec<u32>,
    /// Their counts.
    counts: Vec<f32>,
    /// Length of the window; none: all time.
    days: Option<u32>,
    seed: u64,
    item_count: u32,
}

const LATELY: &str = "popular-lately";
const DAY_MS: i64 = 86_400_000;
/// Events between two looks at the stop flag.
const EVENTS_A_STEP: usize = 1 << 18;

impl Popular {
    /// Counts all of `train`.
    pub fn fit(
        train: &Sequences,
        config: &PopularConfig,
        seed: u64,
        progress: &Progress<'_>,
    ) -> Result<Popular> {
        Popular::counted(train, config.count, i64::MIN..=i64::MAX, None, seed, progress)
    }

    /// Counts the last days before `end_ms`, the end of the training data. Where nothing
    /// happened in them the model is empty.
    pub fn fit_lately(
        train: &Sequences,
        config: &PopularLatelyConfig,
        end_ms: i64,
        seed: u64,
        progress: &Progress<'_>,
    ) -> Result<Popular> {
        at_least_one("popular_lately", "days", config.days)?;
        let after_ms = end_ms.saturating_sub(i64::from(config.days) * DAY_MS);
        let window_ms = after_ms.saturating_add(1)..=end_ms;
        Popular::counted(train, config.count, window_ms, Some(config.days), seed, progress)
    }

    fn counted(
        train: &Sequences,
        count: Count,
        window_ms: RangeInclusive<i64>,
        days: Option<u32>,
        seed: u64,
        progress: &Progress<'_>,
    ) -> Result<Popular> {
        let mut counts = vec![0u32; train.item_count() as usize];
        // The last user who was counted for an item, plus one.
        let mut counted_for = vec![0u32; train.item_count() as usize];
        let (mut done, mut next_step) = (0, EVENTS_A_STEP);
        for user in 0..train.users() as u32 {
            let history = train.user(user);
            for (item, at_ms) in history.items.iter().zip(history.times_ms) {
                let item = *item as usize;
                let again = counted_for[item] == user + 1 && count == Count::Users;
                if window_ms.contains(at_ms) && !again {
                    counts[item] += 1;
                    counted_for[item] = user + 1;
                }
            }
            done += history.len();
            if done >= next_step {
                progress.step("counting", done as u64, Some(train.events() as u64))?;
                next_step = done + EVENTS_A_STEP;
            }
        }
        progress.step("counting", done as u64, Some(train.events() as u64))?;
        let mut scored: Vec<(u32, f32)> = (0..train.item_count())
            .zip(counts)
            .filter(|(_, count)| *count > 0)
            .map(|(item, count)| (item, count as f32))
            .collect();
        scored.sort_unstable_by(|a, b| order::descending(*a, *b, seed));
        let (items, counts) = scored.into_iter().unzip();
        Ok(Popular { items, counts, days, seed, item_count: train.item_count() })
    }

    /// Size of the catalogue it was fitted on.
    pub fn item_count(&self) -> u32 {
        self.item_count
    }

    /// The bytes of its file.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        TensorsOut::default()
            .u32("items", &self.items)
            .f32("counts", &[self.counts.len()], &self.counts)
            .into_bytes(
                self.name(),
                &Facts { seed: self.seed, items: self.item_count, days: self.days },
            )
    }

    /// Reads a file of [`Popular::to_bytes`]: the model called `name`, which is `popular` or
    /// `popular-lately`; `place` is for messages.
    ///
    /// # Errors
    /// Where the bytes are not such a file, or state what cannot be.
    pub fn from_bytes(name: &str, bytes: &[u8], place: &Path) -> Result<Popular> {
        let (file, facts): (_, Facts) = TensorsIn::open(name, bytes, place)?;
        if facts.days.is_some() != (name == LATELY) || facts.days == Some(0) {
            return Err(file.damaged(format!("{name} with a window of {:?} days", facts.days)));
        }
        let items = file.u32("items", u64::from(facts.items))?;
        let counts = file.f32("counts", &[items.len()])?;
        let ranked: Vec<(u32, f32)> =
            items.iter().copied().zip(counts.iter().copied()).collect();
        let sorted = ranked
            .windows(2)
            .all(|pair| order::descending(pair[0], pair[1], facts.seed).is_lt());
        let mut distinct = items.clone();
        distinct.sort_unstable();
        distinct.dedup();
        if !sorted || distinct.len() != items.len() || counts.iter().any(|count| *count < 1.0) {
            return Err(file.damaged("its items are not in the order of their counts"));
        }
        let Facts { seed, items: item_count, days } = facts;
        Ok(Popular { items, counts, days, seed, item_count })
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Facts {
    seed: u64,
    items: u32,
    days: Option<u32>,
}

impl Retriever for Popular {
    fn name(&self) -> &str {
        if self.days.is_some() { LATELY } else { "popular" }
    }

    fn retrieve(&self, query: &Query<'_>) -> Vec<Candidate> {
        let same_order = query.seed == self.seed;
        let mut found: Vec<(u32, f32)> = Vec::with_capacity(query.k.min(self.items.len()));
        for (item, count) in self.items.iter().zip(&self.counts) {
            // Under another seed the whole last group of ties has to be seen.
            let tied = !same_order && found.last().is_some_and(|(_, last)| count >= last);
            if found.len() >= query.k && !tied {
                break;
            }
            if query.filter.admits(*item) {
                found.push((*item, *count));
            }
        }
        if !same_order {
            order::top_k(&mut found, query.k, query.seed);
        }
        found.into_iter().map(|(item, score)| Candidate { item, score }).collect()
    }

    fn reason(&self, _: &Query<'_>, _: u32) -> Reason {
        self.days.map_or(Reason::Popular, |days| Reason::PopularLately { days })
    }
}
