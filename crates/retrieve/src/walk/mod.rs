//! Where a walk over what people took next to each other ends up: a co-visitation graph and a
//! personalised random walk with restart.
//!
//! The graph: see `graph`. The walk starts at an item of the history (the later, the likelier),
//! follows an edge with the probability of its weight, and starts again with probability
//! `restart` before each step; an item scores the share of time that the walk is there. Its
//! steady state is personalised PageRank (Page, Brin, Motwani, Winograd 1999; Haveliwala 2002).
//! A recommender of this shape is Eksombatchai et al.: Pixie (WWW 2018), whose walk is sampled.
//! Ours is computed by forward push (Andersen, Chung, Lang: Local graph partitioning using
//! PageRank vectors, FOCS 2006, section 3), which needs no randomness: equal queries get equal
//! answers, and the work is bounded by `pushes_max` nodes of `neighbours` edges.
//!
//! Reaches items two and three steps away, where item-kNN sees only one: useful for short
//! histories and thin logs. On dense logs the neighbours alone do as well.

mod graph;

use std::collections::VecDeque;
use std::path::Path;

use data::{Progress, Sequences, order};
use serde::{Deserialize, Serialize};

use crate::Result;
use crate::config::{WalkConfig, at_least_one, check_range, half_life};
use crate::neighbours::Neighbours;
use crate::recency::Recency;
use crate::retriever::{Candidate, Query, Reason, Retriever};
use crate::scratch::{Scratch, with_scratch};
use crate::tensors::{TensorsIn, TensorsOut};

const NAME: &str = "walk";
/// Weight at a node below which it is not worth following its edges.
const TOLERANCE: f32 = 2e-4;

/// The graph, each row a probability distribution over next items.
#[derive(Debug, Clone, PartialEq)]
pub struct Walk {
    graph: Neighbours,
    recency: Recency,
    config: WalkConfig,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Facts {
    config: WalkConfig,
}

impl Walk {
    /// Learns from `train`, whose data end at `end_ms` (recency counts back from there).
    ///
    /// # Errors
    /// Where a setting is out of range, or on request ([`Progress::check`]).
    pub fn fit(
        train: &Sequences,
        config: &WalkConfig,
        end_ms: i64,
        seed: u64,
        progress: &Progress<'_>,
    ) -> Result<Walk> {
        let recency = checked(config)?;
        let graph = graph::covisitation(train, config, end_ms, seed, progress)?;
        Ok(Walk { graph, recency, config: config.clone() })
    }

    /// Size of the catalogue it was fitted on.
    pub fn item_count(&self) -> u32 {
        self.graph.items()
    }

    /// Where the walk goes from `item`: (item, probability) by rising index.
    pub fn edges(&self, item: u32) -> &[(u32, f32)] {
        if item < self.item_count() { self.graph.row(item) } else { &[] }
    }

    /// The bytes of its file.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        let facts = Facts { config: self.config.clone() };
        self.graph.write(TensorsOut::default()).into_bytes(NAME, &facts)
    }

    /// Reads a file of [`Walk::to_bytes`]; `place` is for messages.
    ///
    /// # Errors
    /// Where the bytes are not such a file, or state what cannot be.
    pub fn from_bytes(bytes: &[u8], place: &Path) -> Result<Walk> {
        let (file, facts): (_, Facts) = TensorsIn::open(NAME, bytes, place)?;
        let recency = checked(&facts.config).map_err(|why| file.damaged(why.to_string()))?;
        let graph = Neighbours::read(&file)?;
        for item in 0..graph.items() {
            let sum: f64 = graph.row(item).iter().map(|(_, weight)| f64::from(*weight)).sum();
            if sum > 1.0 + 1e-3 {
                return Err(file.damaged(format!("item {item} has next items of weight {sum}")));
            }
        }
        Ok(Walk { graph, recency, config: facts.config })
    }

    /// Where the walk starts: the history's items, weights summing to one.
    fn starts(&self, query: &Query<'_>, scratch: &mut Scratch) -> Vec<(u32, f32)> {
        let mut starts = self.recency.weigh(query.history, self.item_count(), scratch);
        let sum: f32 = starts.iter().map(|(_, weight)| weight).sum();
        for (_, weight) in &mut starts {
            *weight /= sum;
        }
        starts
    }

    /// Forward push. The score of an item is all weight that ever arrived at it: its share of
    /// the walk's time divided by `restart`, once its rest is counted as staying there.
    fn push(&self, starts: &[(u32, f32)], scratch: &mut Scratch) {
        let onward = (1.0 - self.config.restart) as f32;
        let mut waiting: VecDeque<u32> = VecDeque::new();
        for (item, weight) in starts {
            scratch.add(*item, *weight);
            waiting.push_back(*item);
        }
        for _ in 0..self.config.pushes_max {
            let Some(node) = waiting.pop_front() else { break };
            let moved = onward * scratch.spend(node);
            for (next, probability) in self.graph.row(node) {
                let before = scratch.unspent(*next);
                scratch.add(*next, moved * probability);
                // Only the crossing counts, so a node never waits twice.
                if before < TOLERANCE && scratch.unspent(*next) >= TOLERANCE {
                    waiting.push_back(*next);
                }
            }
        }
    }
}

fn checked(config: &WalkConfig) -> Result<Recency> {
    let between = |name: &str, value: f64, range: std::ops::RangeInclusive<f64>| {
        let wanted = format!("between {} and {}", range.start(), range.end());
        check_range(&format!("models.walk.{name}"), value, range, &wanted)
    };
    at_least_one("walk", "window", config.window)?;
    at_least_one("walk", "neighbours", config.neighbours)?;
    at_least_one("walk", "pushes_max", config.pushes_max)?;
    half_life("walk", "gap_hours_max", config.gap_hours_max)?;
    half_life("walk", "half_life_days", config.half_life_days)?;
    between("backward", config.backward, 0.0..=1.0)?;
    between("popularity_penalty", config.popularity_penalty, 0.0..=1.0)?;
    between("restart", config.restart, 0.01..=0.99)?;
    Recency::new("walk", config.history_max, config.history_half_life_events, 0.0)
}

impl Retriever for Walk {
    fn name(&self) -> &str {
        NAME
    }

    fn retrieve(&self, query: &Query<'_>) -> Vec<Candidate> {
        with_scratch(self.item_count() as usize, |scratch| {
            let starts = self.starts(query, scratch);
            self.push(&starts, scratch);
            scratch.best(query)
        })
    }

    /// The start from which the likeliest single step leads to `item`; where none does, the
    /// likeliest two steps.
    fn reason(&self, query: &Query<'_>, item: u32) -> Reason {
        let starts =
            with_scratch(self.item_count() as usize, |scratch| self.starts(query, scratch));
        let one_step = |from: u32| self.graph.weight(from, item);
        let two_steps = |from: u32| {
            let over =
                |(over, first): &(u32, f32)| Some(first * self.graph.weight(*over, item)?);
            let sum: f32 = self.graph.row(from).iter().filter_map(over).sum();
            (sum > 0.0).then_some(sum)
        };
        let likeliest = |steps: &dyn Fn(u32) -> Option<f32>| {
            starts
                .iter()
                .filter_map(|(from, weight)| Some((*from, weight * steps(*from)?)))
                .min_by(|a, b| order::descending(*a, *b, query.seed))
        };
        likeliest(&one_step)
            .or_else(|| likeliest(&two_steps))
            .map_or(Reason::Taste, |(item, _)| Reason::Because { item })
    }
}
